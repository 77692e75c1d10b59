/**
 * Checks what a builder said. A builder ran a script and is hostile: no field is believed before its type and size are.
 * An honest builder checks itself by this too, so that a script that asks too much is told so and not taken for a liar.
 */
import { PROBLEMS } from "../../sdk/errors.ts";
import type { Input } from "../isolate/build/files.ts";
import { parseHostile } from "../pool/hostile-json.ts";
import { CAPS } from "../isolate/build/scope.ts";
import type {
  BuildProblem,
  BuiltPointRegistration,
  BuiltRegistration,
  Json,
  JsonSchema,
  PointEntry,
  PointTable,
} from "./types.ts";
import { SCHEMA_PARTS } from "./types.ts";

/** The builder broke the protocol: its answer is dropped and it is killed. */
export class BadAnswer extends Error {}

export interface CheckedAnswer {
  readonly form: "module" | "classic";
  readonly reported: string;
  readonly registrations: readonly BuiltRegistration[];
  readonly inputs: readonly Input[];
  readonly warnings: readonly BuildProblem[];
}

type Data = { readonly [key: string]: unknown };

const MAX_DEPTH = 64;
/** Characters of a route's path; a request line that fits `server.maxHeaderBytes` is not much longer. */
const MAX_PATH = 4096;
/** As in the realm (realm/points.ts). */
const MAX_NAME = 200;

/** `allowed`: which paths, relative to the folder of scripts, a build of this script may name; `points`: what it may register. */
export function checkBuilt(text: string, allowed: (path: string) => boolean, points: PointTable): CheckedAnswer {
  const data = readData(text);
  const { form } = data;
  if (form !== "module" && form !== "classic") throw new BadAnswer("a form that does not exist");
  const reported = readText(data.reported, CAPS.answerBytes, "report");
  const registrations = readList(data.registrations, CAPS.registrations, "registrations").map((one, index) =>
    readRegistration(one, index, points),
  );
  return {
    form,
    reported,
    registrations,
    inputs: readInputs(data.inputs, allowed),
    warnings: readProblems(data.warnings),
  };
}

export function checkFailed(text: string): readonly BuildProblem[] {
  const problems = readProblems(readData(text).problems);
  if (problems.length === 0) throw new BadAnswer("a failure without a problem");
  return problems;
}

function readData(text: string): Data {
  if (text.length > CAPS.answerBytes) throw new BadAnswer("an answer over its cap");
  try {
    return asData(parseHostile(text));
  } catch (error) {
    if (error instanceof BadAnswer) throw error;
    throw new BadAnswer("an answer that is not JSON");
  }
}

function readRegistration(value: unknown, index: number, points: PointTable): BuiltRegistration {
  const data = asData(value);
  if (data.id !== index) throw new BadAnswer("registrations that are out of order");
  const fn = readText(data.fn, 100, "fn");
  const base = {
    id: index,
    options: asJson(asData(data.options), 0) as { readonly [key: string]: Json },
    ...(data.handler === undefined ? {} : { handler: readText(data.handler, 1000, "handler") }),
  };
  if (fn === "registerMiddleware") return { ...base, fn, definitions: {}, schemas: {} };
  const entry = Object.hasOwn(points, fn) ? points[fn] : undefined;
  if (entry) return readPoint(data, { ...base, fn }, entry);
  if (fn !== "registerWebHandler" && fn !== "default.fetch") throw new BadAnswer("a registration of no known kind");
  const method = readText(data.method, 32, "method");
  const path = readText(data.path, MAX_PATH, "path");
  if (!/^[A-Z]+$/.test(method) || !path.startsWith("/")) throw new BadAnswer(`a registration of "${method} ${path}"`);
  return { ...base, fn, method, path, ...readSchemas(data, SCHEMA_PARTS) };
}

type Parts = Pick<BuiltPointRegistration, "definitions" | "schemas">;

function readSchemas(data: Data, parts: readonly string[]): Parts {
  const schemas: { [part: string]: JsonSchema } = {};
  const definitions: { [part: string]: Json } = {};
  const givenSchemas = asData(data.schemas);
  const givenDefinitions = asData(data.definitions);
  for (const part of parts) {
    if (Object.hasOwn(givenDefinitions, part)) definitions[part] = asJson(givenDefinitions[part], 0);
    if (Object.hasOwn(givenSchemas, part)) schemas[part] = asJson(asData(givenSchemas[part]), 0) as JsonSchema;
  }
  return { definitions, schemas };
}

/** What its plugin reads without asking again: what the function's arguments promise is there. */
function readPoint(
  data: Data,
  base: Pick<BuiltPointRegistration, "id" | "fn" | "options" | "handler">,
  { point, canonical, args, calls, definitions = [], handlers: known = [] }: PointEntry,
): BuiltPointRegistration {
  if (canonical !== base.fn || calls || data.point !== point) throw new BadAnswer("a registration under a false name");
  const has = {
    name: data.name !== undefined,
    path: data.path !== undefined,
    data: data.data !== undefined,
    handler: data.callable === true,
  };
  for (const kind of ["name", "path", "data", "handler"] as const) {
    if (has[kind] ? !args.includes(kind) && !args.includes(`${kind}?`) : args.includes(kind))
      throw new BadAnswer(`a registration whose ${kind} is not as ${base.fn} has it`);
  }
  const path = has.path ? readText(data.path, MAX_PATH, "path") : undefined;
  if (path !== undefined && !path.startsWith("/")) throw new BadAnswer("a path that is none");
  const handlers = readHandlers(data.handlers, known);
  return {
    ...base,
    point,
    ...(handlers.length === 0 ? {} : { handlers }),
    ...(has.name ? { name: readText(data.name, MAX_NAME, "name") } : {}),
    ...(path === undefined ? {} : { path }),
    ...(has.data ? { data: asJson(data.data, 0) } : {}),
    callable: has.handler,
    ...readSchemas(data, definitions),
  };
}

/** In the point's order, each once: as an honest realm reports them. */
function readHandlers(value: unknown, known: readonly string[]): readonly string[] {
  const given = value === undefined ? [] : readList(value, known.length, "functions among the options");
  const handlers = known.filter((option) => given.includes(option));
  if (handlers.length !== given.length) throw new BadAnswer("a function in an option that takes none");
  return handlers;
}

function readInputs(value: unknown, allowed: (path: string) => boolean): Input[] {
  return readList(value, CAPS.files, "inputs").map((one) => {
    const data = asData(one);
    const path = readText(data.path, 4096, "path");
    if (!allowed(path)) throw new BadAnswer("an input that is not the script's");
    return {
      path,
      size: readNumber(data.size),
      mtimeMs: readNumber(data.mtimeMs),
      hash: readText(data.hash, 64, "hash"),
    };
  });
}

function readProblems(value: unknown): BuildProblem[] {
  return readList(value, CAPS.problems, "problems").map((one): BuildProblem => {
    const data = asData(one);
    const code = readText(data.code, 64, "code");
    if (!Object.hasOwn(PROBLEMS, code)) throw new BadAnswer("a code that does not exist");
    return {
      code,
      message: printable(readText(data.message, 16_384, "message")),
      ...(data.file === undefined ? {} : { file: printable(readText(data.file, 4096, "file")) }),
      ...(data.line === undefined ? {} : { line: readNumber(data.line) }),
      ...(data.column === undefined ? {} : { column: readNumber(data.column) }),
      ...(data.frame === undefined ? {} : { frame: printable(readText(data.frame, 4096, "frame")) }),
      ...(data.hint === undefined ? {} : { hint: printable(readText(data.hint, 4096, "hint")) }),
    };
  });
}

/** Problems go to a terminal: what would steer it does not pass. Lines and tabs of a frame do. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "?");
}

function asData(value: unknown): Data {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new BadAnswer("no object where one must be");
  return value as Data;
}

function asJson(value: unknown, depth: number): Json {
  if (depth > MAX_DEPTH) throw new BadAnswer(`data that is nested deeper than ${MAX_DEPTH}`);
  if (typeof value === "object" && value !== null) {
    for (const one of Array.isArray(value) ? value : Object.values(value)) asJson(one, depth + 1);
  }
  return value as Json;
}

function readList(value: unknown, most: number, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new BadAnswer(`${what} that are no list`);
  if (value.length > most) throw new BadAnswer(`${value.length} ${what}, where ${most} are allowed`);
  return value;
}

function readText(value: unknown, most: number, what: string): string {
  if (typeof value !== "string") throw new BadAnswer(`a ${what} that is no text`);
  if (value.length > most) throw new BadAnswer(`a ${what} of ${value.length} characters, where ${most} are allowed`);
  return value;
}

function readNumber(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new BadAnswer("no number where one must be");
  return value;
}
