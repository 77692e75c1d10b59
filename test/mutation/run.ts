/**
 * `npm run mutation [target…]`: plants one small fault at a time, and counts how many of them the tests notice.
 * Writes nothing into this tree: the faults are planted in a copy. `--every=5` tries a fifth of them, spread evenly.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applied, mutantsOf, type Mutant } from "./mutants.ts";

const ROOT = join(import.meta.dir, "../..");
/** Percent of the mutants that the tests must notice. */
const BAR = 75;
/** A test process that takes so long hangs on the fault: that counts as noticed. */
const PATIENCE_MS = 20_000;

interface Target {
  readonly name: string;
  readonly files: readonly string[];
  /** Run in this order up to the first that fails: the fast ones stand first. */
  readonly tests: readonly (readonly string[])[];
}

const TARGETS: readonly Target[] = [
  {
    name: "router",
    files: ["core/http/router.ts", "core/http/pattern.ts"],
    tests: [["test/core/http/router.test.ts"]],
  },
  { name: "order", files: ["core/plugin/order.ts"], tests: [["test/core/plugin/order.test.ts"]] },
  {
    name: "registry",
    files: ["core/script/registry.ts", "core/script/serving.ts", "core/script/changes.ts"],
    tests: [
      ["test/core/script/changes.test.ts", "test/core/script/registry.test.ts"],
      ["test/core/script/registry-state.test.ts"],
    ],
  },
  {
    name: "config",
    files: [...new Bun.Glob("core/config/*.ts").scanSync({ cwd: ROOT })].sort(),
    tests: [
      ["load", "report", "plugins", "profile", "environment", "file"].map((name) => `test/core/config/${name}.test.ts`),
      ["test/core/cli/config.test.ts", "test/docs/generated.test.ts", "test/core/config/watch.test.ts"],
      ["test/core/config/formats.test.ts"],
    ],
  },
];

interface Score {
  readonly target: string;
  readonly mutants: number;
  readonly noticed: number;
}

function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), "awe-mutation-"));
  for (const part of ["core", "sdk", "plugins", "scripts", "test", "docs", "dist/realm.txt", "dist/testing.txt"])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  for (const file of ["package.json", "bunfig.toml", "tsconfig.json", "README.md", "CHANGELOG.md"])
    cpSync(join(ROOT, file), join(copy, file));
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  return copy;
}

async function passes(copy: string, tests: readonly string[]): Promise<boolean> {
  const child = Bun.spawn([process.execPath, "test", "--bail=1", "--no-orphans", ...tests.map((file) => `./${file}`)], {
    cwd: copy,
    env: { ...process.env, NO_COLOR: "1", CI: "true" },
    stdio: ["ignore", "ignore", "ignore"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  const code = await child.exited;
  clearTimeout(timer);
  return code === 0;
}

async function survives(copy: string, { tests }: Target): Promise<boolean> {
  for (const group of tests) if (!(await passes(copy, group))) return false;
  return true;
}

function told(file: string, { line, was, text }: Mutant): string {
  const short = (code: string): string => {
    const flat = code.replace(/\s+/g, " ");
    return flat.length > 70 ? `${flat.slice(0, 67)}...` : flat;
  };
  return `${file}:${line}  ${short(was)}  →  ${short(text)}`;
}

async function runTarget(copy: string, target: Target, every: number): Promise<Score> {
  if (!(await survives(copy, target))) throw new Error(`The tests of ${target.name} fail without any fault.`);
  let seen = 0;
  let mutants = 0;
  let noticed = 0;
  for (const file of target.files) {
    const source = readFileSync(join(ROOT, file), "utf8");
    for (const mutant of mutantsOf(source)) {
      if (seen++ % every !== 0) continue;
      writeFileSync(join(copy, file), applied(source, mutant));
      mutants++;
      const survived = await survives(copy, target);
      if (!survived) noticed++;
      process.stdout.write(`${survived ? "SURVIVED" : "noticed "}  ${told(file, mutant)}\n`);
    }
    writeFileSync(join(copy, file), source);
  }
  return { target: target.name, mutants, noticed };
}

function percent({ mutants, noticed }: Score): number {
  return mutants === 0 ? 0 : (100 * noticed) / mutants;
}

const flags = process.argv.slice(2).filter((word) => word.startsWith("-"));
const names = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const every = Number(/^--every=([1-9]\d*)$/.exec(flags[0] ?? "--every=1")?.[1]);
if (flags.length > 1 || Number.isNaN(every)) {
  process.stderr.write(
    `${flags.join(" ")} is not understood: the only flag is --every=5, for a fifth of the mutants.\n`,
  );
  process.exit(2);
}
const chosen = TARGETS.filter(({ name }) => names.length === 0 || names.includes(name));
const unknown = names.filter((name) => !TARGETS.some((target) => target.name === name));
if (unknown.length > 0) {
  process.stderr.write(`No target ${unknown.join(", ")}: there are ${TARGETS.map(({ name }) => name).join(", ")}.\n`);
  process.exit(2);
}
// Some files of core import what is built of the realm.
Bun.spawnSync([process.execPath, "core/build.ts", "--parts"], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
const copy = copyTree();
try {
  const scores: Score[] = [];
  for (const target of chosen) scores.push(await runTarget(copy, target, every));
  process.stdout.write("\n");
  for (const score of scores) {
    const { target, mutants, noticed } = score;
    const mark = percent(score) >= BAR ? "ok  " : "FAIL";
    process.stdout.write(
      `${mark} ${target.padEnd(10)} ${noticed} of ${mutants} noticed, ${percent(score).toFixed(1)} %\n`,
    );
  }
  if (scores.some((score) => percent(score) < BAR)) process.exitCode = 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
