/** Turns the bundler's messages into problems that a script's author can act on. */
import type { BuildProblem } from "../../script/types.ts";
import { codeFrame } from "./code-frame.ts";
import { capital, shown } from "./refusal.ts";
import { CAPS } from "./scope.ts";
import { missingService } from "./virtual.ts";

type Log = BuildMessage | ResolveMessage;

const AWAIT = /^"await" can only be used inside an "async" function|top-level await/i;
const NO_EXPORT = /^No matching export in "engine:(.+)" for import "(.+)"$/;

interface Reading {
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

/** @param topLevel the same files build when top-level await is allowed, so that is all that is wrong */
export function describeLogs(
  logs: readonly Log[],
  sources: ReadonlyMap<string, string>,
  topLevel: boolean,
): BuildProblem[] {
  const errors = logs.filter((log) => log.level === "error");
  const problems = (errors.length > 0 ? errors : logs)
    .slice(0, CAPS.problems)
    .map((log) => describe(log, sources, topLevel));
  if (problems.length > 0) return problems;
  return [
    {
      code: "script_failed",
      message: "The bundler refused the script and said no reason.",
      hint: "Check the syntax of its files.",
    },
  ];
}

describeLogs.awaits = (logs: readonly Log[]): boolean => logs.some((log) => AWAIT.test(log.message));

function describe(log: Log, sources: ReadonlyMap<string, string>, topLevel: boolean): BuildProblem {
  const reading = read(log.message, topLevel);
  const problem = {
    code: reading.code ?? "script_failed",
    message: reading.message ?? capital(`${shown(log.message).replace(/[.!]+$/, "")}.`),
    hint: reading.hint,
  };
  const at = log.position;
  if (!at) return problem;
  const file = at.file.replace(/^(?:file-of-script|text-of-script):/, "");
  const source = sources.get(file);
  if (source === undefined || at.line < 1) return { ...problem, file };
  const column = Math.max(1, at.column);
  return { ...problem, file, line: at.line, column, frame: codeFrame(source, at.line, column) };
}

function read(message: string, topLevel: boolean): Reading {
  if (topLevel && AWAIT.test(message)) {
    return { message: "A script loads without waiting: top-level await is refused.", hint: "Move it to init()." };
  }
  if (
    message === "Macros are disabled" ||
    message.includes('"type": "macro"') ||
    message.includes("use macro in export")
  ) {
    return {
      code: "import_refused",
      message: "Macros run code while the script is built, and are switched off.",
      hint: 'Import the function without `type: "macro"`, and call it at the top level.',
    };
  }
  if (/^This (?:import|require)/.test(message)) {
    return {
      code: "import_refused",
      message: "A script is built before it runs, so it cannot import what is named only at run time.",
      hint: "Import by a literal path; choose between modules with an object of them.",
    };
  }
  const missing = NO_EXPORT.exec(message);
  if (missing) return readMissing(missing[1] ?? "", missing[2] ?? "");
  if (/call stack|too deep|nested too/i.test(message)) {
    return { message: "The file is nested too deeply to be parsed.", hint: "Split the expression." };
  }
  return { hint: "Correct the line that the arrow shows." };
}

function readMissing(module: string, name: string): Reading {
  const noExport = {
    code: "import_refused",
    message: `"${shown(module)}" exports no \`${shown(name)}\`.`,
    hint: "Check the name against the types in `scripts/.aiwebengine/`.",
  };
  return missingService(name) ?? noExport;
}
