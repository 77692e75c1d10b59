/** Operations over HTTP and from scripts: yoga speaks the protocol, graphql executes, and the limits stand before both. */
import {
  execute,
  getOperationAST,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLSchema,
} from "graphql";
import { createYoga, type GraphQLParams, type Plugin } from "graphql-yoga";
import type { Json } from "../../sdk/plugin.ts";
import { identified, tidy } from "./errors.ts";
import { parseWithin, wantCost, type Limits } from "./limits.ts";
import type { Operation, OperationContext } from "./resolve.ts";
import { subscriptionPlugin } from "./subscriptions/execute.ts";

export interface ServerOptions extends Limits {
  readonly path: string;
  readonly maxBytes: number;
  readonly introspection: boolean;
  /** Persisted operations by their id; undefined where there are none. */
  readonly operations: ReadonlyMap<string, string> | undefined;
  /** Others are refused. */
  readonly operationsOnly: boolean;
  /** Of this moment. */
  schema(): GraphQLSchema;
  /** The one that serves, for a subscription that began under another; of the next generation of plugins, too. */
  latest(): GraphQLSchema | undefined;
}

export interface Server {
  answer(request: Request, operation: Operation): Promise<Response>;
  /** For those who speak another protocol than HTTP: an operation that may be run, or what is wrong with it. */
  prepare(
    params: GraphQLParams,
    operation: Operation,
  ): Promise<Prepared | { readonly errors: readonly GraphQLError[] }>;
  run(source: string, variables: Json, name: string | undefined, operation: Operation): Promise<Json>;
}

export function createServer(options: ServerOptions): Server {
  const yoga = createYoga<OperationContext>({
    graphqlEndpoint: options.path,
    // The client's own host and path stand in the URL, behind a proxy and after a `match` hook: the engine's router has decided.
    plugins: [operationPlugin(options), subscriptionPlugin(options)],
    maskedErrors: { maskError: (error, message) => masked(error, message) },
    parserAndValidationCache: { documentCache: new Recent(), errorCache: { get: () => undefined, set() {} } },
    // Through a stream of its own it costs more than all else of a small request: the route looks at the length instead.
    maxRequestBodySize: false,
    extraParamNames: ["documentId"],
    logging: false,
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    batching: false,
  });
  const failed = (error: unknown): { readonly errors: readonly GraphQLError[] } => ({
    errors: [masked(error, "The operation could not be run.")],
  });
  const prepare = async (read: () => GraphQLParams, operation: Operation): ReturnType<Server["prepare"]> => {
    try {
      const { query = "", variables, operationName } = read();
      const enveloped = yoga.getEnveloped({ operation } as never);
      const { schema, execute, subscribe } = enveloped;
      const document = enveloped.parse(query) as DocumentNode;
      const errors = enveloped.validate(schema, document) as readonly GraphQLError[];
      if (errors.length > 0) return named({ errors }, operation);
      const contextValue: unknown = await enveloped.contextFactory({ operation } as never);
      const args = { schema, document, contextValue, variableValues: variables, operationName } as ExecutionArgs;
      const run = getOperationAST(document, operationName)?.operation === "subscription" ? subscribe : execute;
      return {
        args,
        async execute() {
          const result = await (Promise.resolve(run(args as never)) as Promise<Result | AsyncIterable<Result>>).catch(
            failed,
          );
          return Symbol.asyncIterator in result ? result : named(result, operation);
        },
      };
    } catch (error) {
      return named(failed(error), operation);
    }
  };
  return {
    async answer(request, operation) {
      return yoga.fetch(request, { operation });
    },
    prepare: (params, operation) => prepare(() => persisted(params, options), operation),
    async run(query, variables, operationName, operation) {
      const prepared = await prepare(() => ({ query, variables, operationName }) as GraphQLParams, operation);
      // Nothing follows: a script cannot subscribe.
      return sent("errors" in prepared ? prepared : ((await prepared.execute()) as Result));
    },
  };
}

/** An operation that may be run. */
export interface Prepared {
  readonly args: ExecutionArgs;
  /** Never rejects. Results that follow each other are those of a subscription. */
  execute(): Promise<Result | AsyncIterable<Result>>;
}

export interface Result {
  readonly data?: unknown;
  readonly errors?: readonly unknown[];
}

/** Whatever refused it: who asks why has the id under which the log tells. */
function named<Given extends Result>(result: Given, { id }: Operation): Given {
  if (result.errors === undefined) return result;
  const errors = result.errors.map((error) => (error instanceof GraphQLError ? identified(error, id) : error));
  return { ...result, errors };
}

/** As it is sent where it is no answer of HTTP. */
export function sent({ data, errors }: Result): Json {
  const told = errors?.map((error) => {
    const json = error instanceof GraphQLError ? error.toJSON() : { message: String(error) };
    const { http: _, ...extensions } = json.extensions ?? {};
    return { ...json, extensions };
  });
  return { ...(data === undefined ? {} : { data }), ...(told && { errors: told }) } as Json;
}

/** What is no GraphQLError was thrown by a library, on the way to the execution. */
function masked(error: unknown, message: string): GraphQLError {
  if (error instanceof GraphQLError) return error;
  return new GraphQLError(message, { extensions: { code: "internal", unexpected: true } });
}

function operationPlugin(options: ServerOptions): Plugin<OperationContext> {
  const { introspection } = options;
  return {
    onEnveloped: ({ setSchema }) => void setSchema(options.schema()),
    onParams: ({ params, request, setParams }) => setParams(persisted(params, options, request)),
    onParse: ({ setParseFn }) => void setParseFn((source: string) => parseWithin(source, options)),
    onValidate({ addValidationRule }) {
      if (introspection) return undefined;
      addValidationRule(NoSchemaIntrospectionCustomRule);
      // A rule that suggests names tells them to whoever guesses.
      return ({ result, setResult }) => setResult((result as readonly GraphQLError[]).map(withoutHint));
    },
    onResultProcess({ result, setResult, serverContext }) {
      if (!("errors" in result)) return;
      setResult(
        named(
          result as { readonly errors: readonly GraphQLError[] },
          (serverContext as unknown as OperationContext).operation,
        ),
      );
    },
    onExecute({ args, setExecuteFn, setResultAndStopExecution }) {
      setExecuteFn(execute);
      const { schema, document, operationName, variableValues, contextValue } = args;
      const chosen = getOperationAST(document, operationName);
      if (chosen) {
        try {
          wantCost(schema, document, chosen, variableValues ?? {}, options);
        } catch (error) {
          setResultAndStopExecution({ errors: [error as GraphQLError] });
          return undefined;
        }
      }
      return {
        onExecuteDone({ result, setResult }) {
          if (!("errors" in result) || result.errors === undefined) return;
          setResult({
            ...result,
            errors: result.errors.map((error) => tidy(error, (contextValue as OperationContext).operation)),
          });
        },
      };
    },
  };
}

/** @throws GraphQLError for an id of none, and for an operation that only has its text where none of those is run */
function persisted(
  params: GraphQLParams,
  { operations, operationsOnly }: ServerOptions,
  request?: Request,
): GraphQLParams {
  const id = persistedId(params, request);
  // Protocols that want the text have an empty one there.
  if (id === undefined || (params.query ?? "") !== "") {
    if (!operationsOnly) return params;
    throw refused("PERSISTED_QUERY_ONLY", "Only persisted operations are run here: send the `documentId` of one.", 403);
  }
  const query = operations?.get(id);
  if (query === undefined)
    throw refused("PERSISTED_QUERY_NOT_FOUND", "There is no persisted operation of that id.", 404);
  return { ...params, query };
}

/** `documentId` as GraphQL over HTTP has it, or as Apollo's clients send it. */
function persistedId(
  params: GraphQLParams & { readonly documentId?: unknown },
  request: Request | undefined,
): string | undefined {
  const { extensions } = params;
  const documentId =
    request?.method === "GET" ? new URL(request.url).searchParams.get("documentId") : params.documentId;
  const hash: unknown = (extensions?.["persistedQuery"] as { readonly sha256Hash?: unknown } | undefined)?.sha256Hash;
  return [documentId, hash].find((one) => typeof one === "string");
}

function refused(code: string, message: string, status: number): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status, spec: true } } });
}

function withoutHint(error: GraphQLError): GraphQLError {
  const message = error.message.replace(/ Did you mean .*$/s, "");
  return message === error.message
    ? error
    : new GraphQLError(message, { nodes: error.nodes ?? null, extensions: error.extensions });
}

/** Parsed operations that came lately. Long ones are parsed again: what a client may have remembered is bounded. */
class Recent<T> {
  readonly #held = new Map<string, T>();

  get(key: string): T | undefined {
    const value = this.#held.get(key);
    if (value !== undefined) {
      this.#held.delete(key);
      this.#held.set(key, value);
    }
    return value;
  }

  set(key: string, value: T): void {
    if (key.length > MAX_REMEMBERED_LENGTH) return;
    this.#held.set(key, value);
    if (this.#held.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#held.keys()) {
      this.#held.delete(oldest);
      break;
    }
  }
}

const MAX_REMEMBERED = 500;
const MAX_REMEMBERED_LENGTH = 4096;
