/** `@aiwebengine/sdk` without an engine answers as the realm does, and refuses what only an engine has. */
import { expect, spyOn, test } from "bun:test";
import { POINTS_OF_PLUGINS, SDK_NAMES, SERVICES_OF_PLUGINS } from "../../core/isolate/realm/sdk-names.ts";
import { committedDeclarations } from "../../sdk/package/declarations.ts";
import * as outside from "../../sdk/outside.ts";

const { HttpError, html, json, kv, limits, log, redirect, register, registerWebHandler, text, waitUntil } = outside;

const shown = async (answer: Response): Promise<readonly unknown[]> => [
  answer.status,
  answer.headers.get("content-type"),
  await answer.text(),
];

test("it exports what a realm exports, and what the declarations say", async () => {
  const files = await committedDeclarations();
  const declared = ["script", "context", "limits", "services"].flatMap((name) =>
    [...files.get(`${name}.d.ts`)!.matchAll(/^export declare (?:const|function|class) (\w+)/gm)].map(
      ([, value]) => value!,
    ),
  );
  const names = Object.keys(outside);
  expect([...new Set(declared)].sort()).toEqual(names.sort());
  const ofPlugins = [...Object.keys(POINTS_OF_PLUGINS), ...Object.keys(SERVICES_OF_PLUGINS)];
  expect(names).toEqual(expect.arrayContaining([...SDK_NAMES]));
  // Plugins that are not there yet have their names reserved in the realm, and none here.
  for (const name of names) expect([...SDK_NAMES, ...ofPlugins]).toContain(name);
});

test("answers have their type, a status and headers of their own", async () => {
  expect(await shown(json({ a: 1 }, { status: 201 }))).toEqual([201, "application/json", '{"a":1}']);
  expect(await shown(json(undefined))).toEqual([200, "application/json", "null"]);
  expect(await shown(text("ä"))).toEqual([200, "text/plain;charset=utf-8", "ä"]);
  expect(await shown(html("<p>", { headers: { "content-type": "text/html", "x-a": "1" } }))).toEqual([
    200,
    "text/html",
    "<p>",
  ]);
  const away = redirect(new URL("https://a.example/x"), 308);
  expect([away.status, away.headers.get("location")]).toEqual([308, "https://a.example/x"]);
  expect(redirect("/").status).toBe(302);
  expect(() => redirect("/", 200 as 301)).toThrow("status must be 301");
});

test("an HttpError carries what the realm's carries", () => {
  const error = new HttpError(404, "No such note.", { code: "no_note", cause: 1 });
  expect([error.name, error.status, error.code, error.message, error.cause]).toEqual([
    "HttpError",
    404,
    "no_note",
    "No such note.",
    1,
  ]);
  expect(error).toBeInstanceOf(Error);
  for (const status of [200, 404.5, 600, "404" as never]) expect(() => new HttpError(status)).toThrow(RangeError);
});

test("a registration comes back as data, in each of its forms", () => {
  const routes = [
    registerWebHandler("POST /a/:id", () => 1),
    registerWebHandler("GET /b", { summary: "b" }, () => 1),
    registerWebHandler("/c", () => 1),
    registerWebHandler("/d", () => 1, "PUT"),
    registerWebHandler("/e", { method: "DELETE" }, () => 1),
    register("/f", "named", "POST"),
  ];
  expect(routes.map(({ kind, method, path }) => `${kind} ${method} ${path}`)).toEqual([
    "http POST /a/:id",
    "http GET /b",
    "http GET /c",
    "http PUT /d",
    "http DELETE /e",
    "http POST /f",
  ]);
  expect(register).toBe(registerWebHandler);
  expect(outside.registerMiddleware(() => {})).toBeUndefined();
  expect(outside.registerMessageHandler("paid", () => {})).toBeUndefined();
  expect(outside.registerMCPTool("sum", {}, () => {})).toBeUndefined();
  expect(outside.registerMCPPrompt("ask", {}, () => "")).toBeUndefined();
  expect(outside.registerMCPResource("notes://all", {}, () => "")).toBeUndefined();
});

test("what needs an engine is refused when it is used, with a code and a way out", async () => {
  const refused = expect.objectContaining({
    code: "not_in_invocation",
    message: expect.stringContaining("aiwebengine serve"),
  });
  await expect(kv.get("a")).rejects.toEqual(refused);
  await expect(kv.set("a", 1)).rejects.toEqual(refused);
  await expect(outside.sendMessage("paid", 1)).rejects.toEqual(refused);
  await expect(outside.messages.send("paid", 1)).rejects.toEqual(refused);
  expect(() => limits.wallMs).toThrow("limits.wallMs needs an engine");
  expect(() => waitUntil(Promise.resolve())).toThrow("waitUntil() needs an engine");
  expect(outside.config).toEqual({});
  // Awaited or printed by mistake, it says nothing.
  expect(await (kv as unknown as Promise<unknown>)).toBe(kv as never);
  expect(Bun.inspect(kv)).toBeString();
});

test("log writes to the console", () => {
  for (const level of ["debug", "info", "warn", "error"] as const) {
    const written = spyOn(console, level).mockImplementation(() => {});
    log[level]("hello", { a: 1 });
    log[level]("hello");
    expect(written.mock.calls).toEqual([["hello", { a: 1 }], ["hello"]]);
    written.mockRestore();
  }
});
