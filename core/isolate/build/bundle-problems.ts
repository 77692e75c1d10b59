/** What the bundler's plugin refuses, and where in the author's files that is. */
import type { BuildProblem } from "../../script/types.ts";
import { codeFrame, positionAt, positionOf, type Place } from "./code-frame.ts";
import { capital, Refusal, shown } from "./refusal.ts";
import { CAPS } from "./scope.ts";
import { TemplateProblem } from "./templates.ts";
import { TESTING, virtualNames } from "./virtual.ts";

/** The source texts that went in, by their path relative to the folder of scripts: for frames. */
export type Sources = Map<string, string>;

export function refuseAttribute(specifier: string): Refusal {
  return new Refusal(
    `the import "${shown(specifier)}" has a \`type\` that a script cannot use`,
    'A script imports code, JSON and, `with { type: "text" }`, text.',
  );
}

export function refuseExtension(path: string): Refusal {
  return new Refusal(
    `"${shown(path)}" is neither code nor JSON nor a .txt file`,
    'To import it as text add `with { type: "text" }`.',
  );
}

export function unknownEngineModule(path: string): Refusal {
  if (path === TESTING) {
    return new Refusal(
      `"${TESTING}" is there only in *.test.ts`,
      "Move what tests into a file beside the script whose name ends in .test.ts; `aiwebengine test` runs it.",
    );
  }
  return new Refusal(
    `the engine has no module "${shown(path)}"`,
    `It has ${virtualNames()
      .map((name) => `"${name}"`)
      .join(" and ")}.`,
  );
}

export function refusalAt(
  error: unknown,
  sources: Sources,
  importer: string,
  specifier: string,
  /** Of a template's include, whose import the author did not write. */
  offset: number | undefined,
): BuildProblem {
  const problem = problemOf(error, importer);
  const source = sources.get(importer);
  if (source === undefined) return problem;
  const quoted = (): Place | undefined => positionOf(source, `"${specifier}"`) ?? positionOf(source, `'${specifier}'`);
  const at = offset === undefined ? quoted() : positionAt(source, offset);
  if (at === undefined) return problem;
  return { ...problem, ...at, frame: codeFrame(source, at.line, at.column) };
}

export function problemOf(error: unknown, file: string): BuildProblem {
  if (error instanceof TemplateProblem) return { ...error.problem, file };
  if (error instanceof Refusal)
    return { code: error.code, message: capital(`${error.message}.`), file, hint: error.hint };
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "script_failed",
    message: `"${shown(file)}" could not be read: ${shown(message)}.`,
    file,
    hint: "Check the file's permissions.",
  };
}

export function tooLarge(bytes: number): BuildProblem {
  return {
    code: "script_failed",
    message: `The bundle has ${bytes} bytes; a script may have ${CAPS.codeBytes} (8 MiB).`,
    hint: "Import less, or keep data outside the code.",
  };
}
