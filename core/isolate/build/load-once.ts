/** Loads a fresh bundle in a realm, once, to learn what it registers. */
import type { BuildProblem, Registration } from "../../script/types.ts";
import { LOADED } from "../frames.ts";
import { openRealm } from "../realm-host.ts";
import type { ScriptMeta } from "../realm/script.ts";
import { makeLookup } from "../realm/sourcemap.ts";
import type { Bundled } from "./bundle.ts";
import type { Sources } from "./bundle-problems.ts";
import { BuildFailure } from "./bundle.ts";
import { codeFrame } from "./code-frame.ts";
import type { BuildRequest } from "./messages.ts";
import { capital } from "./refusal.ts";
import { missingService } from "./virtual.ts";

export interface Loaded {
  /** JSON text of `Registration[]`. */
  readonly reported: string;
  readonly registrations: readonly Registration[];
}

interface RealmFailure {
  readonly kind: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: string;
}

/** Never settles while the script's `init()` does not; the engine ends the process then. */
export async function loadOnce(
  request: BuildRequest,
  bundled: Bundled,
  sources: Sources,
  file: string,
): Promise<Loaded> {
  const { name } = request.scope;
  const meta: ScriptMeta = {
    name,
    version: "",
    form: bundled.form,
    map: bundled.map,
    config: request.config,
    ...request.offer,
    limits: request.limits,
    dev: false,
    testing: request.harness !== undefined,
  };
  const answer = Promise.withResolvers<string>();
  const realm = openRealm((type, _id, _a, text) => {
    if (type === LOADED) answer.resolve(text);
  });
  try {
    const refused = realm.load({ name, form: bundled.form, code: bundled.code, meta: JSON.stringify(meta) });
    if (refused !== null) throw new BuildFailure([await uncompilable(bundled, sources, file)]);
    const text = await answer.promise;
    // A promise that the top level left running must come to rest: one that never does would cost every isolate its start.
    await new Promise((resolve) => setImmediate(resolve));
    const report = JSON.parse(text) as { ok: true; registrations: string } | { ok: false; failure: RealmFailure };
    if (!report.ok) throw new BuildFailure([describe(report.failure, sources, file)]);
    const registrations = JSON.parse(report.registrations) as Registration[];
    return { reported: report.registrations, registrations };
  } finally {
    realm.close();
  }
}

const AT = /([^\s()]+):(\d+):(\d+)\)?$/;

/** The first line of the stack that is the author's gives the place. */
function describe(failure: RealmFailure, sources: Sources, fallback: string): BuildProblem {
  const problem = explain(failure);
  for (const line of failure.stack.split("\n")) {
    const [, file = "", row = "", column = ""] = AT.exec(line) ?? [];
    const source = sources.get(file);
    if (source === undefined) continue;
    const at = { file, line: Number(row), column: Number(column) };
    return { ...problem, ...at, frame: codeFrame(source, at.line, at.column) };
  }
  return { ...problem, file: fallback };
}

const HINTS: { readonly [code: string]: string } = {
  not_in_invocation: "Move the call into a handler: while a script loads there are no services.",
  point_missing: "Add the plugin, or remove the call.",
};

function explain({ kind, code, name, message }: RealmFailure): BuildProblem {
  if (kind === "engine") {
    const hint = HINTS[code ?? ""] ?? "Correct the registration.";
    return { code: code ?? "script_failed", message: capital(message), hint };
  }
  if (name === "ReferenceError") {
    const missing = missingService(/[\w$]+(?= is not defined)|(?<=variable: )[\w$]+/.exec(message)?.[0] ?? "");
    if (missing) return missing;
  }
  const said =
    name === "Error"
      ? message
      : name === ""
        ? `the script threw a value that is no error: ${message}`
        : `${name}: ${message}`;
  return {
    code: "script_failed", // an error's own `code` is the script's invention
    message: capital(said === "" ? "the script threw an error without a message." : said),
    hint:
      name === "ReferenceError"
        ? "Import or declare the name; a script has the web-standard globals, and none of the host's."
        : "Correct the line; it runs each time that the script is loaded.",
  };
}

/** The bundler wrote it, and yet it does not compile: the parser says where. */
async function uncompilable(bundled: Bundled, sources: Sources, fallback: string): Promise<BuildProblem> {
  const problem = {
    code: "script_failed",
    hint: "A script may use what a strict function body may hold; `import.meta` has only `url`.",
  };
  const { parse } = await import("acorn");
  try {
    const strict = bundled.form === "module" ? '"use strict";' : "";
    parse(`(function () {${strict}\n${bundled.code}\n})`, { ecmaVersion: "latest", sourceType: "script" });
  } catch (error) {
    const { loc, message } = error as { loc?: { line: number; column: number }; message: string };
    const at = loc && makeLookup(bundled.map)(loc.line - 1, loc.column + 1);
    const source = at ? sources.get(at.file) : undefined;
    const said = capital(`${message.replace(/ \(\d+:\d+\)$/, "")}.`);
    if (at && source !== undefined)
      return { ...problem, ...at, message: said, frame: codeFrame(source, at.line, at.column) };
    return { ...problem, message: said, file: fallback };
  }
  return { ...problem, message: "The bundle of the script does not compile.", file: fallback };
}
