/** The plugins of the binary, as the host finds them. Written by `npm run build` from the files beside it. */
import type { BuiltInPlugin } from "../sdk/plugin.ts";

export const BUILT_INS: readonly BuiltInPlugin[] = [
  {
    name: "access-log",
    version: "1.0.0",
    requires: ["request-log"],
    provides: [],
    schema: {
      type: "object",
      properties: {
        skip: {
          type: "array",
          description: "Paths without a line: `/health/live`, or all below one: `/assets/*`. Failures (5xx) have one.",
          items: { type: "string" },
          default: [],
        },
        minStatus: {
          type: "integer",
          description: "Answers below have no line: 400 leaves failures only.",
          maximum: 599,
          minimum: 100,
          default: 100,
        },
      },
    },
    load: () => import("./access-log.ts"),
  },
  {
    name: "api-docs",
    version: "1.0.0",
    requires: ["engine"],
    provides: [],
    schema: {
      type: "object",
      properties: {
        description: { type: "string", description: "`info.description`.", default: "" },
        path: { type: "string", description: "Where the page is.", pattern: "^/[A-Za-z0-9._~/-]*$", default: "/docs" },
        index: {
          type: "string",
          description: "Where the index for agents is.",
          pattern: "^/[A-Za-z0-9._~/-]*$",
          default: "/llms.txt",
        },
        document: {
          type: "string",
          description: "Where the OpenAPI document is.",
          pattern: "^/[A-Za-z0-9._~/-]*$",
          default: "/openapi.json",
        },
        version: {
          type: "string",
          description: "`info.version`: of what the scripts offer, not of the engine.",
          minLength: 1,
          default: "1.0.0",
        },
        title: {
          type: "string",
          description: "`info.title` of the document, and of the page.",
          minLength: 1,
          default: "API",
        },
        public: {
          type: "boolean",
          description: "Serves the documents also without `--dev`: they name every route to everyone.",
          default: false,
        },
      },
    },
    commands: [
      {
        name: "openapi",
        summary: "Print the OpenAPI 3.1 document of the project's scripts.",
        usage: "Nothing",
        examples: ["aiwebengine openapi", "aiwebengine openapi --dir ./shop > openapi.json"],
        scripts: true,
      },
    ],
    load: () => import("./api-docs/index.ts"),
  },
  {
    name: "assets",
    version: "1.0.0",
    requires: ["engine"],
    provides: [],
    schema: {
      type: "object",
      properties: {
        mounts: {
          type: "object",
          description: 'Where a script\'s assets stand instead of `/<script>`: `site = "/"`.',
          additionalProperties: { type: "string" },
          default: {},
        },
        cacheBytes: {
          type: "integer",
          description: "Memory for small files and their compressed forms.",
          minimum: 0,
          default: 33554432,
        },
      },
    },
    load: () => import("./assets/index.ts"),
  },
  {
    name: "cors",
    version: "1.1.0",
    requires: [],
    provides: [],
    schema: {
      type: "object",
      properties: {
        origins: {
          type: "array",
          description: "Whose pages may read answers: `https://app.example`, or `*` for all.",
          items: { type: "string" },
          default: [],
        },
        methods: {
          type: "array",
          description: "What they may send.",
          items: { type: "string" },
          default: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        },
        allowHeaders: {
          type: "array",
          description: "Headers that they may send.",
          items: { type: "string" },
          default: ["authorization", "content-type"],
        },
        exposeHeaders: {
          type: "array",
          description: "Headers that they may read.",
          items: { type: "string" },
          default: ["x-request-id"],
        },
        maxAgeSeconds: {
          type: "integer",
          description: "How long a browser remembers a preflight.",
          minimum: 0,
          default: 600,
        },
        credentials: { type: "boolean", description: "Whether they may send cookies.", default: false },
      },
    },
    load: () => import("./cors.ts"),
  },
  {
    name: "graphql",
    version: "1.0.0",
    requires: ["engine", "pubsub"],
    provides: [],
    schema: {
      type: "object",
      properties: {
        operations: {
          type: "string",
          description: "A JSON file of persisted operations, below the project: `{ id: operation }`.",
          default: "",
        },
        path: { type: "string", description: "Where clients find it.", default: "/graphql" },
        maxSubscriptionsPerIp: {
          type: "integer",
          description: "Open subscriptions of one client address, counted in the same way.",
          exclusiveMinimum: 0,
          default: 100,
        },
        maxCost: {
          type: "integer",
          description:
            "The most fields that an operation may come to: what is in a list counts `first`, `last` or `limit` times, else 10 times.",
          exclusiveMinimum: 0,
          default: 10000,
        },
        maxSubscriptions: {
          type: "integer",
          description: "Open subscriptions in all; a connection that carries several counts as one more.",
          exclusiveMinimum: 0,
          default: 10000,
        },
        maxDepth: {
          type: "integer",
          description: "How many fields deep an operation may go.",
          exclusiveMinimum: 0,
          default: 12,
        },
        maxTokens: {
          type: "integer",
          description: "The most words and signs of an operation.",
          exclusiveMinimum: 0,
          default: 2000,
        },
        maxBytes: {
          type: "integer",
          description: "The most that a request's body may take.",
          exclusiveMinimum: 0,
          default: 262144,
        },
        queueBytes: {
          type: "integer",
          description:
            "A subscription with more than this waiting is of a client that reads too slowly: it is dropped.",
          exclusiveMinimum: 0,
          default: 262144,
        },
        maxAliases: {
          type: "integer",
          description: "The most aliases of an operation.",
          exclusiveMinimum: 0,
          default: 30,
        },
        maxMessageBytes: {
          type: "integer",
          description: "The most that a message to subscriptions may take as JSON.",
          exclusiveMinimum: 0,
          default: 65536,
        },
        graphiql: {
          type: "boolean",
          description: "Browsers get GraphiQL at the path, also without `--dev`.",
          default: false,
        },
        operationsOnly: { type: "boolean", description: "Clients may run persisted operations only.", default: false },
        introspection: {
          type: "boolean",
          description: "Clients may ask for the schema. Without it, errors suggest no names either.",
          default: true,
        },
      },
    },
    commands: [
      {
        name: "graphql",
        summary: "Print the GraphQL schema of the project's scripts.",
        usage: "Nothing",
        examples: ["aiwebengine graphql", "aiwebengine graphql --dir ./shop > schema.graphql"],
        scripts: true,
      },
    ],
    load: () => import("./graphql/index.ts"),
  },
  {
    name: "health",
    version: "1.0.0",
    requires: ["engine"],
    provides: [],
    schema: {
      type: "object",
      properties: {
        minFreeBytes: {
          type: "integer",
          description: "With less free space below the data folder the engine is not ready.",
          minimum: 0,
          default: 16777216,
        },
      },
    },
    load: () => import("./health.ts"),
  },
  {
    name: "kv",
    version: "1.0.0",
    requires: [],
    provides: [],
    schema: { type: "object" },
    load: () => import("./kv/index.ts"),
  },
  {
    name: "mcp",
    version: "1.0.0",
    requires: ["engine", "pubsub"],
    provides: [],
    schema: {
      type: "object",
      properties: {
        allowedHosts: {
          type: "array",
          description: "Host names under which agents reach the server, beside the local ones and addresses.",
          items: { type: "string" },
          default: [],
        },
        allowedOrigins: {
          type: "array",
          description: "Origins whose pages may speak to it, beside the local ones and its own: `https://app.example`.",
          items: { type: "string" },
          default: [],
        },
        maxSessions: {
          type: "integer",
          description: "Sessions of clients of 2025, and streams of current ones that listen for changes.",
          exclusiveMinimum: 0,
          default: 1000,
        },
        maxBytes: {
          type: "integer",
          description: "The most that a message may have.",
          exclusiveMinimum: 0,
          default: 1048576,
        },
        sessionIdleMs: {
          type: "integer",
          description: "A session that nobody uses for so long ends.",
          minimum: 1000,
          default: 1800000,
        },
      },
    },
    commands: [
      {
        name: "mcp",
        summary: "Speak MCP on standard input and output, for agents that cannot reach a server over HTTP.",
        usage: "Nothing; the server is named by --url",
        examples: ["aiwebengine mcp", "aiwebengine mcp --url http://127.0.0.1:3000/mcp/tools"],
        flags: {
          url: { type: "text", summary: "The server's address; http://127.0.0.1:8080/mcp where it is not given" },
        },
      },
    ],
    load: () => import("./mcp/index.ts"),
  },
  {
    name: "messages",
    version: "1.0.0",
    requires: [],
    provides: [],
    schema: {
      type: "object",
      properties: {
        maxBytes: {
          type: "integer",
          description: "The most that a payload may take as JSON.",
          exclusiveMinimum: 0,
          default: 262144,
        },
      },
    },
    load: () => import("./messages.ts"),
  },
  {
    name: "pubsub",
    version: "1.1.0",
    requires: ["engine", "redaction"],
    provides: [],
    schema: {
      type: "object",
      properties: {
        redis: {
          type: "string",
          description:
            "Redis that joins the engines: `redis://user:password@host:6379`, `rediss://` over TLS. Empty: this engine is alone.",
          writeOnly: true,
          default: "",
        },
        channel: {
          type: "string",
          description: "Engines that have it in common hear each other: one for each application.",
          minLength: 1,
          default: "aiwebengine",
        },
        maxMessageBytes: {
          type: "integer",
          description: "The longest message that is sent to other engines, or taken from them.",
          exclusiveMinimum: 0,
          default: 1048576,
        },
        queueBytes: {
          type: "integer",
          description: "What may wait for Redis, for 10 s at most; the oldest messages go.",
          exclusiveMinimum: 0,
          default: 1048576,
        },
      },
    },
    load: () => import("./pubsub/index.ts"),
  },
  {
    name: "secrets",
    version: "1.0.0",
    requires: ["redaction"],
    provides: [],
    schema: {
      type: "object",
      properties: {
        folder: {
          type: "string",
          description: "A folder with a file for each secret, such as `/run/secrets`. Empty: none.",
          default: "",
        },
        allow: {
          type: "object",
          description:
            "Name of a secret → `scripts` that may use it, and `hosts` that it may be sent to. Nobody, and nowhere, unless named.",
          additionalProperties: {
            type: "object",
            properties: {
              hosts: { type: "array", items: { type: "string" } },
              scripts: { type: "array", items: { type: "string" } },
            },
          },
          default: {},
        },
        env: {
          type: "string",
          description: "What stands before the name of a secret in the environment.",
          default: "SECRET_",
        },
        file: {
          type: "string",
          description: "TOML or JSON, names and values, readable by its owner only. It need not exist.",
          minLength: 1,
          default: "data/secrets/secrets.toml",
        },
      },
    },
    load: () => import("./secrets/index.ts"),
  },
  {
    name: "security-headers",
    version: "1.0.0",
    requires: [],
    provides: [],
    schema: {
      type: "object",
      properties: {
        frameOptions: { type: "string", description: "`x-frame-options`, on HTML.", default: "SAMEORIGIN" },
        contentSecurityPolicy: {
          type: "string",
          description: "`content-security-policy`, on HTML.",
          default: "frame-ancestors 'self'; base-uri 'self'; object-src 'none'",
        },
        transportSecurity: {
          type: "string",
          description: "`strict-transport-security`, over TLS.",
          default: "max-age=31536000",
        },
        contentTypeOptions: {
          type: "string",
          description: "`x-content-type-options`, on every answer.",
          default: "nosniff",
        },
        openerPolicy: {
          type: "string",
          description: "`cross-origin-opener-policy`, on HTML.",
          default: "same-origin-allow-popups",
        },
        referrerPolicy: {
          type: "string",
          description: "`referrer-policy`, on HTML.",
          default: "strict-origin-when-cross-origin",
        },
      },
    },
    load: () => import("./security-headers.ts"),
  },
  {
    name: "streams",
    version: "1.0.0",
    requires: ["engine", "pubsub"],
    provides: [],
    schema: {
      type: "object",
      properties: {
        allowedOrigins: {
          type: "array",
          description:
            "Whose pages may open WebSockets, beside this host's own and those that `cors` trusts with cookies: `https://app.example`, or `*` for all.",
          items: { type: "string" },
          default: [],
        },
        maxPerIp: {
          type: "integer",
          description: "Open streams and WebSockets of one client address; more are answered with 429.",
          exclusiveMinimum: 0,
          default: 100,
        },
        maxConnections: {
          type: "integer",
          description: "Open streams and WebSockets in all; more are answered with 503.",
          exclusiveMinimum: 0,
          default: 10000,
        },
        replayBytes: {
          type: "integer",
          description: "Messages kept for clients that come back: of one script, over all of its streams.",
          minimum: 0,
          default: 1048576,
        },
        pingSeconds: {
          type: "integer",
          description: "A client that was sent nothing for so long gets a comment.",
          maximum: 60,
          minimum: 1,
          default: 15,
        },
        queueBytes: {
          type: "integer",
          description: "A client that has more than this waiting reads too slowly, and is dropped.",
          exclusiveMinimum: 0,
          default: 262144,
        },
        retryMs: {
          type: "integer",
          description: "How long a client waits before it comes back.",
          minimum: 0,
          default: 3000,
        },
        maxMessageBytes: {
          type: "integer",
          description: "The most that a message may take, to clients or from them.",
          exclusiveMinimum: 0,
          default: 65536,
        },
      },
    },
    load: () => import("./streams/index.ts"),
  },
];
