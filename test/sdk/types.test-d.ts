/** What the SDK's types infer and refuse; `bun check` is the test, nothing here runs. */
import {
  HttpError,
  json,
  kv,
  limits,
  log,
  redirect,
  register,
  registerMCPTool,
  registerMessageHandler,
  registerMiddleware,
  registerPromptHandler,
  registerResourceHandler,
  registerSubscriptionHandler,
  registerToolHandler,
  registerWebHandler,
  sendMessage,
  sendSubscriptionMessage,
  type Context,
  type FetchHandler,
  type JsonForm,
  type OutputOf,
  type PathParams,
  type Registration,
} from "@aiwebengine/sdk";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(yes: Same<A, B>): void;
type In<R> = R extends Registration<string, string, infer I, unknown> ? I : never;
type Out<R> = R extends Registration<string, string, unknown, infer O> ? O : never;

// Parameters come from the path.
same<PathParams<"/notes/:id">, { readonly id: string }>(true);
same<PathParams<"/a/:b/c/:d?">, { readonly b: string; readonly d?: string }>(true);
same<PathParams<"/files/*">, { readonly "*": string }>(true);
same<PathParams<"/">, {}>(true);

registerWebHandler("GET /notes/:id", ({ params }) => params.id.toUpperCase());
// @ts-expect-error the path names no such parameter
registerWebHandler("GET /notes/:id", ({ params }) => params.nope);
// @ts-expect-error an optional parameter may be absent
registerWebHandler("GET /notes/:id?", ({ params }) => params.id.length);
registerWebHandler("GET /files/*", ({ params }) => params["*"].length);

// Body, query and params come from their definitions.
const add = registerWebHandler(
  "POST /notes/:id",
  { body: { text: "string <= 280", "tags?": "string[]", stars: "number = 0" }, query: { limit: "number.integer" } },
  ({ params, body, query }) => {
    same<string, typeof body.text>(true);
    same<string[] | undefined, typeof body.tags>(true);
    same<number, typeof body.stars>(true);
    same<number, typeof query.limit>(true);
    return { id: params.id, at: new Date(), text: body.text };
  },
);
same<Out<typeof add>, { id: string; at: string; text: string }>(true);
same<In<typeof add>["params"], { readonly id: string }>(true);
same<In<typeof add>["body"], { text: string; tags?: string[]; stars?: number }>(true);
same<In<typeof add>["query"], { limit: number }>(true);
same<(typeof add)["method"], "POST">(true);
same<(typeof add)["path"], "/notes/:id">(true);

// @ts-expect-error the schema has no such field
registerWebHandler("POST /a", { body: { text: "string" } }, ({ body }) => body.txt);
// @ts-expect-error the option does not exist
registerWebHandler("POST /a", { bdy: { text: "string" } }, () => "");
// @ts-expect-error "strin" is no type
registerWebHandler("POST /a", { body: { text: "strin" } }, () => "");
// @ts-expect-error the pattern needs a method that exists
registerWebHandler("FETCH /a", () => "");
// @ts-expect-error a path starts with a slash
registerWebHandler("a", () => "");
// @ts-expect-error without a schema the body is unknown
registerWebHandler("POST /a", ({ body }) => body.text);
// @ts-expect-error the context has no database in this version
registerWebHandler("GET /a", ({ db }) => db);
registerWebHandler("GET /p/:n", { params: { n: "number.integer" } }, ({ params }) => params.n.toFixed());

// The answer is held to its schema.
registerWebHandler("GET /a", { response: { n: "number" } }, () => ({ n: 1 }));
registerWebHandler("GET /a", { response: { n: "number" } }, async () => json({ n: 1 }, { status: 201 }));
// @ts-expect-error n must be a number
registerWebHandler("GET /a", { response: { n: "number" } }, () => ({ n: "1" }));

// The older forms, and the alias.
const old = register("/send/:to", ({ params }) => params.to, "POST");
same<(typeof old)["method"], "POST">(true);
register("/send", "sendUpdate", "POST");
register("/send", "sendUpdate");
const get = registerWebHandler("/x", ({ method }) => method);
same<(typeof get)["method"], "GET">(true);
const put = registerWebHandler("/x/:id", { method: "PUT", body: { n: "number" } }, ({ params, body }) => [
  params.id,
  body.n,
]);
same<(typeof put)["method"], "PUT">(true);
// @ts-expect-error no such method
registerWebHandler("/x", () => "", "FETCH");

// What a caller reads.
same<OutputOf<string>, string>(true);
same<OutputOf<undefined>, undefined>(true);
same<OutputOf<{ status: 201; body: { a: Date } }>, { a: string }>(true);
const made = registerWebHandler("GET /j", () => json({ a: 1 }, { status: 201 }));
same<Out<typeof made>, { a: number }>(true);
same<OutputOf<{ status: 201; extra: 1 }>, { status: 201; extra: 1 }>(true);
same<OutputOf<{ status: 204 }>, unknown>(true);
same<OutputOf<Uint8Array>, Blob>(true);
same<OutputOf<AsyncGenerator<number>>, string>(true);
same<JsonForm<{ a: Map<string, number>; b: Set<number>; c?: RegExp }>, { a: {}; b: {}; c?: {} }>(true);
same<JsonForm<{ a: Date; f: () => void; l: [undefined, 1] }>, { a: string; l: [null, 1] }>(true);

// Services and the rest.
export async function usesAll(context: Context): Promise<unknown> {
  const count: number = await kv.increment("visits", 1, { ttlMs: 1000 });
  const value = await context.kv.get<{ n: number }>("x");
  const page = await context.kv.list({ prefix: "a/", limit: 10, after: "a/1" });
  const swapped: boolean = await kv.compareAndSet("x", null, { n: 1 });
  // @ts-expect-error no such option
  await kv.set("x", 1, { ttl: 1 });
  log.info("visited", { count });
  context.cookies.set("a", "b", { sameSite: "Lax", maxAge: 60 });
  context.waitUntil(Promise.resolve());
  if (context.user !== null) throw new HttpError(403, "No.", { code: "no", errors: [{ path: "/a", message: "no" }] });
  // @ts-expect-error 200 is no redirect
  redirect("/", 200);
  return [value?.n, page.next, swapped, limits.wallMs, context.signal.aborted];
}

// Middleware and messages.
registerMiddleware(async ({ headers }, next) => {
  const answer = await next();
  answer.headers.set("x-from", headers.get("x-from") ?? "");
});
registerMiddleware("byName");
// @ts-expect-error it takes one function
registerMiddleware("/admin", () => {});
registerMessageHandler("paid", ({ payload, kind, kv }) => [same<unknown, typeof payload>(true), kind, kv]);
registerMessageHandler("paid", { input: { cents: "number" } }, ({ payload }) => payload.cents.toFixed());
// @ts-expect-error "nmber" is no type
registerMessageHandler("paid", { input: { cents: "nmber" } }, () => {});
// @ts-expect-error a message is no request
registerMessageHandler("paid", ({ request }) => request);
// @ts-expect-error no such option
registerMessageHandler("paid", { schema: "string" }, () => {});
export async function tells({ messages }: Context): Promise<number> {
  const { delivered, failed } = await messages.send({ script: "orders", name: "paid" }, { cents: 1 });
  return delivered + failed + (await sendMessage("orders/paid")).failed;
}

// Tools, prompts and resources of agents.
registerToolHandler("sum", { input: { a: "number", "b?": "string" }, output: { c: "number" } }, ({ args }) => [
  same<{ a: number; b?: string }, typeof args>(true),
]);
registerMCPTool("now", { annotations: { readOnlyHint: true } }, ({ args, kv }) => [args["x"], kv]);
registerToolHandler("named", { description: "By its name." }, "named");
// @ts-expect-error "nmber" is no type
registerToolHandler("sum", { input: { a: "nmber" } }, () => {});
// @ts-expect-error no such hint
registerToolHandler("sum", { annotations: { harmless: true } }, () => {});
registerPromptHandler("ask", { arguments: { tone: "'a' | 'b'" } }, ({ args }) => [
  same<{ tone: "a" | "b" }, typeof args>(true),
]);
registerResourceHandler("notes://{id}", { mimeType: "text/plain" }, ({ args }) => args["id"]);

// Subscriptions.
registerSubscriptionHandler("plain: Int");
registerSubscriptionHandler("named: Int", "named");
registerSubscriptionHandler<{ room: string }>("said(room: ID!): Int", ({ args, headers, cookies, kv }) => {
  same<{ room: string }, typeof args>(true);
  void [headers.get("x"), cookies.get("x"), kv];
  return { room: args.room, roles: ["reader"] };
});
registerSubscriptionHandler("typed", { args: { a: "number" }, returns: { n: "number" } }, async function* ({ args }) {
  yield { n: args.a };
});
registerSubscriptionHandler("asked", { returns: "number" }, async () => true);
// @ts-expect-error an event is no text
registerSubscriptionHandler("typed", { returns: "number" }, async function* () {
  yield "text";
});
// @ts-expect-error an object of objects is no criteria
registerSubscriptionHandler("said: Int", () => ({ room: { id: 1 } }));
// @ts-expect-error a request that subscribes has no body
registerSubscriptionHandler("said: Int", ({ body }) => body);
export async function says({ graphql }: Context): Promise<number> {
  const { delivered } = await graphql.send("said", { any: 1 }, { overlap: { room: "7", roles: ["a", 1] } });
  // @ts-expect-error a filter is an object
  await sendSubscriptionMessage("said", 1, "room");
  return delivered + (await sendSubscriptionMessage("said", 1)).failed;
}

export const worker: FetchHandler = {
  fetch: (request, _env, { waitUntil }) => (waitUntil(Promise.resolve()), request.url),
};
