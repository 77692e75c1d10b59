/** Runs the compiled engine in a temporary folder outside the repository, and leaves nothing behind. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { BINARY } from "../../core/build/current.ts";
import { LogLines, type LogMatch } from "./log-lines.ts";

const REPOSITORY = resolve(import.meta.dir, "../..");
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 15_000;

export interface EngineOptions {
  /** Path below `scripts/` → content. */
  readonly scripts?: Readonly<Record<string, string>>;
  /** Path below the engine's folder → content. */
  readonly files?: Readonly<Record<string, string>>;
  /** Text of `aiwebengine.toml`. */
  readonly config?: string;
  /** More arguments of `serve`. */
  readonly args?: readonly string[];
  /** Added to an otherwise nearly empty environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Uses this folder and keeps it: for a second engine on one folder, or a second start. */
  readonly dir?: string;
  /** How long the banner may take. */
  readonly startTimeoutMs?: number;
  /** From source, in the test's own process: such an engine has no signals, and no end of its own. */
  readonly inProcess?: boolean;
}

export interface Engine extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** The engine's folder; `scripts/` and `data/` lie in it. */
  readonly dir: string;
  /** Everything the engine printed so far (stdout and stderr; the newest 4 MiB). */
  readonly logs: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Writes a file below the engine's folder: `write("scripts/hello.ts", …)`. */
  write(path: string, content: string | Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
  /** How many lines were printed so far; give it to `waitForLog` to see only later ones. */
  mark(): number;
  /** Resolves with the first line that matches, past or coming. */
  waitForLog(match: LogMatch, options?: { timeoutMs?: number; after?: number }): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the exit code once the process has ended by itself; a signal is 128 + its number. */
  readonly exited: Promise<number>;
  /** SIGTERM, SIGKILL when that is not heeded, then the folder goes. The exit code. */
  stop(): Promise<number>;
}

/** Pids that this process started and that still live: killed when it ends without `stop`. */
const live = new Set<number>();
let guarded = false;

function guard(): void {
  if (guarded) return;
  guarded = true;
  process.on("exit", () => {
    for (const pid of live) signal(pid, "SIGKILL");
  });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended by itself in the meantime: that is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The engine runs from source, in the test's own process, where coverage sees it. */
function isInProcess(): boolean {
  return process.env["TEST_ENGINE"] === "in-process";
}

/** The command that runs the engine: `AIWEBENGINE_BIN`, else the built binary. A `.ts` file is run by this Bun. */
export function engineCommand(): readonly string[] {
  const given = isInProcess() ? join(REPOSITORY, "core/main.ts") : process.env["AIWEBENGINE_BIN"];
  const path = resolve(given ?? BINARY);
  if (!existsSync(path)) {
    throw new Error(
      given === undefined
        ? `The engine's binary is not built (${path}). Run: npm run build`
        : `AIWEBENGINE_BIN names ${path}, which does not exist. Run: npm run build`,
    );
  }
  return path.endsWith(".ts") ? [process.execPath, path] : [path];
}

/** Makes a temporary folder with an engine's files in `app/`, so that its parent is ours too. */
export async function prepareFolder(options: EngineOptions): Promise<string> {
  const dir = join(await mkdtemp(join(tmpdir(), "aiwebengine-e2e-")), "app");
  await mkdir(join(dir, "scripts"), { recursive: true });
  const files: Record<string, string> = { ...options.files };
  for (const [path, content] of Object.entries(options.scripts ?? {})) files[`scripts/${path}`] = content;
  if (options.config !== undefined) files["aiwebengine.toml"] = options.config;
  for (const [path, content] of Object.entries(files)) await put(dir, path, content);
  return dir;
}

async function put(dir: string, path: string, content: string | Uint8Array): Promise<void> {
  const file = join(dir, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** Starts the engine on a free port of the loopback address, and waits until its banner says where it listens. */
export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  const dir = options.dir ?? (await prepareFolder(options));
  const lines = new LogLines();
  const args = ["serve", "--port", "0", "--host", "127.0.0.1", "--dir", dir, ...(options.args ?? [])];
  const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: dir, NO_COLOR: "1", ...options.env };
  if (options.inProcess ?? isInProcess()) return startInProcess(options, dir, args, env, lines);
  guard();
  const child = Bun.spawn([...engineCommand(), ...args], { cwd: dir, env, stdio: ["ignore", "pipe", "pipe"] });
  live.add(child.pid);
  const read = Promise.all([lines.read(child.stdout), lines.read(child.stderr)]);
  const exited = child.exited.then((code) => {
    live.delete(child.pid);
    return code;
  });

  async function stop(): Promise<number> {
    if (live.has(child.pid)) signal(child.pid, "SIGTERM");
    const timer = setTimeout(() => signal(child.pid, "SIGKILL"), STOP_TIMEOUT_MS);
    const code = await exited;
    clearTimeout(timer);
    if (options.dir === undefined) await rm(dirname(dir), { recursive: true, force: true });
    return code;
  }

  const ended = exited.then(async (code): Promise<never> => {
    await read;
    throw new Error(`The engine ended with code ${code} before it listened.\n${lines.text()}`);
  });
  // After the banner nobody awaits it, and an engine may end then.
  ended.catch(() => {});
  const banner = lines.wait(/http:\/\/127\.0\.0\.1:\d+/, { timeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS });
  // The one that loses the race below may still reject later.
  banner.catch(() => {});
  let url: string;
  try {
    const line = await Promise.race([banner, ended]);
    url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? "";
    // On a crowded machine it listens while it builds: what a test asks for is there when all are built.
    if (line.includes('"building":')) await lines.wait(/all scripts are built/, { timeoutMs: START_TIMEOUT_MS });
  } catch (error) {
    await stop();
    throw error;
  }
  return engineAt(url, dir, lines, { pid: child.pid, kill: (name) => signal(child.pid, name), exited, stop });
}

/** What is the same wherever the engine runs. */
function engineAt(
  url: string,
  dir: string,
  lines: LogLines,
  running: Pick<Engine, "pid" | "kill" | "exited" | "stop">,
): Engine {
  return {
    ...running,
    url,
    port: Number(new URL(url).port),
    dir,
    get logs() {
      return lines.text();
    },
    fetch: (path, init) => fetch(url + path, init),
    write: (path, content) => put(dir, path, content),
    remove: (path) => rm(join(dir, path), { recursive: true, force: true }),
    mark: () => lines.count,
    waitForLog: (match, waitOptions) => lines.wait(match, waitOptions),
    [Symbol.asyncDispose]: async () => void (await running.stop()),
  };
}

async function startInProcess(
  options: EngineOptions,
  dir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  lines: LogLines,
): Promise<Engine> {
  const { serveInProcess } = await import("./in-process.ts");
  const exited = Promise.withResolvers<number>();
  const served = await serveInProcess(args, env, lines);
  let stopping: Promise<void> | undefined;
  return engineAt(served.url, dir, lines, {
    pid: process.pid,
    kill() {
      throw new Error("An engine in the test's own process has no signal of its own.");
    },
    exited: exited.promise,
    async stop() {
      await (stopping ??= served.stop());
      if (options.dir === undefined) await rm(dirname(dir), { recursive: true, force: true });
      exited.resolve(0);
      return 0;
    },
  });
}

/** Runs a command of the engine to its end: `doctor`, `version`, a `serve` that must refuse. */
export async function runEngine(
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>>; timeoutMs?: number } = {},
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const cwd = options.cwd ?? tmpdir();
  const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", NO_COLOR: "1", ...options.env };
  // That of `serve` would end this process with itself.
  if (isInProcess() && args[0] !== "serve") return (await import("./in-process.ts")).runInProcess(args, cwd, env);
  guard();
  const child = Bun.spawn([...engineCommand(), ...args], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  live.add(child.pid);
  const timer = setTimeout(() => signal(child.pid, "SIGKILL"), options.timeoutMs ?? START_TIMEOUT_MS);
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(timer);
  live.delete(child.pid);
  return { code, stdout, stderr };
}
