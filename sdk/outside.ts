/**
 * `@aiwebengine/sdk` where no engine is: under plain Bun, Deno, Node or a bundler. What makes answers works; a registration
 * is checked by nobody and only comes back; what needs an engine says so. Inside an engine the realm's own take its place.
 */
import { ProblemError } from "./errors.ts";
import type * as Sdk from "./script.ts";

type Init = Parameters<typeof Sdk.json>[1];

function needsEngine(what: string): never {
  throw new ProblemError(
    "not_in_invocation",
    `${what} needs an engine: this script runs without one. Serve it with \`aiwebengine serve\`, or leave the call out.`,
  );
}

function answer(body: string, type: string, init: Init = {}): Response {
  const headers = new Headers(init.headers);
  if (!headers.has("content-type")) headers.set("content-type", type);
  return new Response(body, { ...init, headers });
}

export const json: typeof Sdk.json = (value, init) => answer(JSON.stringify(value) ?? "null", "application/json", init);
export const text: typeof Sdk.text = (body, init) => answer(String(body), "text/plain;charset=utf-8", init);
export const html: typeof Sdk.html = (body, init) => answer(String(body), "text/html;charset=utf-8", init);

export const redirect: typeof Sdk.redirect = (url, status = 302) => {
  if (![301, 302, 303, 307, 308].includes(status))
    throw new RangeError("redirect(url, status): status must be 301, 302, 303, 307 or 308.");
  return new Response(null, { status, headers: { location: String(url) } });
};

class HttpErrorOutside extends Error {
  override readonly name: string = "HttpError";
  readonly status: number;
  readonly code: string | undefined;
  constructor(status: number, message = "", options: Sdk.HttpErrorOptions = {}) {
    if (!Number.isInteger(status) || status < 400 || status > 599)
      throw new RangeError("new HttpError(status, message): status must be a whole number from 400 to 599.");
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.code = options.code;
  }
}
export const HttpError: typeof Sdk.HttpError = HttpErrorOutside;

function registration(pattern: string, ...rest: readonly unknown[]): object {
  const space = pattern.indexOf(" ");
  const [first, second, third] = rest;
  const withOptions = typeof first === "object" && first !== null;
  const named = space < 0 ? undefined : pattern.slice(0, space);
  const method = named ?? (withOptions ? ((first as { method?: string }).method ?? third) : second) ?? "GET";
  return Object.freeze({ kind: "http", method: String(method).toUpperCase(), path: pattern.slice(space + 1) });
}
export const registerWebHandler = registration as typeof Sdk.registerWebHandler;
export const register: typeof Sdk.register = registerWebHandler;
export const registerMiddleware: typeof Sdk.registerMiddleware = () => {};
export const registerMessageHandler: typeof Sdk.registerMessageHandler = () => {};
export const registerToolHandler: typeof Sdk.registerToolHandler = () => {};
export const registerMCPTool: typeof Sdk.registerToolHandler = registerToolHandler;
export const registerPromptHandler: typeof Sdk.registerPromptHandler = () => {};
export const registerMCPPrompt: typeof Sdk.registerPromptHandler = registerPromptHandler;
export const registerResourceHandler: typeof Sdk.registerResourceHandler = () => {};
export const registerMCPResource: typeof Sdk.registerResourceHandler = registerResourceHandler;
export const registerWebStream: typeof Sdk.registerWebStream = () => {};
export const registerWebSocket: typeof Sdk.registerWebSocket = () => {};
export const registerQueryHandler: typeof Sdk.registerQueryHandler = () => {};
export const registerMutationHandler: typeof Sdk.registerMutationHandler = () => {};
export const registerSubscriptionHandler: typeof Sdk.registerSubscriptionHandler = () => {};
export const registerGraphQLQuery: typeof Sdk.registerGraphQLQuery = () => {};
export const registerGraphQLMutation: typeof Sdk.registerGraphQLMutation = () => {};
export const registerGraphQLSubscription: typeof Sdk.registerGraphQLSubscription = () => {};
export const registerFieldHandler: typeof Sdk.registerFieldHandler = () => {};
export const registerType: typeof Sdk.registerType = () => {};

/* oxlint-disable no-console -- there is no other log */
export const log: typeof Sdk.log = {
  debug: (message, data) => console.debug(message, ...(data === undefined ? [] : [data])),
  info: (message, data) => console.info(message, ...(data === undefined ? [] : [data])),
  warn: (message, data) => console.warn(message, ...(data === undefined ? [] : [data])),
  error: (message, data) => console.error(message, ...(data === undefined ? [] : [data])),
};
/* oxlint-enable no-console */

export const config: typeof Sdk.config = Object.freeze({});

export const render: typeof Sdk.render = () => needsEngine("render()");
export const waitUntil: typeof Sdk.waitUntil = () => needsEngine("waitUntil()");

/** Every member, whatever it is called, is refused when it is used and not when the script is imported. */
function absent<T extends object>(refuse: (member: string) => unknown): T {
  // Promises and printers ask any object for these.
  const get = (_: unknown, member: string | symbol): unknown =>
    typeof member === "symbol" || member === "then" ? undefined : refuse(member);
  return new Proxy(Object.freeze({}), { get }) as T;
}

export const limits: typeof Sdk.limits = absent((member) => needsEngine(`limits.${member}`));

const service = (name: string): never => absent<never>((method) => async () => needsEngine(`${name}.${method}()`));

export const kv: typeof Sdk.kv = service("kv");
export const messages: typeof Sdk.messages = service("messages");
export const sendMessage: typeof Sdk.sendMessage = async () => needsEngine("sendMessage()");
export const streams: typeof Sdk.streams = service("streams");
export const sendStreamMessage: typeof Sdk.sendStreamMessage = async () => needsEngine("sendStreamMessage()");
export const graphql: typeof Sdk.graphql = service("graphql");
export const executeGraphQL: typeof Sdk.executeGraphQL = async () => needsEngine("executeGraphQL()");
export const sendSubscriptionMessage: typeof Sdk.sendSubscriptionMessage = async () =>
  needsEngine("sendSubscriptionMessage()");
export const secrets: typeof Sdk.secrets = service("secrets");
export const mcp: typeof Sdk.mcp = service("mcp");
