/** Config from the environment: `AIWEBENGINE_SERVER__PORT=9000` is `server.port`. */
import type { ConfigProblem } from "./error.ts";
import type { Key, TableKey } from "./key.ts";
import { SCHEMA } from "./schema.ts";
import { suggest } from "./suggest.ts";
import { emptyBranch, inTheWay, put, toNode, type Branch, type Source, type Value } from "./tree.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "AIWEBENGINE_";
/** Chooses the profile; no key of config. */
export const PROFILE_VARIABLE = `${PREFIX}PROFILE`;

/**
 * What Kubernetes sets in every container beside a service whose name begins with `aiwebengine`:
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
const OF_A_SERVICE =
  /^AIWEBENGINE_(?:[A-Z\d]+_)*(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z\d]+)*|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;
const ADDRESS = /^(?:tcp|udp|sctp):\/\//;

function isOfAService(name: string, text: string): boolean {
  return OF_A_SERVICE.test(name) || (/^AIWEBENGINE_(?:[A-Z\d]+_)*PORT$/.test(name) && ADDRESS.test(text));
}

/** `wallMs` is `WALL_MS`, `my-shop` is `MY_SHOP`. */
export function toUpperSnake(key: string): string {
  return key
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .replaceAll("-", "_")
    .toUpperCase();
}

/** `WALL_MS` is `wallMs`: the name that a table without a schema gets. */
function toCamel(part: string): string {
  return part.toLowerCase().replace(/_([a-z\d])/g, (_, letter: string) => letter.toUpperCase());
}

/** The name of the variable that sets a key. */
export function variableOf(path: readonly string[]): string {
  return PREFIX + path.map(toUpperSnake).join("__");
}

/** The keys whose names do not depend on the project. */
function fixedKeys(key: Key, path: readonly string[]): readonly (readonly string[])[] {
  if (key.type === "map") return [];
  if (key.type !== "table") return [path];
  return Object.entries(key.keys).flatMap(([name, inner]) => fixedKeys(inner, [...path, name]));
}

/** What was perhaps meant: also `AIWEBENGINE_SERVER_PORT`, with one underscore where two belong. */
function nearVariable(name: string): string | undefined {
  const all = fixedKeys(SCHEMA, []).map(variableOf);
  const plain = (text: string): string => text.replaceAll("_", "");
  const last = `__${name.slice(PREFIX.length)}`;
  return (
    all.find((one) => plain(one) === plain(name)) ??
    all.find((one) => one.endsWith(last)) ??
    suggest(name, [...all, PROFILE_VARIABLE])
  );
}

class Unknown extends Error {
  constructor(
    message: string,
    readonly hint: string | undefined,
  ) {
    super(message);
  }
}

/** A step deeper: the key that one part of the variable's name means. Undefined: a table without a schema of ours. */
interface Step {
  readonly name: string;
  readonly key: Key | undefined;
}

function stepInto(key: Key | undefined, part: string, before: string): Step {
  if (key === undefined || key.type === "data") return { name: toCamel(part), key: undefined };
  if (key.type === "table") return stepIntoTable(key, part, before);
  if (key.type === "map") {
    const name = part.toLowerCase().replaceAll("_", "-");
    if (key.name.test(name)) return { name, key: key.value };
    throw new Unknown(`${JSON.stringify(part)} is not ${key.expected}`, undefined);
  }
  throw new Unknown(`${before} is no table`, `Set ${before} itself.`);
}

function stepIntoTable(table: TableKey, part: string, before: string): Step {
  const names = Object.keys(table.keys);
  const name = names.find((one) => toUpperSnake(one) === part);
  if (name !== undefined) return { name, key: table.keys[name] };
  if (table.open === true) return { name: toCamel(part), key: undefined };
  const parts = names.map(toUpperSnake);
  const near = suggest(part, parts);
  throw new Unknown("unknown variable", near ? `Did you mean ${before}${near}?` : `Known here: ${parts.join(", ")}.`);
}

function jsonOf(text: string): Value | undefined {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return undefined; // the text itself is the value, and the check says what was expected
  }
}

/** The value as the schema types it; what does not fit stays text, and the check refuses it. */
function valueOf(key: Key | undefined, text: string): Value {
  switch (key?.type) {
    case "string":
    case "choice":
      return text;
    case "integer":
      return /^[+-]?\d{1,16}$/.test(text.trim()) ? Number(text) : text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    default:
      return jsonOf(text) ?? text;
  }
}

function readVariable(layer: Branch, variable: string, text: string, problems: ConfigProblem[]): void {
  const parts = variable.slice(PREFIX.length).split("__");
  // `AIWEBENGINE_PORT` has no section: the nearest is sought among all variables.
  if (parts.length === 1 || parts.includes(""))
    throw new Unknown("unknown variable", didYouMean(nearVariable(variable)));
  const path: string[] = [];
  let key: Key | undefined = SCHEMA;
  let before = PREFIX;
  for (const part of parts) {
    const step: Step = stepInto(key, part, before);
    path.push(step.name);
    key = step.key;
    before += `${part}__`;
  }
  const source: Source = { kind: "environment", shown: variable };
  // Where no schema of ours types the value, whoever has one may want the text.
  const node = toNode(valueOf(key, text), source, key === undefined ? text : undefined);
  if (!put(layer, path, node)) problems.push(inTheWay(node, path));
}

function didYouMean(near: string | undefined): string | undefined {
  return near === undefined
    ? `Variables are ${PREFIX}<SECTION>__<KEY>, with two underscores, for example ${variableOf(["server", "port"])}.`
    : `Did you mean ${near}?`;
}

/** All variables that concern the engine, as one layer. Names may be written in any case. */
export function readEnvironment(environment: Environment, problems: ConfigProblem[]): Branch {
  const layer = emptyBranch({ kind: "environment", shown: "the environment" });
  const seen = new Map<string, string>();
  for (const [written, text] of Object.entries(environment)) {
    const variable = written.toUpperCase();
    if (text === undefined || !variable.startsWith(PREFIX) || variable === PROFILE_VARIABLE) continue;
    if (isOfAService(written, text)) continue;
    const before = seen.get(variable);
    if (before !== undefined) {
      problems.push({ key: "", message: `says the same as ${before}`, place: written, hint: "Remove one of them." });
      continue;
    }
    seen.set(variable, written);
    try {
      readVariable(layer, variable, text, problems);
    } catch (error) {
      if (!(error instanceof Unknown)) throw error;
      problems.push({ key: "", message: error.message, place: written, ...(error.hint && { hint: error.hint }) });
    }
  }
  return layer;
}
