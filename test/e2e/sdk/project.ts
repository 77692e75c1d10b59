/** The SDK's npm package, packed, and unpacked into a project as npm would: for tests from outside. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { buildPackage } from "../../../sdk/package/build.ts";

export const ROOT = resolve(import.meta.dir, "../../..");

export interface Ended {
  readonly code: number;
  readonly out: string;
}

/** Runs to the end; what it printed on both streams is one text. */
export async function run(command: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Ended> {
  const child = Bun.spawn([...command], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", HOME: cwd, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out: out + err };
}

export interface PackedProject extends AsyncDisposable {
  /** A folder whose `node_modules` has the package and nothing else. */
  readonly dir: string;
  /** The tarball that `npm publish` would send. */
  readonly tarball: string;
  write(path: string, content: string): Promise<void>;
}

export async function packedProject(): Promise<PackedProject> {
  const home = await mkdtemp(join(tmpdir(), "sdk-package-"));
  const dir = join(home, "project");
  const installed = join(dir, "node_modules/@aiwebengine/sdk");
  await mkdir(installed, { recursive: true });
  const built = join(home, "sdk");
  await buildPackage(built);
  const packed = await run(["npm", "pack", "--silent", "--pack-destination", home], built);
  if (packed.code !== 0) throw new Error(`npm pack ended with ${packed.code}:\n${packed.out}`);
  const tarball = join(home, (await readdir(home)).find((name) => name.endsWith(".tgz")) ?? "no tarball");
  const unpacked = await run(["tar", "-xzf", tarball, "-C", installed, "--strip-components=1"], home);
  if (unpacked.code !== 0) throw new Error(unpacked.out);
  const write = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  };
  await write("package.json", JSON.stringify({ name: "project", private: true, type: "module" }));
  return { dir, tarball, write, [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }) };
}
