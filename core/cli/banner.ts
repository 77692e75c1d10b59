/** What the engine prints when it listens: where, what serves, and what does not. */
import type { EndpointInfo } from "../../sdk/plugin.ts";
import { printable } from "../log/escape.ts";
import type { BuildProblem } from "../script/types.ts";
import { PLAIN, type Paint } from "./paint.ts";
import { inProject, placeOf } from "./script-error.ts";

export interface BannerScript {
  readonly name: string;
  /** Number of routes that serve. */
  readonly routes: number;
  /** With what is no route: tools, fields, handlers of messages. */
  readonly registrations: number;
  /** Its build was not waited for. */
  readonly building?: boolean;
  /** Why the script, or its newest version, does not serve. */
  readonly problem?: BuildProblem | undefined;
}

export interface Banner {
  readonly version: string;
  /** Where the engine listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The project folder, absolute. */
  readonly dir: string;
  readonly mode: "process" | "thread";
  readonly jail: {
    readonly held: readonly string[];
    readonly lacking: readonly { readonly part: string; readonly reason: string }[];
  };
  readonly plugins: readonly { readonly name: string; readonly origin: string }[];
  readonly scripts: readonly BannerScript[];
  readonly endpoints: readonly EndpointInfo[];
  readonly dev: boolean;
  /** Milliseconds from start to listening. */
  readonly startMs?: number | undefined;
}

/** More would scroll the address away. */
const MOST_LISTED = 20;

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function row(label: string, text: string, paint: Paint): string {
  return `  ${paint.dim(label.padEnd(9))} ${text}`;
}

function isolation({ mode, jail }: Banner, paint: Paint): string {
  if (mode === "thread") return paint.yellow("threads: for trusted scripts only, see `aiwebengine doctor`");
  if (jail.held.length === 0) return paint.yellow("processes without a jail, see `aiwebengine doctor`");
  const lacking = jail.lacking.map(({ part }) => part).join(", ");
  return lacking === ""
    ? "jailed processes"
    : paint.yellow(`jailed processes, lacking ${lacking}: see \`aiwebengine doctor\``);
}

/** Those of the project by their files: the others are the same everywhere. */
function pluginRows(plugins: Banner["plugins"], paint: Paint): string[] {
  const builtIn = plugins.filter(({ origin }) => origin === "built-in").map(({ name }) => name);
  const dropped = plugins.filter(({ origin }) => origin !== "built-in").map(({ origin }) => printable(origin));
  return [
    row("plugins", builtIn.length === 0 ? "none" : builtIn.join(", "), paint),
    ...(dropped.length === 0 ? [] : [row("", dropped.join(", "), paint)]),
  ];
}

function offerOf({ routes, registrations }: BannerScript): string {
  if (registrations <= routes) return plural(routes, "route");
  const others = plural(registrations - routes, routes === 0 ? "registration" : "other registration");
  return routes === 0 ? others : `${plural(routes, "route")}, ${others}`;
}

function scriptRow(script: BannerScript, width: number, paint: Paint): string {
  const name = printable(script.name).padEnd(width);
  if (script.problem === undefined) {
    const state = script.building ? "is being built" : offerOf(script);
    return `    ${name}  ${paint.dim(state)}`;
  }
  const { problem } = script;
  const where = [placeOf(inProject(problem)), printable(problem.message)].filter((part) => part !== "").join(": ");
  const state = script.routes > 0 ? `${plural(script.routes, "route")} of the last good version; ` : "";
  return `    ${name}  ${paint.red(`${state}${where}`)}`;
}

function scriptRows(scripts: readonly BannerScript[], paint: Paint): string[] {
  if (scripts.length === 0) return [row("scripts", "none yet: save one as scripts/hello.ts and it is served", paint)];
  const routes = scripts.reduce((sum, script) => sum + script.routes, 0);
  const broken = scripts.filter((script) => script.problem !== undefined);
  const faults = broken.length === 0 ? "" : paint.red(`, ${broken.length} with a problem`);
  // What is broken comes first: of a thousand scripts it must not be among those left out.
  const listed = [...broken, ...scripts.filter((script) => script.problem === undefined)].slice(0, MOST_LISTED);
  const width = Math.max(...listed.map((script) => printable(script.name).length));
  const rest = scripts.length - listed.length;
  return [
    row("scripts", `${scripts.length}, ${plural(routes, "route")}${faults}`, paint),
    ...listed.map((script) => scriptRow(script, width, paint)),
    ...(rest > 0 ? [paint.dim(`    and ${rest} more`)] : []),
  ];
}

/** Several lines, ending with a line break. */
export function renderBanner(banner: Banner, paint: Paint = PLAIN): string {
  const took = banner.startMs === undefined ? "" : paint.dim(` in ${Math.round(banner.startMs)} ms`);
  const lines = [
    `${paint.bold("aiwebengine")} ${banner.version} serves ${paint.cyan(banner.url)}${took}`,
    ...banner.endpoints.map(({ title, path }) =>
      row(printable(title), paint.cyan(banner.url + printable(path)), paint),
    ),
    row("folder", printable(banner.dir), paint),
    row("isolates", isolation(banner, paint), paint),
    ...pluginRows(banner.plugins, paint),
    ...scriptRows(banner.scripts, paint),
  ];
  const dev = banner.dev
    ? paint.yellow("answers show error details: not for the public")
    : paint.dim("off; with --dev answers tell why a script failed, and there are pages to try its routes");
  lines.push(row("dev", dev, paint));
  return `${lines.join("\n")}\n`;
}
