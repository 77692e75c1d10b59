/** What is wrong with scripts that build: with their routes among each other, and with schemas that nothing uses. */
import { existsSync, readdirSync, type Dirent } from "node:fs";
import { join } from "node:path";
import type { RouteInfo } from "../../../sdk/plugin.ts";
import type { Config } from "../../config/index.ts";
import { checkPattern, expandPattern, type Segment } from "../../http/pattern.ts";
import { nameOwner } from "../../http/router.ts";
import type { ScriptSource } from "../../script/source.ts";
import { addressOf, pointRoutesOf } from "../../script/version.ts";
import { isWeb, labelOf, type BuiltWebRegistration, type JsonSchema, type ScriptBundle } from "../../script/types.ts";
import { CHECK_CODES } from "./codes.ts";
import { fileOf, filesOf, type BuiltScript } from "./project.ts";
import { counter, placeOfRoute, placeOfText, type CheckProblem, type ReadSource } from "./problem.ts";

/** A route of a script or of the engine, with where it was made as far as that can be told. */
export interface Route {
  readonly method: string;
  readonly path: string;
  /** The script, or the plugin, that registered it. */
  readonly owner: string;
  readonly ofPlugin?: boolean;
  /** Undefined for a route that no script registered. */
  readonly registration?: BuiltWebRegistration;
  /** Of a path that a plugin answers for the script. */
  readonly info?: RouteInfo;
  /** Relative to the folder of scripts. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** The routes of a script in the order of their registration; undefined where it does not load. */
export function routesOfBuilt({ source, result }: BuiltScript, config: Config, read: ReadSource): Route[] | undefined {
  if (!result.ok) return undefined;
  const { name, registrations } = result.bundle;
  const files = filesOf(source, result);
  const nth = counter();
  const web = registrations.filter(isWeb).map((registration): Route => {
    const place = placeOfRoute(registration, files, read, nth(labelOf(registration))) ?? { file: fileOf(source) };
    return { ...addressOf(registration, name, config), owner: name, registration, ...place };
  });
  const ofPoints = pointRoutesOf(result.bundle).map((info): Route => {
    const { method, path } = info;
    const place = placeOfText(path, files, read, nth(path)) ?? { file: fileOf(source) };
    return { method, path, owner: name, info, ...place };
  });
  return [...web, ...ofPoints];
}

/** What is wrong with each route that another one has already, or that no router takes. The first in the list keeps it. */
export function findClashes(routes: readonly Route[]): ReadonlyMap<Route, CheckProblem> {
  const held = new Map<string, Route>();
  const problems = new Map<Route, CheckProblem>();
  for (const route of routes) {
    const malformed = checkPattern(route.path);
    if (malformed !== null) {
      const message = `T${malformed.slice(1)}.`;
      problems.set(route, { ...placed(route), code: "bad_registration", message, hint: "Correct the path." });
      continue;
    }
    const shapes = expandPattern(route.path).map((segments) => `${route.method} ${shapeOf(segments)}`);
    const holder = shapes.map((shape) => held.get(shape)).find((one) => one !== undefined);
    if (holder !== undefined) problems.set(route, clash(route, holder));
    else for (const shape of shapes) held.set(shape, route);
  }
  return problems;
}

/** Names of parameters do not tell routes apart. */
function shapeOf(segments: readonly Segment[]): string {
  return JSON.stringify(segments.map((one) => (one.kind === "static" ? one.text : one.kind === "param" ? 1 : 2)));
}

function placed({
  owner,
  file,
  line,
  column,
}: Route): Pick<CheckProblem, "severity" | "script" | "file" | "line" | "column"> {
  return {
    severity: "error",
    script: owner,
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
  };
}

function clash(wanted: Route, holder: Route): CheckProblem {
  const place =
    holder.file === undefined ? "" : ` (${holder.file}${holder.line === undefined ? "" : `:${holder.line}`})`;
  const same = wanted.owner === holder.owner && holder.ofPlugin !== true;
  return {
    ...placed(wanted),
    code: "route_taken",
    message: `${wanted.method} ${wanted.path} is taken: ${same ? "the script" : nameOwner(holder)} registers ${holder.method} ${holder.path}${place}.`,
    hint: same ? "Remove one of the two." : "Change the path of one of the two.",
  };
}

/** Schemas of parts that a request to the route never has. */
export function findUnusedSchemas(routes: readonly Route[]): CheckProblem[] {
  return routes.flatMap((route) => {
    const { schemas } = route.registration ?? {};
    if (schemas === undefined || checkPattern(route.path) !== null) return [];
    return [...unusedBody(route, schemas.body), ...unusedParams(route, schemas.params)];
  });
}

function unusedBody(route: Route, body: JsonSchema | undefined): CheckProblem[] {
  if (body === undefined || (route.method !== "GET" && route.method !== "HEAD")) return [];
  const message = `${route.method} ${route.path} has a schema for a body, and a ${route.method} request has none: each is answered with 422.`;
  return [unused(route, "error", message)];
}

function unusedParams(route: Route, params: JsonSchema | undefined): CheckProblem[] {
  if (params === undefined) return [];
  const segments = expandPattern(route.path).flat();
  const names = new Set(segments.map((one) => (one.kind === "param" ? one.name : one.kind === "tail" ? "*" : "")));
  const required = new Set(Array.isArray(params.required) ? params.required : []);
  const properties =
    typeof params.properties === "object" && params.properties !== null ? Object.keys(params.properties) : [];
  return properties
    .filter((name) => !names.has(name))
    .map((name) => {
      const must = required.has(name);
      const effect = must ? "each request is answered with 422" : "it is never there";
      const message = `${route.method} ${route.path} has a schema for the parameter "${name}", which is not in its path: ${effect}.`;
      return unused(route, must ? "error" : "warning", message);
    });
}

function unused(route: Route, severity: CheckProblem["severity"], message: string): CheckProblem {
  return {
    ...placed(route),
    severity,
    code: "unused_schema",
    message,
    hint: "Remove it, or correct the method or the path.",
  };
}

/** A script that nobody can reach. One with `assets/` needs no registration: they are served as they are. */
export function findSilent(bundle: ScriptBundle, source: ScriptSource): CheckProblem[] {
  if (bundle.registrations.length > 0) return [];
  if (source.kind === "folder" && existsSync(join(source.root, "assets"))) return [];
  return [
    {
      severity: "warning",
      script: bundle.name,
      code: "no_registration",
      message: `The script "${bundle.name}" registers nothing.`,
      file: fileOf(source),
      hint: CHECK_CODES.no_registration.fix,
    },
  ];
}

/** Folders that look like scripts. The engine passes over them without a word, since they may be being written. */
export function findNoEntries(scriptsDir: string): CheckProblem[] {
  return namesIn(scriptsDir, (entry) => entry.isDirectory() && !/^[._]|^node_modules$/.test(entry.name)).flatMap(
    (name) => {
      const code = namesIn(join(scriptsDir, name), ({ name: file }) => /^[^._].*\.[jt]sx?$/.test(file));
      const [first] = code;
      if (first === undefined || code.some((file) => /^index\.[jt]sx?$/.test(file))) return [];
      const message = `The folder "${name}" has ${first} and no index.ts, so it is no script.`;
      return [
        {
          severity: "warning",
          script: name,
          code: "no_entry",
          message,
          file: `${name}/${first}`,
          hint: CHECK_CODES.no_entry.fix,
        },
      ];
    },
  );
}

/** Sorted; none of a folder that is not there or may not be read, which is told elsewhere. */
function namesIn(dir: string, wanted: (entry: Dirent) => boolean): readonly string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter(wanted)
      .map(({ name }) => name)
      .toSorted();
  } catch {
    return [];
  }
}
