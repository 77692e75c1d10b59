/** The typed client at run time: which request a call is, and what becomes of the answer. */
import { describe, expect, test } from "bun:test";
import { registerWebHandler } from "../../sdk/outside.ts";
import { ApiError, createClient } from "../../sdk/client.ts";

const routes = {
  list: registerWebHandler("GET /notes", () => [{ id: "1" }]),
  note: registerWebHandler("GET /notes/:id", () => ({ id: "1" })),
  add: registerWebHandler("POST /notes", () => ({ id: "1" })),
  page: registerWebHandler("GET /page/:n?", () => "text"),
  file: registerWebHandler("GET /files/*", () => new Response()),
  gone: registerWebHandler("DELETE /notes/:id", () => undefined),
};
type Routes = typeof routes;

function clientOf(answer: (request: Request) => Response = () => Response.json(null), base = "https://a.example") {
  const sent: Request[] = [];
  const api = createClient<Routes>(base, {
    headers: async () => ({ authorization: "Bearer t", "x-a": "common" }),
    fetch: async (request) => {
      sent.push(request);
      return answer(request);
    },
  });
  return { api, sent, last: () => sent.at(-1)! };
}

describe("a call is a request", () => {
  test.each([
    ["https://a.example", { id: "1" }, "https://a.example/notes/1"],
    ["https://a.example/base/", { id: "a b/c?d#e" }, "https://a.example/base/notes/a%20b%2Fc%3Fd%23e"],
    ["https://a.example/base?x=1#y", { id: "ä" }, "https://a.example/base/notes/%C3%A4?x=1"],
  ])("of %s with %j to %s", async (base, params, url) => {
    const { api, last } = clientOf(undefined, base);
    await api("GET /notes/:id", { params });
    expect(last().url).toBe(url);
    expect(last().method).toBe("GET");
  });

  test("an optional parameter may be absent, and a tail keeps its slashes", async () => {
    const { api, sent } = clientOf();
    await api("GET /page/:n?");
    await api("GET /page/:n?", { params: { n: "2" } });
    await api("GET /files/*", { params: { "*": "a/b c.txt" } });
    await api("GET /files/*", { params: { "*": "" } });
    expect(sent.map(({ url }) => new URL(url).pathname)).toEqual(["/page", "/page/2", "/files/a/b%20c.txt", "/files/"]);
  });

  test("no parameter leads to another route", async () => {
    const { api, sent } = clientOf();
    for (const id of ["..", "."]) {
      await expect(api("GET /notes/:id", { params: { id } })).rejects.toThrow("no address can carry it");
      await expect(api("GET /files/*", { params: { "*": `a/${id}/b` } })).rejects.toThrow("no address can carry it");
    }
    await expect(api("GET /notes/:id", { params: { id: "" } })).rejects.toThrow(
      "GET /notes/:id: params.id is missing.",
    );
    await expect(api("GET /notes/:id", {} as never)).rejects.toThrow("params.id is missing");
    await expect(api("GET /notes/:toString" as never, { params: {} } as never)).rejects.toThrow(
      "params.toString is missing",
    );
    await expect(api("GET /notes/:id", { params: { id: {} } } as never)).rejects.toThrow("must be a text");
    expect(sent).toEqual([]);
  });

  test("a query has each value of a list, and nothing for undefined", async () => {
    const { api, last } = clientOf();
    await api("GET /notes", { query: { a: ["1", 2, true], b: undefined, c: new Date(0), d: "&=" } });
    expect(new URL(last().url).search).toBe("?a=1&a=2&a=true&c=1970-01-01T00%3A00%3A00.000Z&d=%26%3D");
  });

  test("a body is JSON, unless it is one that fetch knows", async () => {
    const { api, sent } = clientOf();
    const form = new FormData();
    form.set("a", "1");
    const bodies: unknown[] = [
      { a: 1 },
      "text",
      null,
      form,
      new URLSearchParams({ a: "1" }),
      new Blob(["b"]),
      new Uint8Array([98]),
    ];
    for (const body of bodies) await api("POST /notes", { body });
    await api("POST /notes", {
      body: new ReadableStream({ start: (c) => (c.enqueue(new Uint8Array([98])), c.close()) }),
    });
    await api("POST /notes", {});
    const types = sent.map(({ headers }) => headers.get("content-type")?.split(";")[0] ?? null);
    expect(types.slice(0, 5)).toEqual([
      "application/json",
      "application/json",
      "application/json",
      "multipart/form-data",
      "application/x-www-form-urlencoded",
    ]);
    const texts = await Promise.all(sent.map((request) => request.text()));
    expect([...texts.slice(0, 3), ...texts.slice(4)]).toEqual(['{"a":1}', '"text"', "null", "a=1", "b", "b", "b", ""]);
  });

  test("headers of the call stand over those of the client", async () => {
    const { api, last } = clientOf();
    await api("POST /notes", {
      headers: { "x-a": "own", "x-b": undefined, "content-type": "application/x+json" },
      body: 1,
    });
    expect(Object.fromEntries(last().headers)).toEqual({
      authorization: "Bearer t",
      "x-a": "own",
      "content-type": "application/x+json",
    });
  });

  test("what is no route is refused before anything is sent", async () => {
    const { api, sent } = clientOf();
    for (const route of ["/notes", "get /notes", "ANY /notes", "GET notes", "GET https://b.example/"])
      await expect((api as unknown as (route: string) => Promise<unknown>)(route)).rejects.toThrow(
        `api("${route}"): a route is a method and a path`,
      );
    expect(sent).toEqual([]);
  });

  test("an aborted call is rejected with the signal's reason", async () => {
    using server = Bun.serve({ port: 0, fetch: () => new Promise<Response>(() => {}) });
    const api = createClient<Routes>(server.url);
    const control = new AbortController();
    const call = api("GET /notes", { signal: control.signal });
    control.abort(new Error("enough"));
    expect(await call.catch((error: unknown) => (error as Error).message)).toBe("enough");
    void server.stop(true);
  });
});

describe("an answer is read by its type", () => {
  const given = (answer: Response): Promise<unknown> => clientOf(() => answer).api("GET /notes");

  test("JSON, text, bytes and nothing", async () => {
    expect(await given(Response.json({ a: [1] }))).toEqual({ a: [1] });
    expect(await given(new Response('{"a":1}', { headers: { "content-type": "application/hal+json" } }))).toEqual({
      a: 1,
    });
    expect(await given(new Response("<p>", { headers: { "content-type": "text/html" } }))).toBe("<p>");
    const blob = await given(new Response("x", { headers: { "content-type": "application/octet-stream" } }));
    expect(await (blob as Blob).text()).toBe("x");
    expect(await given(new Response(null, { status: 204 }))).toBeUndefined();
    expect(await given(new Response("", { headers: { "content-type": "application/json" } }))).toBeUndefined();
  });

  test("what calls itself JSON and is none is named", async () => {
    const answer = new Response("<html>", { headers: { "content-type": "application/json" } });
    await expect(given(answer)).rejects.toThrow("GET /notes answered what is no JSON");
  });

  test("`response` gives it unread", async () => {
    const { api } = clientOf(() => Response.json(1, { status: 201, headers: { "x-b": "2" } }));
    const answer = await api.response("GET /notes");
    expect([answer.status, answer.headers.get("x-b"), await answer.json()]).toEqual([201, "2", 1]);
  });
});

describe("a failure is an error with a code", () => {
  const failure = async (answer: Response): Promise<ApiError> => {
    const end = await clientOf(() => answer)
      .api("GET /notes")
      .then(
        () => "no failure",
        (error: unknown) => error,
      );
    expect(end).toBeInstanceOf(ApiError);
    return end as ApiError;
  };

  test("of the problem that was sent", async () => {
    const errors = [{ path: "/body/a", message: "must be a number", expected: "a number" }];
    const problem = { status: 422, code: "invalid_input", detail: "It does not fit.", id: "i-1", errors };
    const error = await failure(
      new Response(JSON.stringify(problem), {
        status: 422,
        headers: { "content-type": "application/problem+json", "retry-after": "3" },
      }),
    );
    expect(error).toMatchObject({ name: "ApiError", ...problem, body: problem });
    expect(error.message).toBe("GET /notes answered 422 invalid_input: It does not fit.");
    expect(error.headers.get("retry-after")).toBe("3");
  });

  test("of its own where the answer is no problem document", async () => {
    const plain = await failure(
      new Response("no", { status: 404, headers: { "x-request-id": "i-2", "content-type": "text/plain" } }),
    );
    expect([plain.code, plain.id, plain.body, plain.message]).toEqual([
      "http_404",
      "i-2",
      "no",
      "GET /notes answered 404 http_404",
    ]);
    const json = await failure(Response.json({ code: "mine" }, { status: 409 }));
    expect([json.code, json.body]).toEqual(["http_409", { code: "mine" }]);
    const broken = await failure(
      new Response("{", { status: 500, headers: { "content-type": "application/problem+json" } }),
    );
    expect([broken.code, broken.body]).toEqual(["http_500", undefined]);
    expect((await failure(new Response(null, { status: 304 }))).code).toBe("http_304");
  });
});
