/** Calls scripts for fields: once for a field of an operation, and once for all the objects of a list. */
import type { FieldNode, GraphQLField, GraphQLFieldResolver, GraphQLResolveInfo } from "graphql";
import { ProblemError, type Json, type PointRegistration } from "../../sdk/plugin.ts";
import { askAhead, type Known } from "./ahead.ts";
import { problemOf } from "./errors.ts";

/** Who handles a field at this moment: a script may have a new version while an operation runs. */
export type Live = (coordinate: string) => PointRegistration | undefined;

/** One operation, for those who are called because of it. */
export class Operation {
  /** By handler, then by the place in the operation that asks: one place may ask objects of several types. */
  readonly batches = new Map<string, Map<FieldNode, Batch>>();
  /** What was asked before graphql came to it. */
  readonly known: Known = new Map();
  /** What a field of `Subscription` gives from now on; undefined for who has nothing to wait on: a script. */
  subscribe: ((coordinate: string, args: Json) => Promise<AsyncIterable<Json>>) | undefined;
  #told = false;

  constructor(
    /** The invocation that asked: a request, or a handler of a script. */
    readonly id: string,
    readonly user: Json,
    readonly signal: AbortSignal,
    readonly dev: boolean,
    private readonly onMisfit: (why: string) => void,
  ) {}

  /** A script's value is none of its field's type. Of many in one operation the first is told: the rest say no more. */
  misfit(why: string): void {
    if (!this.#told) this.onMisfit(why);
    this.#told = true;
  }

  /** For the next event of a subscription: what one asked is not held for the others. */
  again(): Operation {
    return new Operation(this.id, this.user, this.signal, this.dev, (why) => this.misfit(why));
  }
}

/** As yoga hands it on, beside its own. */
export interface OperationContext {
  readonly operation: Operation;
}

interface Batch {
  readonly parents: Json[];
  readonly values: Promise<readonly Json[]>;
}

export function resolverOf(coordinate: string, live: Live): GraphQLFieldResolver<unknown, OperationContext> {
  if (/^(?:Query|Mutation)\./.test(coordinate)) {
    return async (_, args, { operation }, info) => {
      try {
        return await withFields(await call(live(coordinate), operation, args as Json), operation, info, live);
      } catch (error) {
        throw problemOf(error, operation, coordinate);
      }
    };
  }
  return (parent, args, { operation }, info) => {
    const [node] = info.fieldNodes as [FieldNode];
    const ahead = operation.known.get(node)?.get(parent);
    if (ahead !== undefined) return ahead;
    const known = operation.batches.get(coordinate)?.get(node);
    const batch = known ?? openBatch(live(coordinate), operation, node, args as Json, coordinate);
    const at = batch.parents.push(parent as Json) - 1;
    return batch.values.then((values) => values[at] ?? null);
  };
}

/** Of a field of `Subscription`: an event is its value. */
export function subscriberOf(
  coordinate: string,
  live: Live,
): Pick<GraphQLField<unknown, OperationContext>, "subscribe" | "resolve"> {
  return {
    async subscribe(_, args, { operation }) {
      try {
        if (operation.subscribe === undefined)
          throw new ProblemError("bad_request", "A script cannot subscribe: subscriptions are for clients.");
        return await operation.subscribe(coordinate, args as Json);
      } catch (error) {
        throw problemOf(error, operation, coordinate);
      }
    },
    resolve: (event, _, { operation }, info) => withFields(event as Json, operation, info, live),
  };
}

/** The value, once the handlers of fields within it were asked. */
function withFields(
  value: Json | undefined,
  operation: Operation,
  info: GraphQLResolveInfo,
  live: Live,
): Promise<Json | undefined> | Json | undefined {
  const asked = askAhead(
    value,
    info,
    operation.known,
    (below) => live(below) !== undefined,
    (below, given, parents) => callForAll(live(below), operation, given, parents, below),
  );
  return asked === undefined ? value : asked.then(() => value);
}

function call(
  registration: PointRegistration | undefined,
  { id, user, signal }: Operation,
  given: Json,
  payload?: Json,
): Promise<Json | undefined> {
  if (registration?.invoke === undefined)
    throw new ProblemError("not_found", "Its script took the field back meanwhile.");
  const args = argumentsOf(registration, given);
  return registration.invoke({ args, user, parentId: id, signal, ...(payload === undefined ? {} : { payload }) });
}

/** As the handler takes them. */
export function argumentsOf({ schemas }: PointRegistration, given: Json): Json {
  return schemas["args"] === undefined ? given : withoutNulls(given, schemas["args"]);
}

type Schema = { readonly [key: string]: Json };

/** In arktype what is optional may be absent, in GraphQL it may also be null. */
export function withoutNulls(given: Json, schema: Json | undefined): Json {
  if (typeof given !== "object" || given === null || typeof schema !== "object" || schema === null) return given;
  const { properties, required, items } = schema as Schema;
  if (Array.isArray(given)) return given.map((one: Json) => withoutNulls(one, items));
  const known = (properties ?? {}) as { readonly [key: string]: Schema };
  const wanted = Array.isArray(required) ? (required as readonly Json[]) : [];
  return Object.fromEntries(
    Object.entries(given as { readonly [key: string]: Json }).flatMap(([key, value]) => {
      const absent = value === null && !wanted.includes(key) && !takesNull(known[key]);
      return absent ? [] : [[key, withoutNulls(value, known[key])]];
    }),
  );
}

function takesNull(schema: Schema | undefined): boolean {
  const options = schema?.["anyOf"];
  return Array.isArray(options) && (options as readonly Schema[]).some(({ type }) => type === "null");
}

function openBatch(
  registration: PointRegistration | undefined,
  operation: Operation,
  node: FieldNode,
  args: Json,
  coordinate: string,
): Batch {
  const open = operation.batches.get(coordinate) ?? new Map<FieldNode, Batch>();
  operation.batches.set(coordinate, open);
  const parents: Json[] = [];
  const values = allAsked().then(() => {
    open.delete(node);
    return callForAll(registration, operation, args, parents, coordinate);
  });
  values.catch(() => {}); // each who asked is told
  const batch = { parents, values };
  open.set(node, batch);
  return batch;
}

/** @throws GraphQLError that is told of each of the objects. */
async function callForAll(
  registration: PointRegistration | undefined,
  operation: Operation,
  args: Json,
  parents: readonly Json[],
  coordinate: string,
): Promise<readonly Json[]> {
  try {
    const given = await call(registration, operation, args, parents as Json);
    if (Array.isArray(given) && given.length === parents.length) return given as readonly Json[];
    const what = Array.isArray(given) ? `a list of ${given.length}` : "no list";
    throw new TypeError(`the handler gave back ${what}; it was asked for a list of ${parents.length}`);
  } catch (error) {
    throw problemOf(error, operation, coordinate);
  }
}

/** What is asked for in the same turn is one call: fields of a list's objects, which graphql resolves one after the other. */
function allAsked(): Promise<void> {
  return new Promise((resolve) => void Promise.resolve().then(() => process.nextTick(resolve)));
}
