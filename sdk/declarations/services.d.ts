/** What the plugins of the binary give to scripts. Written by `npm run build` from their own declarations. */
import type { Context, PathParams, PointContext } from "./context.js";
import type { Checked, Infer, InferInput } from "./schema.js";
/** A key-value store of this script alone. Values are JSON data of up to 1 MiB; null stands for an absent entry. */
export interface Kv {
  /** The value, or null where there is none or it has expired. */
  get<T = unknown>(key: string): Promise<T | null>;
  /** Writes a value. Without `ttlMs` it never expires. Setting null deletes the entry. */
  set(
    key: string,
    value: unknown,
    options?: {
      ttlMs?: number;
    },
  ): Promise<void>;
  /** Whether there was an entry. */
  delete(key: string): Promise<boolean>;
  /** Entries in the order of their keys' bytes. Go on with `after: next` while there is a `next`. */
  list<T = unknown>(options?: {
    prefix?: string;
    limit?: number;
    after?: string;
  }): Promise<{
    entries: {
      key: string;
      value: T;
    }[];
    next?: string;
  }>;
  /** Adds atomically and gives the new value; an absent entry counts as 0. `ttlMs` starts with the first increment. */
  increment(
    key: string,
    by?: number,
    options?: {
      ttlMs?: number;
    },
  ): Promise<number>;
  /** Writes only if the present value equals `expected` (null: only if there is none). Whether it wrote. */
  compareAndSet(
    key: string,
    expected: unknown,
    value: unknown,
    options?: {
      ttlMs?: number;
    },
  ): Promise<boolean>;
}
/** How many handlers took a message, and how many did not. */
export interface Delivery {
  readonly delivered: number;
  readonly failed: number;
  /** Why the first 20 of them did not: a problem code and a sentence. Absent where none failed. */
  readonly errors?: readonly {
    readonly script: string;
    readonly code: string;
    readonly message: string;
  }[];
}
/** Messages to other scripts, and to this one. */
export interface Messages {
  /**
   * Calls the handlers of a message and waits for them; none is no failure.
   *
   * @param target `"orders/paid"` is the message `paid` of the script `orders`; `"paid"` goes to every script that handles it
   * @param payload JSON data
   */
  send(
    target:
      | string
      | {
          readonly script?: string;
          readonly name: string;
        },
    payload?: unknown,
  ): Promise<Delivery>;
}
/** What became of a message to subscriptions, in this engine. */
export interface SubscriptionDelivery {
  /** Subscriptions that it is on its way to. */
  readonly delivered: number;
  /** Subscriptions of the field, whatever the filter. */
  readonly connections: number;
  /** Clients that read too slowly, and were dropped. */
  readonly failed: number;
}
/** What an operation came to. */
export interface GraphQLResult<Data = unknown> {
  /** Absent where the operation was not begun. */
  readonly data?: Data | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly locations?: readonly {
      readonly line: number;
      readonly column: number;
    }[];
    readonly extensions?: {
      readonly code: string;
      readonly [name: string]: unknown;
    };
  }[];
}
/** Operations on the schema of all scripts. */
export interface Graphql {
  /** Runs an operation, as whoever called this handler. What is wrong with it is in `errors`. */
  execute<Data = unknown>(
    operation: string,
    variables?: {
      readonly [name: string]: unknown;
    },
    operationName?: string,
  ): Promise<GraphQLResult<Data>>;
  /**
   * Sends an event to the subscribers of a field of this script.
   *
   * @param name of the field: `said`
   * @param payload JSON data: the field's value
   * @param filter who gets it; everybody without it
   */
  send(name: string, payload: unknown, filter?: SubscriptionFilter | null): Promise<SubscriptionDelivery>;
}
/** How much a log message matters, from the least (RFC 5424). */
export type McpLogLevel = "debug" | "info" | "notice" | "warning" | "error" | "critical" | "alert" | "emergency";
/** A tool of another server. */
export interface McpTool {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  /** JSON Schema. */
  readonly inputSchema: {
    readonly [key: string]: unknown;
  };
  readonly outputSchema?: {
    readonly [key: string]: unknown;
  };
  readonly annotations?: ToolAnnotations;
}
/** A piece of what a server answered: `{ type: "text", text }`, an image, a resource, … */
export interface McpContent {
  readonly type: string;
  readonly text?: string;
  readonly [key: string]: unknown;
}
/** What a tool of another server answered. Nothing of it was checked: it is a stranger's. */
export interface McpToolResult {
  readonly content: readonly McpContent[];
  readonly structuredContent?: {
    readonly [key: string]: unknown;
  };
  /** The tool failed, and `content` says why. */
  readonly isError?: boolean;
}
/** A resource of another server, or a template of some. */
export interface McpResource {
  readonly name: string;
  readonly uri?: string;
  readonly uriTemplate?: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
}
/** A prompt of another server. */
export interface McpPrompt {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly arguments?: readonly {
    readonly name: string;
    readonly description?: string;
    readonly required?: boolean;
  }[];
}
/** A connection to another server. It ends with the invocation that made it. */
export interface McpConnection {
  listTools(): Promise<readonly McpTool[]>;
  callTool(
    name: string,
    args?: {
      readonly [name: string]: unknown;
    },
  ): Promise<McpToolResult>;
  listResources(): Promise<readonly McpResource[]>;
  listResourceTemplates(): Promise<readonly McpResource[]>;
  readResource(uri: string): Promise<{
    readonly contents: readonly {
      readonly uri: string;
      readonly mimeType?: string;
      readonly text?: string;
      /** Base64. */
      readonly blob?: string;
    }[];
  }>;
  listPrompts(): Promise<readonly McpPrompt[]>;
  getPrompt(
    name: string,
    args?: {
      readonly [name: string]: string;
    },
  ): Promise<{
    readonly description?: string;
    readonly messages: readonly {
      readonly role: "user" | "assistant";
      readonly content: McpContent;
    }[];
  }>;
  /** Says farewell. Not needed, but kind to a server that keeps sessions. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
/** The agent that called, and other servers. */
export interface Mcp {
  /**
   * Tells the agent how far the call is. What is not more than before is left out.
   *
   * @param total of which `done` is a part
   * @returns whether it was told: false where the agent did not ask, and outside of an agent's call
   */
  progress(done: number, total?: number | null, message?: string | null): Promise<boolean>;
  /** Tells the agent something that its user may read. Whether it was told: agents choose the least level. */
  log(level: McpLogLevel, data: unknown): Promise<boolean>;
  /** Tells the agents that subscribed to a resource of this script that it is another now. */
  resourceChanged(uri: string): Promise<void>;
  /**
   * Connects to another server, over the script's own `fetch`: its hosts, limits and secrets hold.
   *
   * @param options `headers` of every request: `{ authorization: "Bearer {{secret:TOOLS}}" }`
   */
  connect(
    url: string,
    options?: {
      readonly headers?: {
        readonly [name: string]: string;
      };
    },
  ): Promise<McpConnection>;
}
/** Secrets of the operator. Write `{{secret:NAME}}` in a header, the path or the query of a `fetch`: the value is filled in outside the script. */
export interface Secrets {
  /** Whether this script has a secret of that name, with a value. */
  has(name: string): Promise<boolean>;
  /** The placeholder, `{{secret:NAME}}`. Rejects with `forbidden`, and what to do, where this script has no such secret. */
  ref(name: string): Promise<string>;
}
/** Values by key, or lists of values of which each counts: what a connection is, or what a message is for. */
export type StreamCriteria = {
  readonly [key: string]: string | number | boolean | null | readonly (string | number | boolean | null)[];
};
/** Who gets a message: `subset` (also without a word) where every key fits the connection's criteria, `overlap` where one does. */
export type StreamFilter =
  | StreamCriteria
  | {
      readonly subset: StreamCriteria;
    }
  | {
      readonly overlap: StreamCriteria;
    };
/** What became of a message, in this engine. */
export interface StreamDelivery {
  /** Clients that it is on its way to. */
  readonly delivered: number;
  /** Clients of the stream, whatever the filter. */
  readonly connections: number;
  /** Clients that read too slowly, and were dropped. */
  readonly failed: number;
}
/** Which connections were ended, in this engine. */
export interface StreamEnding {
  /** Clients whose connection ends. */
  readonly closed: number;
  /** Clients of the stream until then, whatever the filter. */
  readonly connections: number;
}
/** How a WebSocket ends: with 1000, or a code of the script's own from 3000 to 4999, and a reason of up to 123 bytes. */
export interface StreamClosing {
  readonly code?: number;
  readonly reason?: string;
}
/** Messages to the clients of this script's streams and WebSockets, and their end. */
export interface Streams {
  /**
   * @param path of a stream or WebSocket of this script, as it was registered; without it all of them
   * @param message JSON data; text is sent as it is
   * @param filter who gets it; everybody without it. `{ socket: id }` is one WebSocket
   * @param options `event`: its name for `addEventListener`, `message` without it; WebSockets have none
   */
  send(
    path: string,
    message: unknown,
    filter?: StreamFilter | null,
    options?: {
      readonly event?: string;
    },
  ): Promise<StreamDelivery>;
  send(
    message: unknown,
    filter?: StreamFilter | null,
    options?: {
      readonly event?: string;
    },
  ): Promise<StreamDelivery>;
  /**
   * Ends connections, after all that was sent to them before. A browser's `EventSource` comes back, and is asked about by
   * `authorize` again; a WebSocket is told code and reason.
   *
   * @param path of a stream or WebSocket of this script, as it was registered; without it all of them
   * @param filter whose; everybody's without it. `{ socket: id }` is one WebSocket
   * @example await streams.close("/room/:name", { user: "ada" }, { code: 4001, reason: "signed out" });
   */
  close(path: string, filter?: StreamFilter | null, options?: StreamClosing): Promise<StreamEnding>;
  close(filter?: StreamFilter | null, options?: StreamClosing): Promise<StreamEnding>;
}
/**
 * Handles the messages of a name: at top level, or in an exported `init()`. `context.payload` is what was sent; a payload
 * that does not fit `input` (an arktype definition) counts as failed, and the handler is not called.
 */
export declare function registerMessageHandler<const Input>(
  name: string,
  options: {
    readonly input: Checked<Input>;
  },
  handler: ((context: PointContext<Infer<Input>>) => unknown) | string,
): void;
export declare function registerMessageHandler(
  name: string,
  handler: ((context: PointContext) => unknown) | string,
): void;
/** Arguments of a field that is written in SDL: the schema says what they are, TypeScript cannot. */
export type GraphQLArguments = {
  readonly [name: string]: unknown;
};
/** A field by arktype definitions, in place of SDL. */
export interface GraphQLFieldOptions<Args = unknown, Returns = unknown> {
  /** Of the arguments: `{ limit: "number.integer = 10" }`. They are checked before the handler is called. */
  readonly args?: Checked<Args>;
  /** Of the value. Objects become types, texts to choose from become enums, what GraphQL has no type for is `JSON`. */
  readonly returns: Checked<Returns>;
  /** For readers of the schema. */
  readonly description?: string;
}
/**
 * Adds a field to `Query`: at top level, or in an exported `init()`. In SDL, with types of this script:
 *
 * ```ts
 * registerType("type Note { id: ID!, text: String! }");
 * registerQueryHandler<{ limit: number }>("notes(limit: Int = 10): [Note!]!", ({ args }) => find(args.limit));
 * registerQueryHandler("noteCount", { returns: "number.integer" }, () => count());
 * ```
 * Throws `bad_registration` for what is no field, and where another script has a field of that name.
 */
export declare function registerQueryHandler<Args = GraphQLArguments>(
  field: string,
  handler: ((context: PointContext<undefined, Args>) => unknown) | string,
): void;
export declare function registerQueryHandler<const Returns, const Args = {}>(
  name: string,
  options: GraphQLFieldOptions<Args, Returns>,
  handler:
    | ((context: PointContext<undefined, Infer<Args>>) => InferInput<Returns> | PromiseLike<InferInput<Returns>>)
    | string,
): void;
/** Adds a field to `Mutation`; the mutations of one operation run one after the other. Else as `registerQueryHandler`. */
export declare function registerMutationHandler<Args = GraphQLArguments>(
  field: string,
  handler: ((context: PointContext<undefined, Args>) => unknown) | string,
): void;
export declare function registerMutationHandler<const Returns, const Args = {}>(
  name: string,
  options: GraphQLFieldOptions<Args, Returns>,
  handler:
    | ((context: PointContext<undefined, Infer<Args>>) => InferInput<Returns> | PromiseLike<InferInput<Returns>>)
    | string,
): void;
/** Values by key, or lists of values of which each counts: what a subscriber is, or whom a message is for. */
export type SubscriptionCriteria = {
  readonly [key: string]: string | number | boolean | null | readonly (string | number | boolean | null)[];
};
/** Who gets a message: `subset` (also without a word) where every key fits the subscriber's criteria, `overlap` where one does. */
export type SubscriptionFilter =
  | SubscriptionCriteria
  | {
      readonly subset: SubscriptionCriteria;
    }
  | {
      readonly overlap: SubscriptionCriteria;
    };
/** What the handler of a subscription gets: the arguments, and the request of the client or of its connection, which has no body. */
export type SubscriptionContext<Args = GraphQLArguments> = Omit<Context, "kind" | "body" | "form" | "files"> & {
  readonly args: Args;
  /** `connectionParams` of a client that comes over WebSocket. */
  readonly payload: unknown;
};
/** Criteria, or `true` for none, of who may subscribe; anything else refuses. Or the events themselves. */
export type SubscriptionAnswer<Event = unknown> =
  SubscriptionCriteria | AsyncGenerator<Event, unknown, undefined> | boolean | null | void;
/**
 * Adds a field to `Subscription`: at top level, or in an exported `init()`. Its events are what `sendSubscriptionMessage`
 * sends, or what an async generator yields. The handler is called once for each subscriber:
 *
 * ```ts
 * registerSubscriptionHandler<{ room: string }>("said(room: ID!): Message!", ({ args }) => ({ room: args.room }));
 * registerSubscriptionHandler("tick", { returns: "number.integer" }, async function* () {
 *   for (let n = 0; ; n++) {
 *     yield n;
 *     await new Promise((resolve) => setTimeout(resolve, 1000));
 *   }
 * });
 * ```
 * Without a handler everybody may subscribe, and the arguments are the criteria. When a subscriber leaves, the generator's
 * `finally` runs.
 */
export declare function registerSubscriptionHandler<Args = GraphQLArguments>(
  field: string,
  handler?: ((context: SubscriptionContext<Args>) => SubscriptionAnswer | PromiseLike<SubscriptionAnswer>) | string,
): void;
export declare function registerSubscriptionHandler<const Returns, const Args = {}>(
  name: string,
  options: GraphQLFieldOptions<Args, Returns>,
  handler?:
    | ((
        context: SubscriptionContext<Infer<Args>>,
      ) => SubscriptionAnswer<InferInput<Returns>> | PromiseLike<SubscriptionAnswer<InferInput<Returns>>>)
    | string,
): void;
/**
 * Gives a field of a type a handler of its own: `"Note.author: User"` adds the field, `"Note.author"` is one that the type
 * has. It is called once for all the objects of a list: `payload` holds them, and the handler gives back a list of as many
 * values, in their order.
 *
 * ```ts
 * registerFieldHandler<Note>("Note.author: User", async ({ payload }) => {
 *   const users = await usersById(payload.map((note) => note.authorId));
 *   return payload.map((note) => users.get(note.authorId) ?? null);
 * });
 * ```
 */
export declare function registerFieldHandler<Parent = unknown, Args = GraphQLArguments>(
  field: string,
  handler: ((context: PointContext<readonly Parent[], Args>) => unknown) | string,
): void;
export declare function registerFieldHandler<Parent, const Returns, const Args = {}>(
  name: string,
  options: GraphQLFieldOptions<Args, Returns>,
  handler:
    | ((
        context: PointContext<readonly Parent[], Infer<Args>>,
      ) => readonly InferInput<Returns>[] | PromiseLike<readonly InferInput<Returns>[]>)
    | string,
): void;
/** Types of this script, in SDL: object types, inputs, enums, interfaces and unions. A value of the latter two has a `__typename`. */
export declare function registerType(sdl: string): void;
/** The older names. */
export declare const registerGraphQLQuery: typeof registerQueryHandler;
export declare const registerGraphQLMutation: typeof registerMutationHandler;
export declare const registerGraphQLSubscription: typeof registerSubscriptionHandler;
/** Hints for who shows or confirms a tool; the Model Context Protocol says that nobody need believe them. */
export interface ToolAnnotations {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}
/** What an agent is told of a tool. `output` is an arktype definition of an object; every answer is checked against it. */
export interface ToolOptions {
  readonly title?: string;
  readonly description?: string;
  readonly output?: unknown;
  readonly annotations?: ToolAnnotations;
}
/**
 * A tool for agents that speak MCP: at top level, or in an exported `init()`. `context.args` is what the agent gave; what
 * does not fit `input` (an arktype definition of an object) is refused, with the names of the fields, before the handler is
 * called. An answer is text, JSON data, or `{ content: [...] }` as MCP has it; with `output`, data that fits it.
 */
export declare function registerToolHandler<const Input>(
  name: string,
  options: ToolOptions & {
    readonly input: Checked<Input>;
  },
  handler: ((context: PointContext<undefined, Infer<Input>>) => unknown) | string,
): void;
export declare function registerToolHandler(
  name: string,
  options: ToolOptions,
  handler:
    | ((
        context: PointContext<
          undefined,
          {
            readonly [name: string]: unknown;
          }
        >,
      ) => unknown)
    | string,
): void;
/** Another name of `registerToolHandler`. */
export declare const registerMCPTool: typeof registerToolHandler;
/** What `complete` is asked: the values of one argument of a prompt, or of one variable of a template. */
export interface CompletionArgs {
  /** Which. */
  readonly argument: string;
  /** What was typed so far. */
  readonly value: string;
  /** The others, as far as they are known. */
  readonly arguments: {
    readonly [name: string]: string;
  };
}
/** Gives the values that there may be, of which the first 100 are offered. */
export type Complete =
  ((context: PointContext<undefined, CompletionArgs>) => readonly string[] | Promise<readonly string[]>) | string;
/**
 * A prompt that people pick in their agent. `arguments` is an arktype definition of an object of texts; alternatives such as
 * `"'short' | 'long'"` are offered as completions, or what `complete` gives. An answer is text (one message of the user) or `{ messages: [...] }`.
 */
export declare function registerPromptHandler<const Arguments>(
  name: string,
  options: {
    readonly title?: string;
    readonly description?: string;
    readonly arguments: Checked<Arguments>;
    readonly complete?: Complete;
  },
  handler: ((context: PointContext<undefined, Infer<Arguments>>) => unknown) | string,
): void;
export declare function registerPromptHandler(
  name: string,
  options: {
    readonly title?: string;
    readonly description?: string;
  },
  handler: ((context: PointContext) => unknown) | string,
): void;
/** Another name of `registerPromptHandler`. */
export declare const registerMCPPrompt: typeof registerPromptHandler;
/**
 * A resource that agents read: a URI (`"notes://all"`), or a template of one (`"notes://{id}"`) whose variables, decoded,
 * are in `context.args` beside `uri`. An answer is text, JSON data, `{ blob }` in base64, or `{ contents: [...] }`; nothing
 * (null) says that there is no such resource.
 */
export declare function registerResourceHandler(
  uri: string,
  options: {
    readonly name?: string;
    readonly title?: string;
    readonly description?: string;
    readonly mimeType?: string;
    /** Of the variables of a template. */
    readonly complete?: Complete;
  },
  handler:
    | ((
        context: PointContext<
          undefined,
          {
            readonly [name: string]: string;
          }
        >,
      ) => unknown)
    | string,
): void;
/** Another name of `registerResourceHandler`. */
export declare const registerMCPResource: typeof registerResourceHandler;
/** What a stream may be given. */
export interface StreamOptions<Path extends string = string> {
  /**
   * Asked once per connection, with its request: gives back the connection's criteria, or `true` for none. Anything else
   * refuses with 403, an `HttpError` with its own status. Without it everybody may come, and the path's parameters are
   * the criteria.
   */
  readonly authorize?:
    | ((
        context: StreamContext<Path>,
      ) => StreamCriteria | boolean | null | void | Promise<StreamCriteria | boolean | null | void>)
    | string;
  /** How many messages are kept for clients that come back; 100 by default, at most 1000. */
  readonly replay?: number;
  /** For the documentation of the API. */
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}
/** What `authorize` gets: all of the request, which has no body. */
export type StreamContext<Path extends string = string> = Omit<
  Context<PathParams<Path>>,
  "kind" | "body" | "form" | "files"
>;
/** Serves server-sent events at a path: at top level, or in an exported `init()`. */
export declare function registerWebStream<const Path extends string>(path: Path, options?: StreamOptions<Path>): void;
/** What the functions of a WebSocket get: all of the request that it began with, which has no body. */
export type WebSocketContext<Path extends string = string, Payload = undefined> = Omit<
  StreamContext<Path>,
  "payload" | "args"
> & {
  /** `message`: what the client said, data that fits `input`, or text without it. `close`: with which code and reason it ended. */
  readonly payload: Payload;
  /** Its id, which the filter `{ socket: id }` names, and its criteria. */
  readonly args: {
    readonly socket: string;
    readonly criteria: StreamCriteria;
  };
};
/** What a WebSocket may be given. A function may stand by its name. */
export interface WebSocketOptions<Path extends string = string, Message = string> {
  /** Asked once per connection, before it is one, as for a stream. */
  readonly authorize?: StreamOptions<Path>["authorize"];
  /** The connection is there. What it gives back is sent to the client: text as it is, other data as JSON, nothing for nothing. */
  readonly open?: ((context: WebSocketContext<Path>) => unknown) | string;
  /** The client said something; its messages come one after the other. What it gives back is sent to the client, too. */
  readonly message?: ((context: WebSocketContext<Path, Message>) => unknown) | string;
  /** It has ended, after all its messages. */
  readonly close?:
    | ((
        context: WebSocketContext<
          Path,
          {
            readonly code: number;
            readonly reason: string;
          }
        >,
      ) => unknown)
    | string;
  /** For the documentation of the API. */
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}
/**
 * Serves WebSockets at a path: at top level, or in an exported `init()`. With `input`, an arktype definition, messages are
 * JSON that fits it, others are answered with a problem; without it they are text. Broadcasts come by `sendStreamMessage`.
 */
export declare function registerWebSocket<const Path extends string, const Input>(
  path: Path,
  options: WebSocketOptions<Path, Infer<Input>> & {
    readonly input: Checked<Input>;
  },
): void;
export declare function registerWebSocket<const Path extends string>(path: Path, options: WebSocketOptions<Path>): void;
/** Services by the name under which a handler finds them. */
export interface Services {
  readonly kv: Kv;
  readonly messages: Messages;
  readonly graphql: Graphql;
  readonly mcp: Mcp;
  readonly secrets: Secrets;
  readonly streams: Streams;
}
/** The same object as `context.kv`; outside an invocation its methods throw `not_in_invocation`. */
export declare const kv: Kv;
/** The same object as `context.messages`; outside an invocation its methods throw `not_in_invocation`. */
export declare const messages: Messages;
/** The short form of `messages.send`. */
export declare const sendMessage: Messages["send"];
/** The same object as `context.graphql`; outside an invocation its methods throw `not_in_invocation`. */
export declare const graphql: Graphql;
/** The short form of `graphql.execute`. */
export declare const executeGraphQL: Graphql["execute"];
/** The short form of `graphql.send`. */
export declare const sendSubscriptionMessage: Graphql["send"];
/** The same object as `context.mcp`; outside an invocation its methods throw `not_in_invocation`. */
export declare const mcp: Mcp;
/** The same object as `context.secrets`; outside an invocation its methods throw `not_in_invocation`. */
export declare const secrets: Secrets;
/** The same object as `context.streams`; outside an invocation its methods throw `not_in_invocation`. */
export declare const streams: Streams;
/** The short form of `streams.send`. */
export declare const sendStreamMessage: Streams["send"];
