/** One schema from the registrations of all scripts, and what refuses those that do not go together. */
import {
  buildASTSchema,
  GraphQLObjectType,
  Kind,
  printSchema,
  validateSchema,
  type DefinitionNode,
  type FieldDefinitionNode,
  type GraphQLSchema,
  type ObjectTypeDefinitionNode,
  type TypeDefinitionNode,
} from "graphql";
import type { PointRegistration } from "../../sdk/plugin.ts";
import { readPart, refuse, ROOTS, SCALARS, type Part } from "./read.ts";
import { DATE_TIME, JSON_DATA } from "./scalars.ts";
import { resolverOf, subscriberOf, type Live } from "./resolve.ts";

type Registrations = readonly PointRegistration[];

/** Stands in `Query` while no script has a query: GraphQL wants one field there. */
const NO_QUERY = "_empty";

/**
 * A script's types are its own, and its fields speak of no others: so no script's going or changing breaks another's part,
 * and what is built here of each alone holds for all together.
 */
export class Checks {
  readonly #known = new WeakMap<Registrations, Known>();

  /** @throws ProblemError that tells the author what is wrong. */
  check(registration: PointRegistration, all: Registrations, serving: ReadonlySet<PointRegistration>): void {
    const known = this.#known.get(all) ?? know(all, serving);
    this.#known.set(all, known);
    const own = known.scripts.get(registration.script);
    if (own !== undefined && own.length > MAX_LENGTH) {
      throw refuse(`this script's part of the schema has ${own.length} characters; ${MAX_LENGTH} are allowed`);
    }
    const part = readPart(registration);
    for (const name of namesOf(part)) {
      const holder = known.holders.get(name);
      if (holder === undefined || holder === registration) continue;
      const twice = holder.script === registration.script;
      throw refuse(
        `${name} is taken: ${twice ? "this script registers it twice" : `the script "${holder.script}" has it`}`,
      );
    }
    const types = own?.types ?? new Map<string, TypeDefinitionNode>();
    for (const name of part.needs)
      if (!SCALARS.has(name) && !types.has(name)) throw unknownType(name, [...types.keys()]);
    checkParent(part, types.get(part.parent ?? ""));
    // What only shows in the whole is told of the last: by then each has passed by itself.
    if (own !== undefined && own.last === registration) checkWhole(own.parts);
  }
}

/** What one script registers. */
interface Own {
  readonly parts: Part[];
  readonly types: Map<string, TypeDefinitionNode>;
  /** Of what is to be read, in characters. */
  length: number;
  last: PointRegistration;
}

interface Known {
  readonly scripts: ReadonlyMap<string, Own>;
  /** Of each name of which there may be one. */
  readonly holders: ReadonlyMap<string, PointRegistration>;
}

/** More than a person writes: to read and to check it holds up the engine. */
const MAX_LENGTH = 200_000;

function know(all: Registrations, serving: ReadonlySet<PointRegistration>): Known {
  const scripts = new Map<string, Own>();
  for (const one of all) {
    const own: Own = scripts.get(one.script) ?? { parts: [], types: new Map(), length: 0, last: one };
    scripts.set(one.script, own);
    own.length += lengthOf(one);
    own.last = one;
    if (own.length > MAX_LENGTH) continue;
    for (const part of readable(one)) {
      own.parts.push(part);
      for (const type of part.types) own.types.set(type.name.value, type);
    }
  }
  const holders = new Map<string, PointRegistration>();
  // Whoever serves already comes before a newcomer.
  const parts = [...scripts.values()].flatMap((own) => (own.length > MAX_LENGTH ? [] : own.parts));
  for (const part of [...parts.filter(({ registration }) => serving.has(registration)), ...parts]) {
    for (const name of namesOf(part)) if (!holders.has(name)) holders.set(name, part.registration);
  }
  return { scripts, holders };
}

function lengthOf({ name = "", data, schemas }: PointRegistration): number {
  return name.length + (typeof data === "string" ? data.length : 0) + JSON.stringify(schemas).length;
}

function readable(registration: PointRegistration): readonly Part[] {
  try {
    return [readPart(registration)];
  } catch {
    return []; // it is refused by itself
  }
}

/** What there may be one of. */
function namesOf({ parent, name, types }: Part): readonly string[] {
  const field = parent === undefined ? [] : [`the field ${parent}.${name}`];
  return [...field, ...types.map((type) => `the type ${type.name.value}`)];
}

function unknownType(name: string, types: readonly string[]): Error {
  const own = types.length === 0 ? "it has none" : `it has ${types.slice(0, 20).join(", ")}`;
  return refuse(`there is no type "${name}" in this script (${own}); registerType gives it one`);
}

function checkParent({ parent, field, name }: Part, type: TypeDefinitionNode | undefined): void {
  if (parent === undefined || ROOTS.has(parent)) return;
  if (type?.kind !== Kind.OBJECT_TYPE_DEFINITION) throw refuse(`"${parent}" is no object type of this script`);
  const has = (type.fields ?? []).some((one) => one.name.value === name);
  if (has && field !== undefined)
    throw refuse(`${parent} has the field "${name}"; write "${parent}.${name}" to handle it`);
  if (!has && field === undefined)
    throw refuse(`${parent} has no field "${name}"; write its type: "${parent}.${name}: String"`);
}

function checkWhole(parts: readonly Part[]): void {
  let errors: readonly { readonly message: string }[];
  try {
    errors = validateSchema(assemble(parts));
  } catch (error) {
    errors = [{ message: error instanceof Error ? error.message : String(error) }];
  }
  const [first] = errors;
  if (first !== undefined) throw refuse(first.message.split("\n\n", 1)[0]!.replace(/\.$/, ""));
}

/** @throws what graphql says when definitions do not fit together. */
function assemble(parts: readonly Part[]): GraphQLSchema {
  const fields = new Map<string, FieldDefinitionNode[]>();
  for (const { parent, field } of parts) {
    if (parent !== undefined && field !== undefined) fields.set(parent, [...(fields.get(parent) ?? []), field]);
  }
  const definitions: DefinitionNode[] = [root("Query", fields.get("Query") ?? [EMPTY])];
  for (const name of ["Mutation", "Subscription"]) {
    const own = fields.get(name);
    if (own !== undefined) definitions.push(root(name, own));
  }
  for (const scalar of [DATE_TIME, JSON_DATA])
    definitions.push({ kind: Kind.SCALAR_TYPE_DEFINITION, name: named(scalar.name) });
  for (const type of parts.flatMap(({ types }) => types)) {
    const more = fields.get(type.name.value) ?? [];
    const grown = type.kind === Kind.OBJECT_TYPE_DEFINITION && more.length > 0;
    definitions.push(grown ? { ...type, fields: [...(type.fields ?? []), ...more] } : type);
  }
  const schema = buildASTSchema({ kind: Kind.DOCUMENT, definitions });
  for (const scalar of [DATE_TIME, JSON_DATA]) {
    const { name: _, astNode: __, ...own } = scalar;
    Object.assign(schema.getType(scalar.name) ?? {}, own);
  }
  return schema;
}

function named(value: string): { readonly kind: Kind.NAME; readonly value: string } {
  return { kind: Kind.NAME, value };
}

const EMPTY: FieldDefinitionNode = {
  kind: Kind.FIELD_DEFINITION,
  name: named(NO_QUERY),
  type: { kind: Kind.NAMED_TYPE, name: named("Boolean") },
};

function root(name: string, fields: readonly FieldDefinitionNode[]): ObjectTypeDefinitionNode {
  return { kind: Kind.OBJECT_TYPE_DEFINITION, name: named(name), fields };
}

/** The schema that serves, with its resolvers. Null where no script has a field. */
export function buildSchema(registrations: Registrations, live: Live): GraphQLSchema | null {
  const parts = registrations.map(readPart);
  if (!parts.some(({ parent }) => ROOTS.has(parent ?? ""))) return null;
  const schema = assemble(parts);
  for (const { parent, name } of parts) {
    const type = schema.getType(parent ?? "");
    if (!(type instanceof GraphQLObjectType)) continue;
    const field = type.getFields()[name];
    if (field === undefined) continue;
    if (type.name === "Subscription") Object.assign(field, subscriberOf(`${type.name}.${name}`, live));
    else field.resolve = resolverOf(`${type.name}.${name}`, live);
  }
  return schema;
}

/** By `Type.field`. */
export function coordinates(registrations: Registrations): ReadonlyMap<string, PointRegistration> {
  return new Map(
    registrations.flatMap((one) => {
      const { parent, name } = readPart(one);
      return parent === undefined ? [] : [[`${parent}.${name}`, one] as const];
    }),
  );
}

/** As `aiwebengine graphql` prints it. */
export function sdlOf(schema: GraphQLSchema): string {
  return `${printSchema(schema)}\n`;
}
