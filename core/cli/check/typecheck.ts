/** The type checker that the binary carries, run over the scripts: what it says, as problems. */
import { isAbsolute, join, relative, resolve } from "node:path";
import type { CheckProblem } from "./problem.ts";

/** Runs this very program as plain Bun: its checker needs nothing installed. */
export const BUN_ENV = { BUN_BE_BUN: "1" } as const;

/** One fault of the checker's: its place, its number, its sentences. The place is missing where the config is at fault. */
const LINE = /^(?:(.+?)\((\d+),(\d+)\): )?error (TS\d+): (.*)$/;

/** What to do, where a number says enough; the others are in the message. */
const HINTS: Readonly<Record<string, string>> = {
  TS2304: "Import or declare the name; a script has the web-standard globals and the SDK, and none of the host's.",
  TS2307: "Check the path; a package is installed with `aiwebengine add <script> <package>`.",
  TS2322: "Make the value fit the type, or change the type.",
  TS2339: "Check the name against the type; what a handler gets is typed by its path and its schemas.",
  TS2345: "Give a value that fits, or convert it first.",
  TS2531: "Check for null first.",
  TS2532: "Check for undefined first.",
  TS2552: "Correct the name as the message proposes.",
  TS2580: "Leave it out: a script has the web-standard globals and the SDK, and nothing of Node, Bun or the machine.",
  TS2591: "Leave it out: a script has the web-standard globals and the SDK, and nothing of Node, Bun or the machine.",
  TS2584: "A script runs on the server: there is no page, and no `document`.",
  TS2769: "Compare the arguments with the forms of the function in `scripts/.aiwebengine/sdk.d.ts`.",
  TS7006: "Write the parameter's type.",
  TS7031: "Write the parameter's type, or correct what should have typed it.",
  TS18046: "Narrow the value first, for example with `instanceof` or `typeof`.",
  TS18047: "Check for null first.",
  TS18048: "Check for undefined first.",
};
const HINT = "Correct the line as the message says.";

/** The types have to lie beside the scripts already. Never rejects. */
export async function checkTypes(scriptsDir: string): Promise<CheckProblem[]> {
  // `--no-script`: a package.json with a script of the name "check" must not be run in the checker's place.
  const args = ["check", "--no-script", "--no-pretty", "--all", "--project", join(scriptsDir, "tsconfig.json")];
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: scriptsDir,
    // Nothing else of this environment concerns a checker.
    env: { PATH: process.env["PATH"] ?? "", ...BUN_ENV },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return readAnswer(`${out}\n`, err, code, scriptsDir);
}

/** Exported for its tests: what the checker printed, read. */
export function readAnswer(out: string, err: string, code: number, scriptsDir: string): CheckProblem[] {
  const problems: CheckProblem[] = [];
  let elsewhere = false;
  for (const text of out.split("\n")) {
    const [, file, line, column, rule, message = ""] = LINE.exec(text) ?? [];
    if (rule === undefined) {
      // Indented lines go on with the message before.
      const last = problems.at(-1);
      if (last && !elsewhere && /^\s+\S/.test(text))
        problems[problems.length - 1] = { ...last, message: `${last.message}\n${text.trim()}` };
      continue;
    }
    const place = file === undefined ? undefined : relative(scriptsDir, resolve(scriptsDir, file));
    // What a declaration of a package or of the engine lacks is no fault of the scripts'.
    elsewhere =
      place !== undefined &&
      (place.startsWith("..") || isAbsolute(place) || /(^|\/)node_modules\/|^\.aiwebengine\//.test(place));
    if (elsewhere) continue;
    problems.push({
      severity: "error",
      code: "type_error",
      rule,
      // The proposal to install types of a host that a script does not have.
      message: message.replace(/ Do you need to install type definitions .*$/, ""),
      ...(place === undefined ? {} : { file: place, line: Number(line), column: Number(column) }),
      hint: HINTS[rule] ?? HINT,
    });
  }
  if (problems.length > 0 || code === 0 || /^Found \d+ error/m.test(`${out}\n${err}`)) return problems;
  const said = `${err.trim()}\n${out.trim()}`.trim().slice(0, 2000);
  const message = `The type checker ended with code ${code}: ${said === "" ? "it said nothing" : said}`;
  return [
    { severity: "error", code: "checker_failed", message, hint: "Correct `scripts/tsconfig.json` if it is named." },
  ];
}
