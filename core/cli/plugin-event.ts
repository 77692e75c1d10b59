/** What happened to plugins, on the console: one log line, and for their author the lines around the fault. */
import type { PluginEvent } from "../plugin/host.ts";
import type { PluginProblem } from "../plugin/problem.ts";
import { renderBuildProblem } from "./script-error.ts";
import type { Console } from "./console.ts";

export function tellPlugin(event: PluginEvent, out: Console): void {
  switch (event.kind) {
    case "changed": {
      const { added, changed, removed, ms } = event;
      const said = Object.entries({ added, changed, removed }).filter(([, names]) => names.length > 0);
      // The same plugins with another config: that change is told of by itself.
      if (said.length === 0) return;
      const fields = Object.fromEntries(said.map(([what, names]) => [what, names.join(", ")]));
      return out.log.info("plugins changed", { ...fields, ms: Math.round(ms) });
    }
    case "refused":
      for (const problem of event.problems) {
        const serving = "the last good plugins";
        // Some faults are of several, or of the config.
        if (problem.plugin === "") tellProblem("error", "plugins failed", { serving }, problem, out);
        else tellProblem("error", "plugin failed", { plugin: problem.plugin, serving }, problem, out);
      }
      return;
    case "warning":
      return tellProblem("warn", "plugin warning", { plugin: event.problem.plugin }, event.problem, out);
  }
}

function tellProblem(
  level: "warn" | "error",
  text: string,
  fields: { readonly [name: string]: string },
  problem: PluginProblem,
  { log, format, paint }: Console,
): void {
  const { message, file, line, column, frame, hint } = problem;
  const place = Object.fromEntries(
    Object.entries({ file, line, column, frame, hint }).filter(([, value]) => value !== undefined),
  );
  log.at(level, text, fields, { problem: message, ...place });
  if (format === "pretty") log.print(renderBuildProblem({ code: "internal", message, ...place }, paint));
}
