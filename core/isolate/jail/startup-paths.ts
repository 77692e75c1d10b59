/** What a child of this binary must be able to read until it runs: itself, its libraries, and a few kernel facts. */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PathRule } from "./landlock.ts";

/** Only existing ones take part; distributions differ. */
const LOADER_FILES = ["/etc/ld.so.cache", "/etc/ld-musl-x86_64.path", "/etc/ld-musl-aarch64.path"];
/** The allocator and the JavaScript engine size themselves by these; without them they assume defaults. */
const KERNEL_FILES = ["/sys/kernel/mm/transparent_hugepage/enabled", "/sys/devices/system/cpu/online", "/dev/urandom"];
/**
 * JavaScriptCore finds its stack in `/proc/self/maps` and aborts without it. A rule holds on to one folder, and the
 * child's own does not exist yet, so it is all of `/proc` until `lockDown`. What matters there (memory, environment,
 * descriptors of others) asks the right to trace, which Landlock refuses.
 */
const PROCESS_FILES = "/proc";

/**
 * The libraries are taken from this process's own map: a child is the same binary and loads the same ones. Executable
 * mappings only: the others are data files, among them the engine's databases.
 */
export function startupRules(command: readonly string[]): readonly PathRule[] {
  const read = (path: string): PathRule => ({ path, access: "read" });
  return [
    ...mappedCode().map((path): PathRule => ({ path, access: "execute" })),
    ...command.slice(0, 1).map((path): PathRule => ({ path: realpathSync(path), access: "execute" })),
    ...LOADER_FILES.map(read),
    ...KERNEL_FILES.map(read),
    read(PROCESS_FILES),
    { path: "/dev/null", access: "write" },
    ...sourceRules(command),
  ];
}

function mappedCode(): readonly string[] {
  const paths = new Set<string>();
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    const [, permissions, , , , ...name] = line.split(/ +/);
    const path = name.join(" ");
    if (permissions?.includes("x") && path.startsWith("/") && existsSync(path)) paths.add(path);
  }
  return [...paths];
}

/** What a builder keeps: the given folders, its own figures under /proc, and, from source, what it still imports lazily. */
export function builderRules(readPaths: readonly string[]): readonly PathRule[] {
  const paths = [...readPaths, ...KERNEL_FILES, "/proc/self"];
  return [...paths.map((path): PathRule => ({ path, access: "read" })), ...sourceRules([process.execPath, Bun.main])];
}

/** Whether a path or URL lies in the virtual folder that a compiled binary carries (it "exists", but has no real path). */
export function isEmbedded(path: string): boolean {
  return path.includes("/$bunfs/") || path.includes("~BUN");
}

/** Run from source, a child also reads the project. Never so in a binary, whose main file lies inside itself. */
function sourceRules(command: readonly string[]): readonly PathRule[] {
  const [, main] = command;
  if (main === undefined || isEmbedded(main)) return [];
  const folder = dirname(realpathSync(main));
  let root = folder;
  while (!existsSync(join(root, "package.json")) && dirname(root) !== root) root = dirname(root);
  return [{ path: dirname(root) === root ? folder : root, access: "read" }];
}
