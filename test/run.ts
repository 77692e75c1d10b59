/**
 * Runs everything that decides, or with `--quick` what takes under a minute, and ends with the sums of all steps:
 * `N passed, N failed`, with `, N skipped` where something was.
 */
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const BUN = process.execPath;
const OXLINT = join(ROOT, "node_modules/oxlint/bin/oxlint");
const MINUTE = 60_000;

interface Sums {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Step {
  readonly title: string;
  readonly command: readonly string[];
  /** Prints the summary of `bun test`, to be counted; any other step is one pass or one failure. */
  readonly counts?: boolean;
  readonly quick?: boolean;
  /** When it fails, nothing after it can be believed. */
  readonly decides?: boolean;
  /** Past this it is killed, and has failed: a run must end. */
  readonly withinMs: number;
}

/** Folders that have code now: the formatter refuses an empty one. */
const CODE = ["core", "plugins", "sdk", "scripts", "test", "docs/examples"].filter(
  (folder) => new Bun.Glob(`${folder}/**/*.{ts,tsx}`).scanSync({ cwd: ROOT }).next().done !== true,
);

interface Group extends Omit<Step, "command"> {
  readonly folder: string;
  /** Each file has a process apart, its own globals: so many at a time. Left out: one process has them all, in turn. */
  readonly workers?: number;
}

/** Every test file is in the first group whose folder holds it; a new one needs no line here. They run last to first. */
const GROUPS: readonly Group[] = [
  // Side by side fuzzers would try less in their time, and attacks that are measured would be late for each other.
  { title: "fuzzers, short form", folder: "test/fuzz/", withinMs: 3 * MINUTE },
  { title: "the sandbox under attack, short form", folder: "test/e2e/sandbox/", withinMs: 6 * MINUTE },
  // Side by side they take half as long, and on a machine that is busy already some are too late.
  { title: "the compiled engine from outside", folder: "test/e2e/", withinMs: 10 * MINUTE, workers: 1 },
  { title: "units, architecture and integration", folder: "test/", withinMs: 5 * MINUTE, workers: 1, quick: true },
];

function testSteps(quick: boolean): readonly Step[] {
  const files = [...new Bun.Glob("test/**/*.test.{ts,tsx}").scanSync({ cwd: ROOT })].sort();
  return GROUPS.map(({ folder, workers, ...step }) => {
    const chosen = files.filter((file) => GROUPS.find((group) => file.startsWith(group.folder))?.folder === folder);
    // Some units measure: side by side they run only where it must be quick.
    const flags = workers === undefined ? [] : [`--parallel=${quick ? 2 : workers}`];
    // A busy machine is no failure; what hangs is told all the same.
    const command = [BUN, "test", "--no-orphans", "--timeout=30000", ...flags, ...chosen.map((file) => `./${file}`)];
    return { ...step, command, counts: true };
  }).reverse();
}

function allSteps(quick: boolean): readonly Step[] {
  const once = { quick: true, withinMs: 2 * MINUTE };
  return [
    { title: "build", command: [BUN, "core/build.ts", "--if-changed"], decides: true, ...once },
    { title: "format", command: [BUN, "fmt", "--no-script", "--check", ...CODE], ...once },
    { title: "lint", command: [BUN, OXLINT, "--deny-warnings"], ...once },
    { title: "types", command: [BUN, "check", "--no-script"], ...once },
    ...testSteps(quick),
  ];
}

/** What failed, said once more at the end, where it is looked for. */
function failuresOf(output: string): readonly string[] {
  return [...new Set(output.split("\n").filter((line) => line.startsWith("(fail)")))];
}

/** The counts of `bun test`: ` 12 pass`, ` 1 fail`, ` 2 skip`, ` 1 todo`, ` 1 error`. */
export function sumsOf(output: string): Sums {
  const of = (word: string): number => Number(new RegExp(`^ *(\\d+) ${word}s?$`, "m").exec(output)?.[1] ?? 0);
  return { passed: of("pass"), failed: of("fail") + of("error"), skipped: of("skip") + of("todo") };
}

async function passOn(from: ReadableStream<Uint8Array>, to: NodeJS.WriteStream): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of from) {
    to.write(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

interface Outcome extends Sums {
  readonly title: string;
  readonly ms: number;
  readonly failures: readonly string[];
}

async function run(step: Step): Promise<Outcome> {
  const began = performance.now();
  process.stdout.write(`\n── ${step.title}\n`);
  const child = Bun.spawn([...step.command], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1", CI: "true" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, step.withinMs);
  const [stdout, stderr, code] = await Promise.all([
    passOn(child.stdout, process.stdout),
    passOn(child.stderr, process.stderr),
    child.exited,
  ]);
  clearTimeout(timer);
  if (late) process.stdout.write(`${step.title}: killed after ${step.withinMs / MINUTE} minutes\n`);
  const output = `${stdout}\n${stderr}`;
  const ms = performance.now() - began;
  return { title: step.title, ms, failures: failuresOf(output), ...judge(step.counts === true, code, output) };
}

/** A step that ended badly without saying what failed has failed once; one of tests that ran none, too. */
export function judge(counts: boolean, code: number, output: string): Sums {
  const sums = counts ? sumsOf(output) : { passed: code === 0 ? 1 : 0, failed: 0, skipped: 0 };
  const nothing = sums.passed + sums.failed + sums.skipped === 0;
  return sums.failed === 0 && (code !== 0 || nothing) ? { ...sums, failed: 1 } : sums;
}

function report(outcomes: readonly Outcome[]): Sums {
  for (const { title, failures } of outcomes) for (const line of failures) process.stdout.write(`${title}: ${line}\n`);
  for (const { title, ms, passed, failed, skipped } of outcomes) {
    const line = `${failed === 0 ? "ok  " : "FAIL"} ${title.padEnd(38)} ${passed} passed, ${failed} failed, ${skipped} skipped`;
    process.stdout.write(`${line}  (${(ms / 1000).toFixed(1)} s)\n`);
  }
  const total = (of: keyof Sums): number => outcomes.reduce((sum, outcome) => sum + outcome[of], 0);
  return { passed: total("passed"), failed: total("failed"), skipped: total("skipped") };
}

if (import.meta.main) {
  const quick = process.argv.includes("--quick");
  const outcomes: Outcome[] = [];
  for (const step of allSteps(quick)) {
    if (quick && step.quick !== true) continue;
    outcomes.push(await run(step));
    // Against the binary of yesterday the tests would say nothing.
    if (step.decides === true && outcomes.at(-1)?.failed !== 0) break;
  }
  process.stdout.write("\n");
  const { passed, failed, skipped } = report(outcomes);
  process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
