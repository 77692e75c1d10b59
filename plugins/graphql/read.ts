/** A registration as GraphQL definitions: SDL that was written, or what an arktype schema comes to. */
import {
  Kind,
  parse,
  visit,
  type DefinitionNode,
  type FieldDefinitionNode,
  type ObjectTypeDefinitionNode,
  type TypeDefinitionNode,
} from "graphql";
import { ProblemError, type PointRegistration } from "../../sdk/plugin.ts";
import { fieldSdl } from "./arktype.ts";

/** What one registration adds to the schema. */
export interface Part {
  readonly registration: PointRegistration;
  /** The type that gets `field`: one of `ROOTS`, or a type of the script. Undefined for types alone. */
  readonly parent: string | undefined;
  /** Undefined also where the handler is for a field that the type has. */
  readonly field: FieldDefinitionNode | undefined;
  /** The field's name. */
  readonly name: string;
  readonly types: readonly TypeDefinitionNode[];
  /** Names of types that it speaks of. */
  readonly needs: ReadonlySet<string>;
}

/** Scalars of every schema. */
export const SCALARS: ReadonlySet<string> = new Set(["ID", "Int", "Float", "String", "Boolean", "DateTime", "JSON"]);
/** Types whose fields are of all scripts. */
export const ROOTS: ReadonlySet<string> = new Set(["Query", "Mutation", "Subscription"]);
/** Names that no script may give a type. */
const RESERVED = new Set([...SCALARS, ...ROOTS]);
/** More than a person writes; keeps a hostile script from holding up the engine. */
const MAX_TOKENS = 20_000;
const FIELD = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PARENTS: { readonly [fn: string]: string } = {
  registerQueryHandler: "Query",
  registerMutationHandler: "Mutation",
  registerSubscriptionHandler: "Subscription",
};

const known = new WeakMap<PointRegistration, Part>();

/** @throws ProblemError that tells the author what is wrong. */
export function readPart(registration: PointRegistration): Part {
  const made = known.get(registration) ?? read(registration);
  known.set(registration, made);
  return made;
}

function read(registration: PointRegistration): Part {
  const { fn, data, name = "" } = registration;
  if (fn === "registerType") {
    if (typeof data !== "string") throw refuse('it takes SDL, as text: "type Note { id: ID!, text: String! }"');
    return part(registration, undefined, "", undefined, readTypes(data));
  }
  const parent = PARENTS[fn];
  if (parent !== undefined) return readField(registration, parent, name.trim());
  const dot = name.indexOf(".");
  const type = name.slice(0, Math.max(dot, 0)).trim();
  if (!FIELD.test(type) || ROOTS.has(type)) {
    throw refuse('it takes a type of the script and a field: "Note.author: User", or "Note.author" where Note has it');
  }
  return readField(registration, type, name.slice(dot + 1).trim());
}

function readField(registration: PointRegistration, parent: string, text: string): Part {
  const { schemas, options, fn } = registration;
  if (schemas["returns"] === undefined) {
    if (schemas["args"] !== undefined) throw refuse("where the arguments are a definition, `returns` is one, too");
    if (FIELD.test(text)) {
      if (fn === "registerFieldHandler") return part(registration, parent, text, undefined, []);
      throw refuse(`say what it gives: "${text}: String", or the option \`returns\``);
    }
    const field = describe(parseField(text), options["description"]);
    return part(registration, parent, field.name.value, field, []);
  }
  if (!FIELD.test(text)) throw refuse(`with the option \`returns\` only the name is wanted: "${text}" is none`);
  const made = fieldSdl(text, parent, schemas["args"], schemas["returns"], refuse);
  const types = made.types.length === 0 ? [] : readTypes(made.types.join("\n"));
  return part(registration, parent, text, describe(parseField(made.field), options["description"]), types);
}

function describe(field: FieldDefinitionNode, description: unknown): FieldDefinitionNode {
  if (typeof description !== "string") return field;
  return { ...field, description: { kind: Kind.STRING, value: description, block: description.includes("\n") } };
}

function parseField(text: string): FieldDefinitionNode {
  const [type, ...more] = parseSdl(`type T { ${text} }`, 9);
  const [field, ...others] = (type as ObjectTypeDefinitionNode | undefined)?.fields ?? [];
  if (field === undefined || more.length > 0 || others.length > 0 || type?.kind !== Kind.OBJECT_TYPE_DEFINITION) {
    throw refuse('it takes one field: "notes(limit: Int = 10): [Note!]!"');
  }
  if (field.name.value.startsWith("__")) throw refuse(`"${field.name.value}": names with "__" are GraphQL's own`);
  return field;
}

function readTypes(text: string): readonly TypeDefinitionNode[] {
  const definitions = parseSdl(text, 0);
  for (const one of definitions) {
    switch (one.kind) {
      case Kind.OBJECT_TYPE_DEFINITION:
      case Kind.INPUT_OBJECT_TYPE_DEFINITION:
      case Kind.ENUM_TYPE_DEFINITION:
      case Kind.INTERFACE_TYPE_DEFINITION:
      case Kind.UNION_TYPE_DEFINITION:
        break;
      case Kind.SCALAR_TYPE_DEFINITION:
        throw refuse(`scalar ${one.name.value}: there are no scalars of a script's own; JSON and DateTime are there`);
      default:
        throw refuse("it takes types: `type`, `input`, `enum`, `interface` and `union`");
    }
    const name = one.name.value;
    if (RESERVED.has(name) || name.startsWith("__")) {
      const why = ROOTS.has(name) ? `; register${name}Handler gives it fields` : "";
      throw refuse(`the type "${name}" is the engine's own${why}`);
    }
  }
  return definitions as readonly TypeDefinitionNode[];
}

/** @param before characters that the engine put in front */
function parseSdl(text: string, before: number): readonly DefinitionNode[] {
  try {
    return parse(text, { maxTokens: MAX_TOKENS, noLocation: true }).definitions;
  } catch (error) {
    const [place] = (error as { locations?: readonly { line: number; column: number }[] }).locations ?? [];
    const where = place === undefined ? "" : `, at ${place.line}:${place.column - (place.line === 1 ? before : 0)}`;
    throw refuse(`${error instanceof Error ? error.message : String(error)}${where}`);
  }
}

function part(
  registration: PointRegistration,
  parent: string | undefined,
  name: string,
  field: FieldDefinitionNode | undefined,
  types: readonly TypeDefinitionNode[],
): Part {
  const needs = new Set<string>();
  const note = {
    NamedType: ({ name: { value } }: { readonly name: { readonly value: string } }) => void needs.add(value),
  };
  for (const node of field === undefined ? types : [field, ...types]) visit(node, note);
  return { registration, parent, name, field, types, needs };
}

export function refuse(why: string): ProblemError {
  return new ProblemError("bad_registration", why);
}
