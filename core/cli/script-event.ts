/** What happened to a script, on the console: one log line, and for its author the lines around the fault. */
import type { Fields } from "../log.ts";
import type { ScriptEvent } from "../script/entry.ts";
import type { BuildProblem } from "../script/types.ts";
import { inProject, renderBuildProblem } from "./script-error.ts";
import type { Console } from "./console.ts";

export function tellScript(event: ScriptEvent, out: Console): void {
  const { script } = event;
  switch (event.kind) {
    case "removed":
      return out.log.info("script removed", { script });
    case "loaded":
    case "reloaded": {
      const { kind, routes, registrations, ms, cached } = event;
      // What is no route, too: a script of tools alone would seem to have nothing.
      const all = registrations > routes ? { registrations } : {};
      // As it was at the last start: the banner counts it. A thousand lines would bury what is new.
      return out.log.at(cached ? "debug" : "info", `script ${kind}`, { script, routes, ...all, ms: Math.round(ms) });
    }
    case "threw": {
      const { invocation, error, place } = event;
      out.log.at("error", "script error", { script, ...invocation }, { error, ...place });
      if (out.format === "json") return;
      const [message = "", ...stack] = error.split("\n");
      // With the lines around it the stack's first line says nothing new.
      const rest = place?.frame === undefined ? stack : stack.slice(1);
      const problem = { code: "script_failed", ...place, message: [message, ...rest].join("\n") };
      out.log.print(renderBuildProblem(inProject(problem), out.paint));
      return;
    }
    case "warning":
      for (const problem of event.problems) tellProblem("warn", "script warning", { script }, problem, out);
      return;
    case "failed": {
      const fields = script === "" ? {} : { script, serving: event.serving ? "the last good version" : "nothing" };
      for (const problem of event.problems) tellProblem("error", "script failed", fields, problem, out);
    }
  }
}

function tellProblem(
  level: "warn" | "error",
  text: string,
  fields: Fields,
  problem: BuildProblem,
  { log, format, paint }: Console,
): void {
  const { message, ...rest } = problem;
  log.at(level, text, fields, { problem: message, ...rest });
  if (format === "pretty") log.print(renderBuildProblem(inProject(problem), paint));
}
