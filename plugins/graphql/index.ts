/** GraphQL: one schema from the registrations of all scripts, over HTTP and for scripts. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  definePlugin,
  ProblemError,
  type Capability,
  type Json,
  type PointRegistration,
  type RouteEvent,
} from "../../sdk/plugin.ts";
import { POINT_TYPES, SERVICE_TYPES } from "./declarations.ts";
import type { Server } from "./server.ts";
import { Hub } from "./subscriptions/hub.ts";
import { readSend } from "./subscriptions/send.ts";
import { fromWire, toWire } from "./subscriptions/remote.ts";
import type { Transports } from "./subscriptions/transports.ts";

/** A point is asked at once whether a registration is sound, and most engines have none: loaded then, and evaluated only then. */
const schemas = (): typeof import("./build.ts") => require("./build.ts") as typeof import("./build.ts");
const operations = (): typeof import("./resolve.ts") => require("./resolve.ts") as typeof import("./resolve.ts");

const TOPIC = "graphql";
const positive = "number.integer > 0";

export default definePlugin({
  name: "graphql",
  version: "1.0.0",
  requires: ["engine", "pubsub"],
  config: {
    path: [["string", "@", "Where clients find it."], "=", "/graphql"],
    introspection: [
      ["boolean", "@", "Clients may ask for the schema. Without it, errors suggest no names either."],
      "=",
      true,
    ],
    maxBytes: [[positive, "@", "The most that a request's body may take."], "=", 262_144],
    maxTokens: [[positive, "@", "The most words and signs of an operation."], "=", 2000],
    maxDepth: [[positive, "@", "How many fields deep an operation may go."], "=", 12],
    maxAliases: [[positive, "@", "The most aliases of an operation."], "=", 30],
    maxCost: [
      [
        positive,
        "@",
        "The most fields that an operation may come to: what is in a list counts `first`, `last` or `limit` times, else 10 times.",
      ],
      "=",
      10_000,
    ],
    operations: [
      ["string", "@", "A JSON file of persisted operations, below the project: `{ id: operation }`."],
      "=",
      "",
    ],
    operationsOnly: [["boolean", "@", "Clients may run persisted operations only."], "=", false],
    graphiql: [["boolean", "@", "Browsers get GraphiQL at the path, also without `--dev`."], "=", false],
    maxSubscriptions: [
      [positive, "@", "Open subscriptions in all; a connection that carries several counts as one more."],
      "=",
      10_000,
    ],
    maxSubscriptionsPerIp: [
      [positive, "@", "Open subscriptions of one client address, counted in the same way."],
      "=",
      100,
    ],
    maxMessageBytes: [[positive, "@", "The most that a message to subscriptions may take as JSON."], "=", 65_536],
    queueBytes: [
      [
        positive,
        "@",
        "A subscription with more than this waiting is of a client that reads too slowly: it is dropped.",
      ],
      "=",
      262_144,
    ],
  },
  setup({ command, config, defer, endpoint, keep, log, paths, point, route, service, use, whenProvided }) {
    const engine = use("engine");
    let cors: Capability<"cors"> | undefined;
    whenProvided("cors", (given) => void (cors = given));
    const pubsub = use("pubsub");
    const hub = keep(
      "hub",
      () => new Hub(),
      (last) => last.close(),
    );
    const persisted = config.operations === "" ? undefined : readOperations(resolve(paths.project, config.operations));
    let registrations: readonly PointRegistration[] = [];
    let serving: ReadonlySet<PointRegistration> = new Set();
    let checks: import("./build.ts").Checks | undefined;
    let live: ReadonlyMap<string, PointRegistration> = new Map();
    let schema: ReturnType<typeof import("./build.ts").buildSchema> | undefined;
    let server: Promise<{ readonly server: Server; readonly transports: Transports }> | undefined;

    const leave = hub.enter({
      live: (coordinate) => live.get(coordinate),
      schema: () => built() ?? undefined,
      get filled() {
        return registrations.length > 0;
      },
    });
    defer(leave);
    defer(
      pubsub.subscribe(TOPIC, (message) => {
        const told = fromWire(message, config.maxMessageBytes);
        if (told !== undefined) hub.receive(told);
      }),
    );
    defer(
      engine.onChange(() => {
        if (!engine.ready) hub.close();
      }),
    );

    point("graphql", {
      functions: {
        registerQueryHandler: { args: ["name", "options?", "handler"], aliases: ["registerGraphQLQuery"] },
        registerMutationHandler: { args: ["name", "options?", "handler"], aliases: ["registerGraphQLMutation"] },
        registerSubscriptionHandler: {
          args: ["name", "options?", "handler?"],
          aliases: ["registerGraphQLSubscription"],
        },
        registerFieldHandler: { args: ["name", "options?", "handler"] },
        registerType: { args: ["data"] },
      },
      options: { "description?": "string" },
      definitions: ["args", "returns"],
      types: POINT_TYPES,
      validate(registration, all) {
        checks ??= new (schemas().Checks)();
        checks.check(registration, all, serving);
      },
      change(next) {
        const found = next.length === 0 ? new Map<string, PointRegistration>() : schemas().coordinates(next);
        registrations = next;
        serving = new Set(next);
        live = found;
        schema = undefined;
        // What is refused after all is taken back before anyone was sent away.
        queueMicrotask(() => hub.settle());
      },
    });

    const built = (): NonNullable<typeof schema> | null => {
      if (schema === undefined) {
        schema = registrations.length === 0 ? null : schemas().buildSchema(registrations, (name) => live.get(name));
      }
      return schema;
    };
    const current = (): NonNullable<typeof schema> => {
      const made = built();
      if (made === null) throw new ProblemError("not_found", "No script registers a GraphQL field.");
      return made;
    };
    const start = async (): Promise<{ readonly server: Server; readonly transports: Transports }> => {
      const [{ createServer }, { Transports }] = await Promise.all([
        import("./server.ts"),
        import("./subscriptions/transports.ts"),
      ]);
      // A connection may outlive this generation: what serves is known to the newest.
      const latest = (): ReturnType<typeof current> | undefined => hub.serving?.schema();
      const options = { ...config, operations: persisted, schema: () => latest() ?? current(), latest };
      const made = createServer(options);
      const allowOrigin = (origin: string): boolean => cors?.trusts(origin) === true;
      return {
        server: made,
        transports: new Transports({ server: made, hub, config, engine, begin, log, allowOrigin }),
      };
    };
    const started = (): ReturnType<typeof start> => (server ??= start());
    const begin = (id: string, user: Json, signal: AbortSignal): import("./resolve.ts").Operation =>
      new (operations().Operation)(id, user, signal, engine.dev, (why) =>
        log.warn("a field's value does not fit the schema", { id, why: why.slice(0, 500) }),
      );

    route(`ANY ${config.path}`, async (event: RouteEvent) => {
      const { id, request, method, url } = event;
      current();
      if (method === "GET" && (config.graphiql || engine.dev) && isForPage(request, url)) {
        return (await import("./page.ts")).answerPage(request);
      }
      let asked = request;
      if (method === "POST") {
        // Whatever else a page of another site could send without asking first is no JSON.
        const type = request.headers.get("content-type") ?? "";
        if (!/^application\/(?:graphql\+)?json *(?:;|$)/i.test(type)) {
          return refused(id, 415, "UNSUPPORTED_MEDIA_TYPE", "Operations are sent as application/json.");
        }
        const whole = await within(request, config.maxBytes);
        if (whole === null) {
          const why = `The body is too large; plugins.graphql.maxBytes allows ${config.maxBytes}.`;
          return refused(id, 413, "REQUEST_ENTITY_TOO_LARGE", why);
        }
        asked = whole;
      }
      return (await started()).transports.answer(event, asked);
    });

    endpoint({
      title: "GraphQL",
      path: config.path,
      summary:
        'Queries and mutations: POST application/json, {"query": "{ … }", "variables": {}}. Subscriptions: text/event-stream, or graphql-transport-ws.',
      open: () => registrations.length > 0,
    });
    command({
      name: "graphql",
      summary: "Print the GraphQL schema of the project's scripts.",
      usage: "Nothing",
      examples: ["aiwebengine graphql", "aiwebengine graphql --dir ./shop > schema.graphql"],
      scripts: true,
      run({ words, stdout, stderr }) {
        if (words.length > 0) {
          stderr(`aiwebengine graphql takes no arguments; it was given ${JSON.stringify(words.join(" "))}\n`);
          return 2;
        }
        // A schema that lacks a script must not pass for a whole one.
        const broken = engine.scripts().filter(({ problem }) => problem !== undefined);
        for (const { name, problem } of broken)
          stderr(`Left out: the script "${name}", since it would not serve: ${problem}\n`);
        const made = schemas().buildSchema(registrations, (name) => live.get(name));
        if (made === null) stderr("No script registers a GraphQL field.\n");
        else stdout(schemas().sdlOf(made));
        return broken.length > 0 || made === null ? 1 : 0;
      },
    });

    service("graphql", {
      types: SERVICE_TYPES,
      functions: { executeGraphQL: "execute", sendSubscriptionMessage: "send" },
      mutates: ["execute", "send"],
      methods: {
        async execute({ invocation, user, signal }, source = null, variables = null, name = null) {
          if (typeof source !== "string")
            throw new ProblemError("bad_request", "graphql.execute: the operation is text");
          const given = variables ?? {};
          if (typeof given !== "object" || Array.isArray(given)) {
            throw new ProblemError("bad_request", "graphql.execute: variables are an object");
          }
          const named = typeof name === "string" ? name : undefined;
          current();
          return (await started()).server.run(source, given, named, begin(invocation, user, signal));
        },
        async send({ script }, ...args) {
          const sent = hub.stamp({ script, ...readSend(args, config.maxMessageBytes) });
          const registration = live.get(`Subscription.${sent.field}`);
          if (registration?.script !== script) {
            const detail = `graphql.send: this script registers no subscription "${sent.field}"; registerSubscriptionHandler does`;
            throw new ProblemError("not_found", detail);
          }
          const delivery = hub.deliver(sent);
          await pubsub.publish(TOPIC, toWire(sent));
          return { ...delivery };
        },
      },
    });
  },
});

/** A browser that goes to the address, with nothing to be run. */
function isForPage(request: Request, { searchParams }: URL): boolean {
  const accepted = request.headers.get("accept") ?? "";
  return accepted.includes("text/html") && !searchParams.has("query") && !searchParams.has("documentId");
}

/** As GraphQL tells of errors. https://graphql.github.io/graphql-over-http/draft/ */
function refused(id: string, status: number, code: string, message: string): Response {
  return Response.json({ errors: [{ message, extensions: { code, id } }] }, { status });
}

/** Null when the body is larger. The server below has held a declared length; without one it is read here. */
async function within(request: Request, most: number): Promise<Request | null> {
  const declared = request.headers.get("content-length");
  if (declared !== null) return Number.parseInt(declared, 10) > most ? null : request;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of request.body ?? []) {
    bytes += piece.length;
    if (bytes > most) return null;
    pieces.push(piece);
  }
  return new Request(request.url, { method: "POST", headers: request.headers, body: Buffer.concat(pieces) });
}

/** @throws Error that says what to do. */
function readOperations(file: string): ReadonlyMap<string, string> {
  const why = `plugins.graphql.operations: ${file} must be a JSON file such as { "notes": "query { notes { id } }" }`;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new Error(`${why}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const entries = isObject ? Object.entries(value as object) : undefined;
  if (entries === undefined || !entries.every(([, text]) => typeof text === "string")) throw new Error(why);
  return new Map(entries as [string, string][]);
}
