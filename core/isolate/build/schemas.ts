/** Compiles a script's arktype definitions to JSON Schema. arktype is heavy, and is loaded when a script has a schema. */
import {
  isPoint,
  isWeb,
  labelOf,
  type BuildProblem,
  type BuiltRegistration,
  type Json,
  type JsonSchema,
  type PointTable,
  type Registration,
  type SchemaPart,
} from "../../script/types.ts";
import { codeFrame, positionOf } from "./code-frame.ts";
import { makeOptionChecks } from "./point-options.ts";
import { capital, shown } from "./refusal.ts";

/** Compiles one definition; throws an `Unfit` or arktype's own error. */
export type Compile = (definition: unknown) => JsonSchema;

/** What JSON Schema cannot say, with what to write instead. */
class Unfit extends Error {
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

export interface Compiled {
  readonly registrations: readonly BuiltRegistration[];
  readonly problems: readonly BuildProblem[];
}

/** @param file what the problems name where the registration is not found in `sources`: the script's first file */
export async function compileSchemas(
  registrations: readonly Registration[],
  file: string,
  sources: ReadonlyMap<string, string> = new Map(),
  points: PointTable = {},
): Promise<Compiled> {
  const needed = registrations.some((one) => Object.keys(one.definitions).length > 0 || points[one.fn]?.options);
  if (!needed) return { registrations: registrations.map((one) => build(one, {})), problems: [] };
  const compile = await loadCompiler();
  const checkOptions = makeOptionChecks(points, compile);
  const problems: BuildProblem[] = [];
  const built = registrations.map((registration): BuiltRegistration => {
    const schemas: { [part: string]: JsonSchema } = {};
    const place = (): Partial<BuildProblem> => placeOf(registration, sources) ?? { file };
    for (const [part, definition] of Object.entries<Json>(registration.definitions)) {
      try {
        const schema = compile(definition);
        if (isWeb(registration)) requireNames(part as SchemaPart, schema);
        schemas[part] = schema;
      } catch (error) {
        problems.push({ ...describe(error, registration, part, definition, compile), ...place() });
      }
    }
    const problem = isPoint(registration) ? checkOptions(registration) : null;
    if (problem) problems.push({ ...problem, ...place() });
    return build(registration, schemas);
  });
  return { registrations: built, problems };
}

/** One definition by itself: a plugin's config. Throws an error whose message names the place and the reason. */
export async function compileDefinition(definition: unknown): Promise<JsonSchema> {
  const compile = await loadCompiler();
  try {
    return compile(definition);
  } catch (error) {
    const [path, cause] = locate(error, "config", definition as Json, compile);
    const sentence =
      cause instanceof Unfit ? `is ${cause.message}` : cause instanceof Error ? cause.message : String(cause);
    throw new Error(`at \`${shown(path)}\`: ${shown(sentence)}`, { cause });
  }
}

function build(registration: Registration, schemas: { readonly [part: string]: JsonSchema }): BuiltRegistration {
  return { ...registration, schemas } as BuiltRegistration;
}

/** Without code generation: this process has none, and a schema is compiled here, never run. */
export async function loadCompiler(): Promise<Compile> {
  const { configure } = await import("arktype/config");
  configure({ jitless: true });
  const { type } = await import("arktype");
  const make = type as unknown as (definition: unknown) => { toJsonSchema(options: object): unknown };
  // Some keywords are functions inside arktype, and formats in JSON Schema. They are known by identity.
  const formats = new Map<unknown, string>();
  for (const [keyword, format] of [
    ["string.url", "uri"],
    ["string.regex", "regex"],
  ] as const) {
    const remember = ({ predicate, base }: { predicate: unknown; base: unknown }): unknown => {
      formats.set(predicate, format);
      return base;
    };
    make(keyword).toJsonSchema({ dialect: null, fallback: { predicate: remember } });
  }
  const fallback = {
    predicate({ predicate, base }: { predicate: unknown; base: object }): unknown {
      const format = formats.get(predicate);
      if (format !== undefined) return { ...base, format };
      throw new Unfit(
        "a keyword that only code can check",
        "Use one that JSON Schema has (length, range, pattern, format), and check the rest in the handler.",
      );
    },
    default: (context: { code: string; base: unknown }): unknown => {
      throw unfit(context.code);
    },
  };
  return (definition) => make(definition).toJsonSchema({ dialect: null, fallback }) as JsonSchema;
}

function unfit(code: string): Unfit {
  if (code === "morph" || code === "defaultValue") {
    return new Unfit(
      "a keyword that converts its value",
      'Write the type that the handler gets: "number" in `params`, `query` and `headers` is read from the text.',
    );
  }
  if (code === "date" || code === "proto")
    return new Unfit("a class", 'JSON has none: a date is "string.date.iso", a file arrives in `files`.');
  if (code === "unit" || code === "domain") {
    return new Unfit("a value that JSON does not have", 'For what may be absent mark the key: "name?".');
  }
  return new Unfit("a type that JSON Schema cannot express", "Use a simpler type, and check the rest in the handler.");
}

/** Params, query and headers are names with values, whatever else a definition could mean. */
function requireNames(part: SchemaPart, schema: JsonSchema): void {
  if (part === "body" || part === "response" || schema.type === "object" || typeof schema.$ref === "string") return;
  throw new Unfit("no object", `Write \`${part}: { name: "string" }\`.`);
}

function describe(
  error: unknown,
  registration: Registration,
  part: string,
  definition: Json,
  compile: Compile,
): BuildProblem {
  const [path, cause] = locate(error, part, definition, compile);
  const where = `The schema of ${shown(labelOf(registration))}, at \`${shown(path)}\``;
  if (cause instanceof Unfit) {
    return { code: "bad_registration", message: `${where}, is ${cause.message}.`, hint: cause.hint };
  }
  const sentence = shown(cause instanceof Error ? cause.message : String(cause));
  return {
    code: "bad_registration",
    message: `${where}: ${capital(sentence.replace(/\.$/, ""))}.`,
    hint: "Correct the definition; see https://arktype.io/docs/keywords for the words it may use.",
  };
}

/** arktype does not say where in an object it stopped: the first member that fails by itself is the place. */
function locate(error: unknown, path: string, definition: Json, compile: Compile): [path: string, cause: unknown] {
  if (typeof definition !== "object" || definition === null || Array.isArray(definition)) return [path, error];
  for (const [key, value] of Object.entries(definition)) {
    try {
      if (key !== "+") compile(value);
    } catch (cause) {
      return locate(cause, `${path}.${key.replace(/\?$/, "")}`, value, compile);
    }
  }
  return [path, error];
}

/** A registration carries no position: the first string that is its path or name stands where it was made, or near it. */
function placeOf(registration: Registration, sources: ReadonlyMap<string, string>): Partial<BuildProblem> | undefined {
  for (const text of namesOf(registration)) {
    for (const [file, source] of sources) {
      const at =
        positionOf(source, `"${text}"`) ?? positionOf(source, `'${text}'`) ?? positionOf(source, `\`${text}\``);
      if (at) return { file, ...at, frame: codeFrame(source, at.line, at.column) };
    }
  }
  return undefined;
}

function namesOf(registration: Registration): readonly string[] {
  if (isWeb(registration)) return [`${registration.method} ${registration.path}`, registration.path];
  const { name, path } = isPoint(registration) ? registration : {};
  return [name, path].filter((text) => text !== undefined);
}
