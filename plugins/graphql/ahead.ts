/**
 * Asks the handlers of fields before graphql does. A value that is there by then is cheap; a promise for each row of a list costs
 * more than the rest of the row. What is not foreseen here (abstract types, directives) is asked for when graphql comes to it.
 */
import {
  getArgumentValues,
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type SelectionSetNode,
} from "graphql";
import type { Json } from "../../sdk/plugin.ts";

/** By the place in the operation that asks, and the object whose field it is: what the handler gave, or why it gave nothing. */
export type Known = Map<FieldNode, Map<unknown, Json | Error>>;

/** Asks a field's handler for all the objects of a list: as many values, in their order. */
export type Ask = (coordinate: string, args: Json, parents: readonly Json[]) => Promise<readonly Json[]>;

export type IsHandled = (coordinate: string) => boolean;

/** The handlers below a field, and the way to them. */
interface Plan {
  readonly handled: readonly { readonly parent: GraphQLObjectType; readonly node: FieldNode; readonly plan: Plan }[];
  /** Fields that are read from their object. */
  readonly plain: readonly { readonly name: string; readonly plan: Plan }[];
}

const NOTHING: Plan = { handled: [], plain: [] };
/** A schema's fields have the same handlers for as long as it lives. */
const plans = new WeakMap<GraphQLSchema, WeakMap<FieldNode, Plan>>();

/** @returns undefined where nothing below the field has a handler. */
export function askAhead(
  value: Json | undefined,
  info: GraphQLResolveInfo,
  known: Known,
  isHandled: IsHandled,
  ask: Ask,
): Promise<void> | undefined {
  // Of several that come to one field, what the others add is left to graphql.
  const [node] = info.fieldNodes as readonly [FieldNode];
  const some = plans.get(info.schema) ?? new WeakMap<FieldNode, Plan>();
  plans.set(info.schema, some);
  const plan = some.get(node) ?? makePlan(node, info.returnType, info, isHandled);
  some.set(node, plan);
  return plan === NOTHING ? undefined : fill(plan, value ?? null, info, known, ask);
}

async function fill(plan: Plan, value: Json, info: GraphQLResolveInfo, known: Known, ask: Ask): Promise<void> {
  const objects: { readonly [name: string]: Json }[] = [];
  gather(value, objects);
  if (objects.length === 0) return;
  const waiting = plan.plain.map((one) =>
    fill(
      one.plan,
      objects.map((object) => object[one.name] ?? null),
      info,
      known,
      ask,
    ),
  );
  for (const { parent, node, plan: next } of plan.handled) {
    const definition = parent.getFields()[node.name.value]!;
    let args: Json;
    try {
      args = getArgumentValues(definition, node, info.variableValues) as Json;
    } catch {
      continue; // graphql tells of it
    }
    waiting.push(
      ask(`${parent.name}.${node.name.value}`, args, objects).then(
        (values) => {
          const of = known.get(node) ?? new Map<unknown, Json | Error>();
          known.set(node, of);
          for (let at = 0; at < objects.length; at++) of.set(objects[at], values[at] ?? null);
          return next === NOTHING ? undefined : fill(next, values as Json, info, known, ask);
        },
        (error: unknown) => {
          const of = known.get(node) ?? new Map<unknown, Json | Error>();
          known.set(node, of);
          for (const object of objects) of.set(object, error as Error);
        },
      ),
    );
  }
  await Promise.all(waiting);
}

function gather(value: Json, objects: { readonly [name: string]: Json }[]): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) for (const one of value as readonly Json[]) gather(one, objects);
  else objects.push(value as { readonly [name: string]: Json });
}

function makePlan(node: FieldNode, returns: unknown, info: GraphQLResolveInfo, isHandled: IsHandled): Plan {
  const type = getNamedType(returns as GraphQLObjectType);
  if (node.selectionSet === undefined || !isObjectType(type)) return NOTHING;
  const fields = new Map<string, FieldNode>();
  collect(node.selectionSet, type, info, fields, new Set());
  const handled: Plan["handled"][number][] = [];
  const plain: Plan["plain"][number][] = [];
  for (const field of fields.values()) {
    const name = field.name.value;
    const definition = type.getFields()[name];
    if (definition === undefined) continue;
    const plan = makePlan(field, definition.type, info, isHandled);
    if (isHandled(`${type.name}.${name}`)) handled.push({ parent: type, node: field, plan });
    else if (plan !== NOTHING) plain.push({ name, plan });
  }
  return handled.length + plain.length === 0 ? NOTHING : { handled, plain };
}

/** By their name in the answer, the first of each. */
function collect(
  set: SelectionSetNode,
  type: GraphQLObjectType,
  info: GraphQLResolveInfo,
  fields: Map<string, FieldNode>,
  seen: Set<string>,
): void {
  for (const one of set.selections) {
    if (one.directives !== undefined && one.directives.length > 0) continue;
    if (one.kind === Kind.FIELD) {
      const name = one.alias?.value ?? one.name.value;
      if (!fields.has(name)) fields.set(name, one);
    } else if (one.kind === Kind.INLINE_FRAGMENT) {
      if (fits(one.typeCondition?.name.value, type, info.schema)) collect(one.selectionSet, type, info, fields, seen);
    } else {
      const fragment = info.fragments[one.name.value];
      if (fragment === undefined || seen.has(one.name.value)) continue;
      seen.add(one.name.value);
      if (fits(fragment.typeCondition.name.value, type, info.schema))
        collect(fragment.selectionSet, type, info, fields, seen);
    }
  }
}

function fits(condition: string | undefined, type: GraphQLObjectType, schema: GraphQLSchema): boolean {
  if (condition === undefined || condition === type.name) return true;
  const abstract = schema.getType(condition);
  return isAbstractType(abstract) && schema.isSubType(abstract, type);
}
