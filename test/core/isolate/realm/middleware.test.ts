/** `registerMiddleware`: around a script's own web handlers, before its schemas, in the order of registration. */
import { expect, test } from "bun:test";
import { Scripted, type ScriptedOptions } from "./scripted.ts";

const OBJECT = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };

async function answer(code: string, request: Parameters<Scripted["request"]>[1] = {}, options: ScriptedOptions = {}) {
  const scripted = new Scripted();
  const list = await scripted.registered(code, { form: "classic", ...options });
  const web = list.findIndex(({ fn }) => fn !== "registerMiddleware");
  return { ...(await scripted.request(web, request)), logs: scripted.logs };
}

test("the first registered is the outermost, and changes what is inside", async () => {
  const { body, headers, status } = await answer(`
    registerMiddleware(async (context, next) => {
      context.state.trail = ["a"];
      const response = await next();
      response.headers.set("x-trail", context.state.trail.join());
      return response;
    });
    register("/x", (context) => { context.state.trail.push("handler"); return { ok: true }; });
    registerMiddleware("second");
    async function second(context, next) {
      context.state.trail.push("b");
      const response = await next();
      context.state.trail.push("B");
      return new Response((await response.text()).toUpperCase(), { status: 202, headers: response.headers });
    }
    expose({ second });
  `);
  expect([status, body]).toEqual([202, '{"OK":TRUE}']);
  expect(headers).toContain('"x-trail","a,b,handler,B"');
  expect(headers).toContain('"content-type","application/json"');
});

const values: readonly [value: string, status: number, type: string, body: string][] = [
  ['"text"', 200, "text/plain;charset=utf-8", "text"],
  ["undefined", 204, "", ""],
  ["({ a: 1 })", 200, "application/json", '{"a":1}'],
  ["({ status: 201, body: 'made' })", 201, "text/plain;charset=utf-8", "made"],
  ["new Uint8Array([65, 66])", 200, "application/octet-stream", "AB"],
  ["new Response('r', { status: 418, headers: { 'content-type': 'x/y' } })", 418, "x/y", "r"],
  ["redirect('/else')", 302, "", ""],
  ["(async function* () { yield 'one '; yield { two: 2 }; })()", 200, "text/plain;charset=utf-8", 'one {"two":2}\n'],
];
for (const [value, status, type, body] of values) {
  test(`${value} arrives as the same answer as without middleware`, async () => {
    const handler = `register("/x", () => ${value});`;
    const passed = await answer(
      `registerMiddleware(async (c, next) => { const r = await next(); r.headers.set("x-seen", String(r.status)); return r; }); ${handler}`,
    );
    expect([passed.status, passed.body]).toEqual([status, body]);
    expect(passed.headers).toContain(`"x-seen","${status}"`);
    if (type !== "") expect(passed.headers).toContain(`"content-type","${type}"`);
    const plain = await answer(handler);
    expect([plain.status, plain.body]).toEqual([status, body]);
  });
}

test("a middleware that gives back nothing passes the answer on", async () => {
  expect(
    await answer('registerMiddleware(async (c, next) => { await next(); }); register("/x", () => "h");'),
  ).toMatchObject({ status: 200, body: "h" });
});

test("a middleware that does not call next() answers alone, before any schema", async () => {
  const code = `
    registerMiddleware(({ query, body }) => query.pass ? undefined : { status: 401, body: "no " + body.n });
    register("POST /x", () => "reached");`;
  const schemas = { "1": { body: OBJECT } };
  const { status, body } = await answer(
    code.replace("register(", "registerWebHandler("),
    { method: "POST", body: '{"n":"x"}' },
    { schemas },
  );
  expect([status, body]).toEqual([401, "no x"]);
});

test("what the handler or its schemas throw is what next() rejects with", async () => {
  const around = `registerMiddleware(async (c, next) => {
    try { return await next(); } catch (error) { return { status: 200, body: error.status + " " + error.code + " " + error.message }; }
  });`;
  const thrown = await answer(`${around} register("/x", () => { throw new HttpError(409, "taken", { code: "t" }); });`);
  expect(thrown.body).toBe("409 t taken");
  const invalid = await answer(
    `${around} registerWebHandler("POST /x", () => 1);`,
    { method: "POST", body: "{}" },
    { schemas: { "1": { body: OBJECT } } },
  );
  expect(invalid.body).toBe("422 invalid_input The request does not fit the route's schema.");
});

test("what nobody caught ends the invocation as it would without middleware", async () => {
  const pass = "registerMiddleware((c, next) => next());";
  const { failure } = await answer(
    `${pass} registerWebHandler("POST /x", () => 1);`,
    { method: "POST", body: "{}" },
    { schemas: { "1": { body: OBJECT } } },
  );
  expect(failure).toMatchObject({ kind: "input", errors: [expect.objectContaining({ path: "/body/n" })] });
  expect((await answer(`${pass} register("/x", () => { throw new HttpError(404, "gone"); });`)).failure).toMatchObject({
    kind: "http",
    status: 404,
  });
});

test("next() can be called once", async () => {
  const { failure } = await answer(
    'registerMiddleware(async (c, next) => { await next(); return next(); }); register("/x", () => "h");',
  );
  expect(failure?.message).toBe("A middleware calls next() once.");
});

test("cookies that a middleware sets go out with the answer", async () => {
  const { headers } = await answer(
    'registerMiddleware((c, next) => { c.cookies.set("a", "1"); return next(); }); register("/x", () => "h");',
  );
  expect(headers).toContain('"set-cookie","a=1');
});

test("the fetch form is inside the middleware, too", async () => {
  const { body } = await answer(
    "exports.default = { fetch: (request) => new Response(request.method) };" +
      'globalThis[Symbol.for("aiwebengine.sdk")].registerMiddleware(async (c, next) => "<" + await (await next()).text() + ">");',
    {},
    { form: "module" },
  );
  expect(body).toBe("<GET>");
});

test("a response that does not fit its schema fails inside of the middleware", async () => {
  const { body } = await answer(
    'registerMiddleware(async (c, next) => { try { return await next(); } catch (e) { return e.name; } }); register("/x", () => ({ n: "x" }));',
    {},
    { dev: true, schemas: { "1": { response: OBJECT } } },
  );
  expect(body).toBe("TypeError");
});

for (const [what, code] of [
  ["nothing", "registerMiddleware()"],
  ["an object", "registerMiddleware({})"],
  ["a path", 'registerMiddleware("/x", () => 1)'],
] as const) {
  test(`registerMiddleware refuses ${what}`, async () => {
    await expect(new Scripted().registered(code, { form: "classic" })).rejects.toThrow(
      /bad_registration: .*\(context, next\)/,
    );
  });
}
