/**
 * The door for machines that have only Node and npm: installs what is missing, then works with the project's own Bun.
 * `node core/launch.mjs start [arguments of serve]`, or `node core/launch.mjs <file> [arguments]`.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const windows = process.platform === "win32";
/** Where the postinstall script of npm's `bun` was not allowed to run, a short text stands in the binary's place. */
const SMALLEST_BINARY = 1024 * 1024;

class LaunchError extends Error {}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).packages : {};
}

/** By versions, not by time: after a checkout every file is new. Optional packages are those of other platforms. */
function isInstalled() {
  const wanted = Object.entries(packagesOf(join(root, "package-lock.json"))).filter(
    ([path, { optional }]) => path && !optional,
  );
  const there = packagesOf(join(modules, ".package-lock.json"));
  return wanted.every(([path, { version }]) => there[path]?.version === version);
}

function install() {
  // `npm ci` would empty a folder that is there, perhaps under a running engine. Bun alone, without Node: its own way.
  const bare = process.versions.bun !== undefined;
  const verb = existsSync(modules) || bare ? "install" : "ci";
  // Errors only: npm would warn, screens long, of packages that want a newer Node, and they run on Bun.
  const args = [verb, ...(bare ? ["--no-save"] : ["--no-audit", "--no-fund", "--loglevel=error"])];
  process.stderr.write(
    `installing packages (${bare ? "bun" : "npm"} ${verb}); the first time this takes a minute or two\n`,
  );
  const { status, error } = spawnSync(bare ? process.execPath : "npm", args, {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    shell: windows && !bare,
  });
  if (error)
    throw new LaunchError(`npm could not be started (${error.message}): install Node 20 or later, npm comes with it.`);
  if (status !== 0) throw new LaunchError(`The install ended with code ${status}; what it said stands above.`);
}

function findBun() {
  const vendor = join(modules, "@oven");
  const homes = [
    join(modules, "bun"),
    ...(existsSync(vendor) ? readdirSync(vendor).map((name) => join(vendor, name)) : []),
  ];
  const files = homes.flatMap((home) => [join(home, "bin", "bun.exe"), join(home, "bin", "bun")]);
  const bun = files.find((file) => existsSync(file) && statSync(file).size > SMALLEST_BINARY);
  if (bun === undefined)
    throw new LaunchError("No Bun for this platform lies in node_modules: remove node_modules and try again.");
  return bun;
}

/**
 * The project that `start` serves: the examples, in a folder of their own. This one will not do: its `plugins/` holds the
 * sources of those in the binary, and would be taken for dropped ones.
 */
function projectOf(args) {
  if (args.some((arg) => arg === "--dir" || arg.startsWith("--dir="))) return [];
  const project = join(root, "dist", "project");
  const scripts = join(project, "scripts");
  mkdirSync(project, { recursive: true });
  if (!existsSync(scripts)) symlinkSync(join(root, "scripts"), scripts, "junction");
  return ["--dir", project];
}

/** The exit code; one ended by a signal has 128 plus its number, as in a shell. */
function run(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: "inherit" });
  const forward = (signal) => child.kill(signal);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

try {
  const [first = "start", ...rest] = process.argv.slice(2);
  if (!isInstalled()) install();
  const bun = findBun();
  if (first !== "start") process.exitCode = await run(bun, [first, ...rest]);
  else {
    process.exitCode = await run(bun, ["core/build.ts", "--if-changed"]);
    const engine = join(root, "dist", windows ? "aiwebengine.exe" : "aiwebengine");
    if (process.exitCode === 0) process.exitCode = await run(engine, ["serve", ...projectOf(rest), ...rest]);
  }
} catch (error) {
  if (!(error instanceof LaunchError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
