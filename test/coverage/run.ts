/**
 * `npm run coverage`: runs the unit and integration tests, and says per folder how much of core and sdk they ran.
 * `--list` names every file under the bar, `--out=FOLDER` keeps the report for an editor (lcov.info).
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { measuredFiles, NOT_MEASURED, ROOT } from "./files.ts";
import { readLcov, sumOf, type Counts } from "./lcov.ts";

/** Percent, of lines and of functions each. */
const BAR = 90;
const TESTS = ["test/core/", "test/sdk/", "test/plugins/", "test/docs/"];
/** Of the tests of the binary those that send the engine no signal: they run it in their own process, where it is counted. */
const IN_PROCESS = [
  "author",
  "cli",
  "config",
  "docs",
  "http",
  "messages",
  "plugins",
  "points",
  "reload",
  "run-command",
  "run-command",
  "service-plugins",
  "templates",
  "test-command",
  "test-command",
  "web-plugins",
].map((name) => `test/e2e/${name}.test.ts`);

function percent(hit: number, all: number): number {
  return all === 0 ? 100 : (100 * hit) / all;
}

function row(name: string, { lines, linesHit, functions, functionsHit }: Counts): string {
  const of = (hit: number, all: number): string =>
    `${percent(hit, all).toFixed(1).padStart(6)} % ${`${hit}/${all}`.padStart(12)}`;
  return `${name.padEnd(30)} ${of(linesHit, lines)}   ${of(functionsHit, functions)}`;
}

function below({ lines, linesHit, functions, functionsHit }: Counts): boolean {
  return percent(linesHit, lines) < BAR || percent(functionsHit, functions) < BAR;
}

const flags = process.argv.slice(2);
const kept = flags.find((flag) => flag.startsWith("--out="))?.slice("--out=".length);
// Children that the tests start from source read what is built of the realm.
const built = Bun.spawnSync([process.execPath, "core/build.ts", "--if-changed"], {
  cwd: ROOT,
  stdio: ["ignore", "inherit", "inherit"],
});
if (built.exitCode !== 0) process.exit(1);
const out = kept === undefined ? mkdtempSync(join(tmpdir(), "awe-coverage-")) : resolve(kept);
try {
  const tests = [...new Bun.Glob("test/**/*.test.{ts,tsx}").scanSync({ cwd: ROOT })]
    .filter((file) => IN_PROCESS.includes(file) || TESTS.some((folder) => file.startsWith(folder)))
    .sort();
  const reporters = ["--coverage", "--coverage-reporter=lcov", `--coverage-dir=${out}`];
  const { exitCode } = Bun.spawnSync(
    [process.execPath, "test", "--no-orphans", "--only-failures", ...reporters, ...tests.map((file) => `./${file}`)],
    {
      cwd: ROOT,
      env: { ...process.env, CI: "true", TEST_ENGINE: "in-process" },
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  if (exitCode !== 0) process.stdout.write("Tests failed: the figures are lower than they would be.\n");
  const measured = new Set(measuredFiles());
  const files = [...readLcov(readFileSync(join(out, "lcov.info"), "utf8"))]
    .map(([path, counts]) => [relative(ROOT, resolve(ROOT, path)), counts] as const)
    .filter(([path]) => measured.has(path))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const folders = Map.groupBy(files, ([path]) => dirname(path));
  process.stdout.write(`\n${"".padEnd(30)} ${"lines".padStart(21)}   ${"functions".padStart(21)}\n`);
  for (const [folder, members] of [...folders].sort(([a], [b]) => (a < b ? -1 : 1)))
    process.stdout.write(`${row(folder, sumOf(members.map(([, counts]) => counts)))}\n`);
  const total = sumOf(files.map(([, counts]) => counts));
  process.stdout.write(`${row("all that counts", total)}\n`);
  if (flags.includes("--list"))
    for (const [path, counts] of files) if (below(counts)) process.stdout.write(`  ${row(path, counts)}\n`);
  process.stdout.write("\nNot counted:\n");
  for (const [path, why] of Object.entries(NOT_MEASURED)) process.stdout.write(`  ${path.padEnd(34)} ${why}\n`);
  process.stdout.write(`\n${below(total) ? "FAIL" : "ok"}: the bar is ${BAR} % of lines and of functions\n`);
  if (exitCode !== 0 || below(total) || files.length === 0) process.exitCode = 1;
} finally {
  if (kept === undefined) rmSync(out, { recursive: true, force: true });
}
