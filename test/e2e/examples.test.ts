/** The examples in `scripts/`, run by the engine's binary: what the docs show is what works. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type Engine } from "./engine.ts";
import { readExamples, whenLoaded } from "./examples.ts";

const CONFIG = `
[fetch]
allowHosts = ["127.0.0.1"]

[scripts.spin.limits]
wallMs = 1500
uninterruptedMs = 200
`;

let engine: Engine;
beforeAll(async () => {
  const scripts = await readExamples();
  engine = await startEngine({ scripts, config: CONFIG });
  await whenLoaded(engine, scripts);
}, 30_000);
afterAll(() => engine?.stop());

interface Problem {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly id: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly limit?: { readonly name: string; readonly key: string; readonly value: number };
}

async function problem(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body = (await response.json()) as Problem;
  expect(body.status).toBe(response.status);
  expect(body.id).toBe(response.headers.get("x-request-id") as string);
  return body;
}

function post(path: string, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return engine.fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
}

describe("hello", () => {
  test("answers text", async () => {
    const response = await engine.fetch("/hello");
    expect(response.headers.get("content-type")).toBe("text/plain;charset=utf-8");
    expect(await response.text()).toBe("Hello, world");
  });
  test("takes a parameter, decoded", async () => {
    expect(await (await engine.fetch("/hello/Ada%20%C3%A9")).text()).toBe("Hello, Ada é");
  });
  test("answers HEAD without a body, and other methods with 405", async () => {
    const head = await engine.fetch("/hello", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const put = await engine.fetch("/hello", { method: "PUT" });
    expect((await problem(put)).code).toBe("method_not_allowed");
    expect(put.headers.get("allow")).toContain("GET");
  });
});

describe("updates", () => {
  test("sends what is posted to who listens, as the ancestor's did", async () => {
    const events = await engine.fetch("/events", { headers: { accept: "text/event-stream" } });
    const reader = (events.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    const read = async (): Promise<string> => decoder.decode((await reader.read()).value, { stream: true });
    expect(await read()).toStartWith(": open");
    expect(await (await engine.fetch("/send-update", { method: "POST" })).text()).toBe("Message sent");
    let text = "";
    while (!text.includes("data: ")) text += await read();
    expect(text).toContain('"message":"Hello from stream!"');
    await reader.cancel();
  });
});

describe("menu", () => {
  test("is a page of a layout and parts, escaped, with its style sheet beside it", async () => {
    const page = await engine.fetch("/menu?day=friday");
    expect(page.headers.get("content-type")).toBe("text/html;charset=utf-8");
    const html = await page.text();
    expect(html).toStartWith("<!doctype html>");
    expect(html).toContain("<h1>Menu of friday</h1>");
    expect(html).toContain("<li>Fish &lt;of the day&gt; <b>12.00</b></li>");
    expect(await (await engine.fetch("/menu")).text()).toContain('<li class="hot">Dan dan noodles <b>9.00</b></li>');
    const style = await engine.fetch("/menu/style.css");
    expect(style.headers.get("content-type")).toBe("text/css;charset=utf-8");
  });
  test("knows no day that an object's prototype has", async () => {
    expect((await engine.fetch("/menu?day=constructor")).status).toBe(404);
  });
});

describe("notes", () => {
  test("keeps, lists page by page, reads and removes", async () => {
    const ids: string[] = [];
    for (const text of ["one", "two", "three"]) {
      const response = await post("/notes", { text });
      expect(response.status).toBe(201);
      const note = (await response.json()) as { id: string };
      expect(note).toEqual({ id: note.id, text, tags: [] } as typeof note);
      expect(response.headers.get("location")).toBe(`/notes/${note.id}`);
      ids.push(note.id);
    }
    type Page = { notes: { text: string }[]; next: string | null };
    const first = (await (await engine.fetch("/notes?limit=2")).json()) as Page;
    expect(first.notes.map((note) => note.text)).toEqual(["one", "two"]);
    const second = (await (await engine.fetch(`/notes?limit=2&after=${first.next}`)).json()) as Page;
    expect([second.notes.map((note) => note.text), second.next]).toEqual([["three"], null]);

    expect(((await (await engine.fetch(`/notes/${ids[0]}`)).json()) as { text: string }).text).toBe("one");
    expect((await engine.fetch(`/notes/${ids[0]}`, { method: "DELETE" })).status).toBe(204);
    const gone = await problem(await engine.fetch(`/notes/${ids[0]}`));
    expect([gone.code, gone.detail]).toEqual(["not_found", `There is no note ${ids[0]}.`]);
  });

  const refused: readonly [what: string, act: () => Promise<Response>, errors: readonly string[]][] = [
    ["an empty text", () => post("/notes", { text: "" }), ["/body/text must be at least 1 character long (was 0)"]],
    [
      "a long text",
      () => post("/notes", { text: "x".repeat(281) }),
      ["/body/text must be at most 280 characters long (was 281)"],
    ],
    ["a missing body", () => engine.fetch("/notes", { method: "POST" }), ["/body must be an object (was missing)"]],
    [
      "tags of the wrong kind",
      () => post("/notes", { text: "x", tags: [1] }),
      ["/body/tags/0 must be a string (was a number)"],
    ],
    [
      "a limit that is no number",
      () => engine.fetch("/notes?limit=abc"),
      ['/query/limit must be an integer (was "abc")'],
    ],
    [
      "a limit that is too high",
      () => engine.fetch("/notes?limit=1000"),
      ["/query/limit must be at most 100 (was 1000)"],
    ],
  ];
  for (const [what, act, errors] of refused) {
    test(`refuses ${what}, naming the field`, async () => {
      const body = await problem(await act());
      expect([body.status, body.code]).toEqual([422, "invalid_input"]);
      expect(body.errors?.map((error) => `${error.path} ${error.message}`)).toEqual([...errors]);
    });
  }
  test("refuses a body that is no JSON", async () => {
    const headers = { "content-type": "application/json" };
    const body = await problem(await engine.fetch("/notes", { method: "POST", headers, body: '{"text":' }));
    expect([body.status, body.code]).toEqual([400, "bad_request"]);
  });
  test("a body with __proto__ changes nothing for others", async () => {
    const headers = { "content-type": "application/json" };
    const body = '{"text":"x","__proto__":{"text":"polluted"}}';
    const note = (await (await engine.fetch("/notes", { method: "POST", headers, body })).json()) as { text: string };
    expect(note.text).toBe("x");
    expect((await problem(await post("/notes", {}))).code).toBe("invalid_input");
  });
});

describe("proxy", () => {
  test("streams: the beginning is here before the end was sent", async () => {
    const end = Promise.withResolvers<void>();
    await using upstream = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () =>
        new Response(
          new ReadableStream({
            async start(controller) {
              controller.enqueue(new TextEncoder().encode("beginning "));
              await end.promise;
              controller.enqueue(new TextEncoder().encode("end"));
              controller.close();
            },
          }),
          { status: 203, headers: { "content-type": "text/x-test", "set-cookie": "a=b" } },
        ),
    });
    const response = await engine.fetch(`/proxy?url=${encodeURIComponent(`${upstream.url.href}x`)}`);
    expect([response.status, response.headers.get("content-type")]).toEqual([203, "text/x-test"]);
    expect(response.headers.get("set-cookie")).toBeNull();
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe("beginning ");
    end.resolve();
    expect((await reader.read()).value).toBe("end");
  });
  for (const url of ["http://10.0.0.1/", "http://[::1]:1/", "http://169.254.169.254/", "http://localhost:1/"]) {
    test(`refuses ${url}`, async () => {
      expect((await problem(await engine.fetch(`/proxy?url=${encodeURIComponent(url)}`))).code).toBe("fetch_blocked");
    });
  }
  test("refuses what is no web address", async () => {
    expect((await problem(await engine.fetch("/proxy?url=file:///etc/passwd"))).code).toBe("invalid_input");
  });
});

describe("todo", () => {
  async function ask(query: string, variables: object = {}): Promise<{ data?: unknown; errors?: readonly object[] }> {
    return (await (await post("/graphql", { query, variables })).json()) as never;
  }
  test("adds, comments, finishes and lists over GraphQL", async () => {
    const { data } = await ask('mutation { addTodo(text: "Write") { id done } }');
    const { id, done } = (data as { addTodo: { id: string; done: boolean } }).addTodo;
    expect(done).toBe(false);
    for (const text of ["Soon", "Sooner"]) {
      const { errors } = await ask("mutation($id: String!, $text: String!) { comment(id: $id, text: $text) }", {
        id,
        text,
      });
      expect(errors).toBeUndefined();
    }
    expect(await ask("mutation($id: ID!) { finishTodo(id: $id) { done } }", { id })).toEqual({
      data: { finishTodo: { done: true } },
    });
    expect(await ask("{ todoCount todos(status: DONE) { text comments { text } } }")).toEqual({
      data: { todoCount: 1, todos: [{ text: "Write", comments: [{ text: "Soon" }, { text: "Sooner" }] }] },
    });
    const remove = (): Promise<object> => ask("mutation($id: ID!) { removeTodo(id: $id) }", { id });
    expect([await remove(), await remove()]).toEqual([{ data: { removeTodo: true } }, { data: { removeTodo: false } }]);
    expect(await ask("{ todoCount }")).toEqual({ data: { todoCount: 0 } });
  });
  test("counts and pages through more than kv gives at once, oldest first", async () => {
    const adding = Array.from({ length: 25 }, (_, i) => `a${i}: addTodo(text: "${i}") { id }`).join(" ");
    for (let i = 0; i < 5; i++) expect((await ask(`mutation { ${adding} }`)).errors).toBeUndefined();
    const { data } = await ask("{ todoCount todos(limit: 3) { id text } }");
    const { todoCount, todos } = data as { todoCount: number; todos: { id: string; text: string }[] };
    expect([todoCount, todos.length]).toEqual([125, 3]);
    const rest = await ask("query($after: ID) { todos(after: $after, limit: 200) { id created } }", {
      after: todos[2]?.id,
    });
    const after = (rest.data as { todos: { id: string; created: string }[] }).todos;
    expect(after).toHaveLength(122);
    expect(after.map(({ created }) => created)).toEqual(after.map(({ created }) => created).toSorted());
  });
  test("tells what is wrong with a code", async () => {
    expect((await ask('mutation { finishTodo(id: "none") { id } }')).errors).toMatchObject([
      { message: "There is no such todo.", extensions: { code: "no_such_todo" } },
    ]);
    expect((await ask('mutation { comment(id: "none", text: "") }')).errors).toMatchObject([
      { extensions: { code: "invalid_input", errors: [{ path: "/args/text" }] } },
    ]);
  });
});

describe("pages", () => {
  test("what a visitor writes is shown as text", async () => {
    const body = new URLSearchParams({ name: "<b>Eve</b>", text: `"><script>alert(1)</script>` });
    const sent = await engine.fetch("/pages", { method: "POST", body, redirect: "manual" });
    expect([sent.status, sent.headers.get("location")]).toEqual([303, "/pages"]);
    const page = await engine.fetch("/pages");
    expect(page.headers.get("content-type")).toBe("text/html;charset=utf-8");
    const html = await page.text();
    expect(html).toStartWith('<!doctype html><html lang="en">');
    expect(html).toContain("<strong>&lt;b&gt;Eve&lt;/b&gt;</strong>: &quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html).not.toContain("<script>");
  });
  test("a form is held to its schema", async () => {
    const body = new FormData();
    body.set("name", "Ada");
    const refused = await problem(await engine.fetch("/pages", { method: "POST", body }));
    expect(refused.errors?.map((error) => error.path)).toEqual(["/body/text"]);
  });
});

describe("worker", () => {
  test("gets every path and method below its name", async () => {
    const response = await engine.fetch("/worker/a/b?c=d", { method: "PATCH" });
    expect(await response.json()).toMatchObject({ method: "PATCH", path: "/worker/a/b", query: "?c=d" });
  });
  test("what waitUntil holds runs after the answer", async () => {
    const mark = engine.mark();
    await engine.fetch("/worker/later");
    expect(await engine.waitForLog(/answered \/worker\/later/, { after: mark })).toContain("worker");
  });
  test("a body goes in and out as it is", async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(65_536)) as Uint8Array<ArrayBuffer>;
    const body = new Blob([...Array(24).keys()].map(() => bytes));
    const response = await engine.fetch("/worker/echo", { method: "POST", body });
    expect(Bun.hash(await response.arrayBuffer())).toBe(Bun.hash(await body.arrayBuffer()));
  });
});

describe("spin", () => {
  test("an error is opaque to the caller and plain in the log", async () => {
    const mark = engine.mark();
    const body = await problem(await engine.fetch("/spin/throw"));
    expect([body.status, body.code]).toEqual([500, "script_failed"]);
    expect(JSON.stringify(body)).not.toContain("thrown on request");
    const line = await engine.waitForLog(/thrown on request/, { after: mark });
    expect(line).toContain(body.id);
    expect(line).toMatch(/spin\.ts:\d+/);
  });
  test("waiting for ever ends at the deadline", async () => {
    const body = await problem(await engine.fetch("/spin/wait"));
    expect([body.status, body.code]).toEqual([504, "deadline_exceeded"]);
    expect(body.limit).toMatchObject({ name: "wallMs", value: 1500 });
  });
  test("loop, memory and regex are killed, others notice nothing, and three kills are followed by a pause", async () => {
    const codes = [];
    for (const what of ["loop", "memory", "regex"]) {
      const spinning = engine.fetch(`/spin/${what}`);
      expect(await (await engine.fetch("/hello")).text()).toBe("Hello, world");
      const { code, limit } = await problem(await spinning);
      codes.push([code, limit?.name]);
    }
    // Filling memory is one run without a pause as well: whichever limit it meets first ends it.
    expect(codes[0]).toEqual(["uninterrupted_exceeded", "uninterruptedMs"]);
    expect(["memory_exceeded", "uninterrupted_exceeded"]).toContain(codes[1]![0]!);
    expect(codes[2]).toEqual(["uninterrupted_exceeded", "uninterruptedMs"]);
    const paused = await engine.fetch("/spin");
    expect((await problem(paused)).code).toBe("script_paused");
    expect(Number(paused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await (await engine.fetch("/hello")).text()).toBe("Hello, world");
  }, 20_000);
});
