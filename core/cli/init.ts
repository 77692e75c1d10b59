/** `aiwebengine init`: a project that serves, passes `check` and has a test, in a folder that may hold other things. */
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { readConfig } from "../config/index.ts";
import { LIMITS, type LimitSpec } from "../config/limits.ts";
import { discoverScripts } from "../script/source.ts";
import { writeTypings } from "../script/typings.ts";
import type { Call } from "./command.ts";
import { withOffersOf } from "./offers.ts";
import agents from "./templates/agents.txt";
import config from "./templates/config.txt";
import gitignore from "./templates/gitignore.txt";
import helloTest from "./templates/hello-test.txt";
import hello from "./templates/hello.txt";
import readme from "./templates/readme.txt";
import extensions from "./templates/vscode-extensions.txt";
import settings from "./templates/vscode-settings.txt";
import { fill, makeFolder, writeNew, type Written } from "./write-new.ts";

const PROJECT = {
  "aiwebengine.toml": config,
  ".gitignore": gitignore,
  ".vscode/extensions.json": extensions,
  ".vscode/settings.json": settings,
  "AGENTS.md": fill(agents, { limits: limitsTable() }),
};

export async function run(call: Call): Promise<number> {
  const { args, flags, io } = call;
  const [given = "."] = args;
  const dir = resolve(given);
  const written = await init(dir, call);
  if (flags.has("json")) {
    io.stdout(`${JSON.stringify({ dir, ...written }, null, 2)}\n`);
    return 0;
  }
  const { made, left } = written;
  for (const path of made) io.stdout(`${io.paint.green("made")}  ${path}\n`);
  for (const path of left) io.stdout(`${io.paint.dim(`left  ${path}: it is there already`)}\n`);
  const cd = dir === process.cwd() ? "" : `cd ${quoted(given)} && `;
  io.stdout(
    `\nNext: ${io.paint.bold(`${cd}aiwebengine serve`)}, then change a script and save it. To look it over: aiwebengine check\n`,
  );
  return 0;
}

/** @throws StartError when a file cannot be written, or the settings that are there are wrong. */
export async function init(dir: string, engine: Pick<Call, "builtIns" | "version">): Promise<Written> {
  const scriptsDir = join(dir, "scripts");
  makeFolder(scriptsDir);
  const loaded = readConfig({ dir, env: process.env, set: [], flags: {} });
  const types = await withOffersOf(loaded, engine, (offers) => Promise.resolve(offers.types));
  // With scripts of one's own the example would only be in the way, and might want a route of theirs.
  const { scripts } = await discoverScripts(scriptsDir);
  const own = scripts.length > 0;
  const example: Record<string, string> = own ? {} : { "scripts/hello.ts": hello, "scripts/hello.test.ts": helloTest };
  const files = { ...example, ...PROJECT, "README.md": fill(readme, { name: basename(dir) }) };
  const { made, left } = writeNew(dir, files);
  const tsconfig = "scripts/tsconfig.json";
  const had = existsSync(join(dir, tsconfig));
  await writeTypings(scriptsDir, { ...types, version: engine.version });
  return {
    made: had ? made : [...made, tsconfig],
    left: [...(own ? ["scripts/"] : []), ...left, ...(had ? [tsconfig] : [])],
  };
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function limitsTable(): string {
  const rows = Object.entries<LimitSpec>(LIMITS).map(
    ([name, { default: value, unit, meaning }]) =>
      `| \`${name}\` | ${value.toLocaleString("en-US")}${unit === "count" ? "" : ` ${unit}`} | ${meaning} |`,
  );
  return ["| limit | default | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}
