/** What script authors complete against: the registration functions, and the service. */

export const POINT_TYPES = `/** Arguments of a field that is written in SDL: the schema says what they are, TypeScript cannot. */
export type GraphQLArguments = { readonly [name: string]: unknown };

/** A field by arktype definitions, in place of SDL. */
export interface GraphQLFieldOptions<Args = unknown, Returns = unknown> {
  /** Of the arguments: \`{ limit: "number.integer = 10" }\`. They are checked before the handler is called. */
  readonly args?: Checked<Args>;
  /** Of the value. Objects become types, texts to choose from become enums, what GraphQL has no type for is \`JSON\`. */
  readonly returns: Checked<Returns>;
  /** For readers of the schema. */
  readonly description?: string;
}

/**
 * Adds a field to \`Query\`: at top level, or in an exported \`init()\`. In SDL, with types of this script:
 *
 * \`\`\`ts
 * registerType("type Note { id: ID!, text: String! }");
 * registerQueryHandler<{ limit: number }>("notes(limit: Int = 10): [Note!]!", ({ args }) => find(args.limit));
 * registerQueryHandler("noteCount", { returns: "number.integer" }, () => count());
 * \`\`\`
 * Throws \`bad_registration\` for what is no field, and where another script has a field of that name.
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

/** Adds a field to \`Mutation\`; the mutations of one operation run one after the other. Else as \`registerQueryHandler\`. */
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

/** Who gets a message: \`subset\` (also without a word) where every key fits the subscriber's criteria, \`overlap\` where one does. */
export type SubscriptionFilter =
  SubscriptionCriteria | { readonly subset: SubscriptionCriteria } | { readonly overlap: SubscriptionCriteria };

/** What the handler of a subscription gets: the arguments, and the request of the client or of its connection, which has no body. */
export type SubscriptionContext<Args = GraphQLArguments> = Omit<Context, "kind" | "body" | "form" | "files"> & {
  readonly args: Args;
  /** \`connectionParams\` of a client that comes over WebSocket. */
  readonly payload: unknown;
};

/** Criteria, or \`true\` for none, of who may subscribe; anything else refuses. Or the events themselves. */
export type SubscriptionAnswer<Event = unknown> =
  SubscriptionCriteria | AsyncGenerator<Event, unknown, undefined> | boolean | null | void;

/**
 * Adds a field to \`Subscription\`: at top level, or in an exported \`init()\`. Its events are what \`sendSubscriptionMessage\`
 * sends, or what an async generator yields. The handler is called once for each subscriber:
 *
 * \`\`\`ts
 * registerSubscriptionHandler<{ room: string }>("said(room: ID!): Message!", ({ args }) => ({ room: args.room }));
 * registerSubscriptionHandler("tick", { returns: "number.integer" }, async function* () {
 *   for (let n = 0; ; n++) {
 *     yield n;
 *     await new Promise((resolve) => setTimeout(resolve, 1000));
 *   }
 * });
 * \`\`\`
 * Without a handler everybody may subscribe, and the arguments are the criteria. When a subscriber leaves, the generator's
 * \`finally\` runs.
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
 * Gives a field of a type a handler of its own: \`"Note.author: User"\` adds the field, \`"Note.author"\` is one that the type
 * has. It is called once for all the objects of a list: \`payload\` holds them, and the handler gives back a list of as many
 * values, in their order.
 *
 * \`\`\`ts
 * registerFieldHandler<Note>("Note.author: User", async ({ payload }) => {
 *   const users = await usersById(payload.map((note) => note.authorId));
 *   return payload.map((note) => users.get(note.authorId) ?? null);
 * });
 * \`\`\`
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

/** Types of this script, in SDL: object types, inputs, enums, interfaces and unions. A value of the latter two has a \`__typename\`. */
export declare function registerType(sdl: string): void;

/** The older names. */
export declare const registerGraphQLQuery: typeof registerQueryHandler;
export declare const registerGraphQLMutation: typeof registerMutationHandler;
export declare const registerGraphQLSubscription: typeof registerSubscriptionHandler;`;

export const SERVICE_TYPES = `/** What became of a message to subscriptions, in this engine. */
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
    readonly locations?: readonly { readonly line: number; readonly column: number }[];
    readonly extensions?: { readonly code: string; readonly [name: string]: unknown };
  }[];
}

/** Operations on the schema of all scripts. */
export interface Graphql {
  /** Runs an operation, as whoever called this handler. What is wrong with it is in \`errors\`. */
  execute<Data = unknown>(
    operation: string,
    variables?: { readonly [name: string]: unknown },
    operationName?: string,
  ): Promise<GraphQLResult<Data>>;

  /**
   * Sends an event to the subscribers of a field of this script.
   *
   * @param name of the field: \`said\`
   * @param payload JSON data: the field's value
   * @param filter who gets it; everybody without it
   */
  send(name: string, payload: unknown, filter?: SubscriptionFilter | null): Promise<SubscriptionDelivery>;
}`;
