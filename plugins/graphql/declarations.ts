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
export declare const registerGraphQLMutation: typeof registerMutationHandler;`;

export const SERVICE_TYPES = `/** What an operation came to. */
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
}`;
