/** What `@aiwebengine/sdk` exports inside a realm. The builder's virtual module and the classic globals follow it. */

/** What every engine has. Services and the registration functions of plugins come on top. */
export const SDK_NAMES = [
  "registerWebHandler",
  "register",
  "registerMiddleware",
  "HttpError",
  "json",
  "text",
  "html",
  "redirect",
  "log",
  "config",
  "limits",
  "waitUntil",
  "render",
] as const;

/** The fields of a context that a request is needed for. */
export const REQUEST_NAMES = [
  "request",
  "method",
  "path",
  "url",
  "headers",
  "query",
  "params",
  "body",
  "form",
  "files",
  "cookies",
  "ip",
] as const;

/** The fields of a context that every engine has. Services come on top. */
export const CONTEXT_NAMES = [
  ...REQUEST_NAMES,
  "id",
  "kind",
  "script",
  "user",
  "args",
  "payload",
  "signal",
  "state",
  "log",
  "config",
  "waitUntil",
] as const;

/** What `@aiwebengine/sdk/jsx-runtime` exports inside a realm. */
export const JSX_NAMES = ["jsx", "jsxs", "Fragment", "raw"] as const;

/** What compiled templates import: `@aiwebengine/sdk/templates`. */
export const TEMPLATE_NAMES = ["template", "defineTemplates"] as const;

/** Functions that plugins of the engine's own house give to scripts: who calls an absent one is told which plugin it needs. */
export const POINTS_OF_PLUGINS: { readonly [fn: string]: string } = {
  registerMessageHandler: "messages",
  sendMessage: "messages",
  registerWebStream: "streams",
  registerWebSocket: "streams",
  sendStreamMessage: "streams",
  registerQueryHandler: "graphql",
  registerMutationHandler: "graphql",
  registerSubscriptionHandler: "graphql",
  sendSubscriptionMessage: "graphql",
  registerFieldHandler: "graphql",
  registerType: "graphql",
  executeGraphQL: "graphql",
  registerGraphQLQuery: "graphql",
  registerGraphQLMutation: "graphql",
  registerGraphQLSubscription: "graphql",
  registerToolHandler: "mcp",
  registerPromptHandler: "mcp",
  registerResourceHandler: "mcp",
  registerMCPTool: "mcp",
  registerMCPPrompt: "mcp",
  registerMCPResource: "mcp",
  registerJobHandler: "jobs",
  registerSchedule: "jobs",
  enqueue: "jobs",
};

/** Services of such plugins. */
export const SERVICES_OF_PLUGINS: { readonly [service: string]: string } = {
  kv: "kv",
  messages: "messages",
  secrets: "secrets",
  streams: "streams",
  graphql: "graphql",
  mcp: "mcp",
  db: "database",
  cache: "cache",
  files: "files",
  mail: "email",
  jobs: "jobs",
  metrics: "metrics",
};
