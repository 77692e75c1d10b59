/** Subscriptions as graphql executes them; each event in the schema that serves by then. */
import {
  createSourceEventStream,
  executeSubscriptionEvent,
  getOperationAST,
  mapSourceToResponseEvent,
  validate,
  validateSubscriptionArgs,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
  type ValidatedSubscriptionArgs,
} from "graphql";
import type { Plugin } from "graphql-yoga";
import { ProblemError } from "../../../sdk/plugin.ts";
import { problemOf, tidy } from "../errors.ts";
import { wantCost, type Limits } from "../limits.ts";
import type { Operation, OperationContext } from "../resolve.ts";

interface SubscriptionOptions extends Limits {
  /** The schema that serves. */
  latest(): GraphQLSchema | undefined;
}

/** For yoga: what it asks to subscribe, over whichever transport. */
export function subscriptionPlugin(options: SubscriptionOptions): Plugin<OperationContext> {
  return {
    onSubscribe({ args, setSubscribeFn, setResultAndStopExecution }) {
      const { schema, document, operationName, variableValues } = args;
      const chosen = getOperationAST(document, operationName);
      try {
        if (chosen) wantCost(schema, document, chosen, variableValues ?? {}, options);
        setSubscribeFn((given: unknown) => subscribe(given as ExecutionArgs, options));
      } catch (error) {
        setResultAndStopExecution({ errors: [error as GraphQLError] });
      }
    },
  };
}

async function subscribe(args: ExecutionArgs, options: SubscriptionOptions): Promise<Responses | ExecutionResult> {
  const { operation } = args.contextValue as OperationContext;
  const valid = validateSubscriptionArgs(args);
  if (!("schema" in valid)) return tidied({ errors: valid }, operation);
  const events = await createSourceEventStream(valid);
  if ("errors" in events) return tidied(events, operation);
  let now = valid;
  const responses = mapSourceToResponseEvent(valid, events as AsyncIterable<unknown>, ({ rootValue }) => {
    now = renewed(now, options.latest());
    const contextValue = { ...(now.contextValue as OperationContext), operation: operation.again() };
    return executeSubscriptionEvent({ ...now, contextValue, rootValue });
  });
  return new Responses(responses, operation);
}

/** Which schema a document was valid in last: many clients have the same one. */
const validIn = new WeakMap<DocumentNode, GraphQLSchema>();

/** @throws ProblemError when the operation does not fit the schema */
function renewed(args: ValidatedSubscriptionArgs, schema: GraphQLSchema | undefined): ValidatedSubscriptionArgs {
  if (schema === undefined || schema === args.schema) return args;
  const { document, contextValue, rawVariableValues, operation } = args;
  const valid = validIn.get(document) === schema || validate(schema, document).length === 0;
  if (valid) validIn.set(document, schema);
  const next = valid
    ? validateSubscriptionArgs({
        schema,
        document,
        contextValue,
        variableValues: rawVariableValues,
        operationName: operation.name?.value,
      })
    : [];
  if ("schema" in next) return next;
  throw new ProblemError("conflict", "The schema has changed, and the subscription does not fit it; subscribe again.");
}

function tidied<Result extends ExecutionResult>(result: Result, operation: Operation): Result {
  if (result.errors === undefined) return result;
  return { ...result, errors: result.errors.map((error) => tidy(error, operation)) };
}

/** What clients are sent. It never rejects: what ends a subscription is the last that its client hears. */
class Responses implements AsyncGenerator<ExecutionResult, void, void> {
  #open = true;

  constructor(
    private readonly results: AsyncGenerator<ExecutionResult, void, void>,
    private readonly operation: Operation,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ExecutionResult, void>> {
    if (!this.#open) return { done: true, value: undefined };
    try {
      const { done, value } = await this.results.next();
      if (!done) return { done, value: tidied(value, this.operation) };
      this.#open = false;
      return { done: true, value: undefined };
    } catch (error) {
      this.#open = false;
      return { done: false, value: { errors: [problemOf(error, this.operation, "the subscription")] } };
    }
  }

  async return(): Promise<IteratorResult<ExecutionResult, void>> {
    this.#open = false;
    await this.results.return();
    return { done: true, value: undefined };
  }

  async throw(): Promise<IteratorResult<ExecutionResult, void>> {
    return this.return();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
