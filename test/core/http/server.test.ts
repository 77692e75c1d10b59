/** The server from outside: what an ordinary client sees, and what the dispatcher is given. */
import { describe, expect, test } from "bun:test";
import { startServer } from "../../../core/http/server.ts";
import type { ProblemError } from "../../../sdk/errors.ts";
import { RawClient, rawRequest } from "./raw.ts";
import { NO_PLUGINS, echo, scriptRoute, serveTest, type Seen } from "./serve.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

async function problem(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body = (await response.json()) as Record<string, unknown>;
  expect(body.id).toBe(response.headers.get("x-request-id"));
  expect(body.status).toBe(response.status);
  return body;
}

describe("a request reaches the dispatcher", () => {
  test("with its method, URL, decoded parameters, headers, address and id", async () => {
    await using at = serveTest();
    const response = await fetch(`${at.url}/any/a%2Fb/c/d?q=%20&__proto__=1`, {
      method: "PUT",
      headers: { "x-a": "1" },
    });
    const seen = (await response.json()) as Seen;
    expect(seen).toMatchObject({
      method: "PUT",
      url: `${at.url}/any/a%2Fb/c/d?q=%20&__proto__=1`,
      params: { a: "a/b", "*": "c/d" },
      ip: "127.0.0.1",
      body: null,
    });
    expect(seen.headers["x-a"]).toBe("1");
    expect(seen.id).toMatch(UUID_V7);
  });

  test("a small body comes whole, a large one as a stream, a body of GET not at all", async () => {
    const kinds: string[] = [];
    await using at = serveTest({
      requestBytes: () => 2_000_000,
      dispatch(invocation) {
        const { body } = invocation;
        kinds.push(body === null ? "none" : body instanceof Uint8Array ? "bytes" : "stream");
        return echo.dispatch(invocation);
      },
    });
    for (const length of [0, 5, 65_536, 65_537, 1_048_576, 1_048_577]) {
      const response = await fetch(`${at.url}/echo`, { method: "POST", body: "x".repeat(length) });
      expect(((await response.json()) as Seen).body?.length ?? 0).toBe(length);
    }
    const get = await rawRequest(at.port, "GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    expect((JSON.parse(get!.body) as Seen).body).toBeNull();
    expect(kinds).toEqual(["none", "bytes", "bytes", "bytes", "bytes", "stream", "none"]);
  });

  test("a script that may stay silent for long is not cut as an idle connection", async () => {
    await using at = serveTest({
      idleTimeoutSeconds: 1,
      outlasts: ({ registration }) => registration.path === "/hello",
      async dispatch(invocation) {
        await Bun.sleep(5_500); // Bun looks at idle connections every four seconds
        return echo.dispatch(invocation);
      },
    });
    const ask = (path: string): Promise<number> =>
      fetch(at.url + path, { keepalive: false }).then(
        (response) => response.status,
        () => 0,
      );
    expect(await Promise.all([ask("/hello"), ask("/")])).toEqual([200, 0]);
  }, 10_000);

  test("its signal aborts when the client leaves", async () => {
    const aborted = Promise.withResolvers<void>();
    await using at = serveTest({
      dispatch: ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            aborted.resolve();
            resolve(new Response());
          });
          client.then((open) => open[Symbol.asyncDispose]());
        }),
    });
    const client = RawClient.connect(at.port);
    (await client).send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    await aborted.promise;
  });
});

describe("what no route answers is a problem", () => {
  test("404 names method and path", async () => {
    await using at = serveTest();
    expect(await problem(await fetch(`${at.url}/nope?secret=1`))).toMatchObject({
      code: "not_found",
      detail: "No route matches GET /nope.",
    });
  });
  test("while scripts are still being built, nobody is told that there is nothing", async () => {
    await using at = serveTest({ unbuilt: () => 3 });
    const response = await fetch(`${at.url}/nope`);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await problem(response)).toMatchObject({
      code: "not_ready",
      status: 503,
      detail: "No route matches GET /nope yet: scripts are still being built (3).",
    });
    expect((await fetch(`${at.url}/hello`)).status).toBe(200);
  });
  test("405 says what is allowed", async () => {
    await using at = serveTest();
    const response = await fetch(`${at.url}/hello`, { method: "DELETE" });
    expect(response.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    expect(await problem(response)).toMatchObject({ code: "method_not_allowed", status: 405 });
  });
  test("OPTIONS is answered from the table", async () => {
    await using at = serveTest();
    const response = await fetch(`${at.url}/echo`, { method: "OPTIONS" });
    expect([response.status, response.headers.get("allow")]).toEqual([204, "OPTIONS, POST"]);
  });
  test("an upgrade to WebSocket is an ordinary request", async () => {
    await using at = serveTest();
    const upgrade =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    expect((await rawRequest(at.port, `GET /nope HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`))?.status).toBe(404);
    expect((await rawRequest(at.port, `GET /hello HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`))?.status).toBe(200);
  });
});

test("HEAD has the length of GET and no body", async () => {
  await using at = serveTest({
    dispatch: () => new Response("12345", { headers: { "content-type": "text/plain", "x-a": "1" } }),
  });
  const response = await fetch(`${at.url}/hello`, { method: "HEAD" });
  expect(response.headers.get("content-length")).toBe("5");
  expect(response.headers.get("content-type")).toBe("text/plain");
  expect(await response.text()).toBe("");
});

test("HEAD of a streamed answer ends its stream", async () => {
  const cancelled = Promise.withResolvers<void>();
  await using at = serveTest({
    dispatch: () =>
      new Response(new ReadableStream({ pull: (c) => c.enqueue("x"), cancel: () => cancelled.resolve() })),
  });
  expect((await fetch(`${at.url}/hello`, { method: "HEAD" })).status).toBe(200);
  await cancelled.promise;
});

describe("request ids", () => {
  test("a stranger's id is kept beside ours, when it is printable", async () => {
    await using at = serveTest();
    const response = await fetch(`${at.url}/hello`, { headers: { "x-request-id": "abc-1" } });
    expect(response.headers.get("x-request-id")).toMatch(UUID_V7);
    expect(at.log[0]).toMatchObject({ id: response.headers.get("x-request-id"), clientRequestId: "abc-1" });
    await fetch(`${at.url}/hello`, { headers: { "x-request-id": "a b" } });
    await fetch(`${at.url}/hello`, { headers: { "x-request-id": "x".repeat(129) } });
    expect(at.log[1]).toMatchObject({ clientRequestId: undefined });
    expect(at.log[2]).toMatchObject({ clientRequestId: undefined });
  });
  test("a trusted proxy's id is ours", async () => {
    await using at = serveTest({ trustedProxies: ["127.0.0.1"] });
    const headers = { "x-request-id": "abc-1", "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https" };
    const response = await fetch(`${at.url}/hello`, { headers });
    expect(response.headers.get("x-request-id")).toBe("abc-1");
    expect(await response.json()).toMatchObject({
      ip: "203.0.113.9",
      url: at.url.replace("http:", "https:") + "/hello",
    });
    expect(at.log[0]).toMatchObject({ id: "abc-1", ip: "203.0.113.9" });
    expect(at.log[0]).toMatchObject({ clientRequestId: undefined });
  });
  test.each([
    ["claims another", () => new Response("x", { headers: { "x-request-id": "forged" } }), 200],
    ["has headers that cannot be set", () => Response.redirect("http://a/"), 302],
  ])("an answer that %s has the request's", async (_which, dispatch, status) => {
    await using at = serveTest({ dispatch });
    const response = await fetch(`${at.url}/hello`, { redirect: "manual" });
    expect(response.status).toBe(status);
    expect(response.headers.get("x-request-id")).toMatch(UUID_V7);
    expect(at.log).toMatchObject([{ id: response.headers.get("x-request-id") }]);
  });
});

test("the access log has one line a request, without the query", async () => {
  await using at = serveTest();
  await fetch(`${at.url}/any/1/2?token=secret`);
  await fetch(`${at.url}/nope`);
  expect(at.log).toHaveLength(2);
  expect(at.log[0]).toMatchObject({ method: "GET", path: "/any/1/2", status: 200, script: "test", route: "/any/:a/*" });
  expect(at.log[0]!.ms).toBeGreaterThan(0);
  expect(at.log[1]).toMatchObject({ path: "/nope", status: 404, script: undefined, route: undefined });
});

describe("a failure inside the engine is opaque", () => {
  const boom = new Error("the password is hunter2");
  for (const [how, dispatch] of [
    [
      "thrown",
      () => {
        throw boom;
      },
    ],
    ["rejected", () => Promise.reject(boom)],
  ] as const) {
    test(how, async () => {
      await using at = serveTest({ dispatch });
      const response = await fetch(`${at.url}/hello`);
      expect(JSON.stringify(await problem(response))).not.toContain("hunter2");
      expect(response.status).toBe(500);
      expect(at.failures).toEqual([boom]);
    });
  }
  test("also when it is a match hook that fails, which hooks around the request see as an answer", async () => {
    const match = (): never => {
      throw boom;
    };
    await using at = serveTest({ plugins: () => ({ ...NO_PLUGINS, chains: { match, request: null, invoke: null } }) });
    const response = await fetch(`${at.url}/hello`);
    expect([response.status, (await response.text()).includes("hunter2")]).toEqual([500, false]);
    expect(at.failures).toEqual([boom]);
    expect(at.log).toMatchObject([{ path: "/hello", status: 500 }]);
  });
});

describe("error pages", () => {
  const dev = { file: "hello.ts", line: 3, frame: "> 3 | throw '<script>alert(1)</script>'" };
  const dispatch = (): Response =>
    Response.json(
      { type: "t", title: "<b>", status: 500, detail: `"><img src=x>`, code: "script_failed", id: "<i>", dev },
      { status: 500, headers: { "content-type": "application/problem+json" } },
    );
  const browser = { headers: { accept: "text/html,application/xhtml+xml" } };

  test("are for browsers in dev mode, escaped, and forbid scripts", async () => {
    await using at = serveTest({ dev: true, dispatch });
    const response = await fetch(`${at.url}/hello`, browser);
    const page = await response.text();
    expect(response.status).toBe(500);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("content-security-policy")).toStartWith("default-src 'none'");
    expect(page).toContain("hello.ts:3");
    for (const evil of ["<script", "<img", "<b>", "<i>"]) expect(page).not.toContain(evil);
    expect((await fetch(`${at.url}/nope`, browser)).headers.get("content-type")).toStartWith("text/html");
  });
  test("are not for others, nor outside dev mode, nor instead of answers that are no problem", async () => {
    await using developing = serveTest({ dev: true, dispatch });
    expect((await fetch(`${developing.url}/hello`)).headers.get("content-type")).toBe("application/problem+json");
    await using serving = serveTest({ dispatch });
    expect((await fetch(`${serving.url}/hello`, browser)).headers.get("content-type")).toBe("application/problem+json");
    await using plain = serveTest({ dev: true, dispatch: () => Response.json({ code: "x", id: "y" }) });
    expect(await (await fetch(`${plain.url}/hello`, browser)).json()).toEqual({ code: "x", id: "y" });
  });
});

describe("bodies over the limit are refused naming it", () => {
  const limit = { name: "requestBytes", value: 100_000, key: "limits.requestBytes" };

  test("before anything is read when the length is declared", async () => {
    let asked = false;
    await using at = serveTest({ dispatch: () => ((asked = true), new Response()) });
    const answer = await rawRequest(at.port, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n");
    expect(answer).toMatchObject({ status: 413, headers: { connection: "close" } });
    expect(JSON.parse(answer!.body)).toMatchObject({ code: "body_too_large", limit: { ...limit, used: 100_001 } });
    expect(asked).toBe(false);
  });

  test("as soon as a chunked body passes it", async () => {
    await using at = serveTest();
    await using client = await RawClient.connect(at.port);
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let i = 0; i < 7; i++) client.send(`4000\r\n${"x".repeat(0x4000)}\r\n`);
    const answer = await client.answer();
    expect(answer?.status).toBe(413);
    expect(JSON.parse(answer!.body)).toMatchObject({ code: "body_too_large", limit });
    await client.closed();
  });

  test("whatever the script says to it", async () => {
    await using at = serveTest({
      async dispatch({ body }) {
        const reader = (body as ReadableStream<Uint8Array>).getReader();
        try {
          while (!(await reader.read()).done);
          return new Response("all of it");
        } catch (error) {
          return new Response((error as ProblemError).code);
        }
      },
    });
    const answer = await rawRequest(
      at.port,
      `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n${"x".repeat(0x20000)}\r\n0\r\n\r\n`,
    );
    expect(answer?.status).toBe(413);
  });

  test("and each route has its own", async () => {
    await using at = serveTest({ requestBytes: ({ registration }) => (registration.path === "/echo" ? 2 : 10) });
    expect((await fetch(`${at.url}/echo`, { method: "POST", body: "abc" })).status).toBe(413);
    expect((await fetch(`${at.url}/any/1/2`, { method: "POST", body: "abc" })).status).toBe(200);
  });
});

test.each([
  ["throws", () => expect.unreachable()],
  ["rejects", () => Promise.reject(new Error("the dispatcher failed"))],
])(
  "where a request %s and the log fails as well, the answer is a problem that tells nothing",
  async (_how, dispatch) => {
    let told = 0;
    const onFailure = (): undefined => {
      if (told++ === 0) throw new Error("the log failed");
    };
    await using at = serveTest({ dispatch, onFailure });
    const answer = await fetch(`${at.url}/hello`);
    expect(answer.status).toBe(500);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.text()).not.toContain("failed:");
    expect(told).toBe(2);
  },
);

test("a body that nobody reads costs its connection, not the next request", async () => {
  await using at = serveTest({ dispatch: () => new Response("done") });
  await using client = await RawClient.connect(at.port);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  expect(await client.answer()).toMatchObject({ status: 200, headers: { connection: "close" } });
  await client.closed();
});

test("a taken port is refused, and its holder named", async () => {
  await using at = serveTest();
  const options = { host: "127.0.0.1", maxHeaderBytes: 16_384, requestTimeoutMs: 1, trustedProxies: [], dev: false };
  const sockets = { maxMessageBytes: 1024, maxQueueBytes: 1024, idleSeconds: 60 };
  const start = (): unknown =>
    startServer({
      ...options,
      sockets,
      port: at.port,
      requestBytes: () => 1,
      outlasts: () => false,
      routes: () => ({ size: 0, find: () => null }),
      unbuilt: () => 0,
      plugins: () => NO_PLUGINS,
      dispatcher: echo,
      onFailure: () => undefined,
    });
  expect(start).toThrow(
    process.platform === "linux"
      ? new RegExp(`^port ${at.port} on 127.0.0.1 is taken by .*pid ${process.pid}`)
      : /is taken/,
  );
});

test("an address of another machine is refused, and named", () => {
  expect(() => serveTest({ host: "203.0.113.7" })).toThrow(
    /^cannot listen on 203\.0\.113\.7: this machine has no such address; /,
  );
});

describe("stopping", () => {
  test("lets a request finish, and takes no new connection", async () => {
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const at = serveTest({
      async dispatch() {
        arrived.resolve();
        await release.promise;
        return new Response("finished");
      },
    });
    const pending = fetch(`${at.url}/hello`);
    await arrived.promise;
    expect(at.server.inFlight).toBe(1);
    const stopped = at.server.stop(5_000);
    await expect(fetch(`${at.url}/hello`)).rejects.toThrow();
    release.resolve();
    expect(await (await pending).text()).toBe("finished");
    await stopped;
  });

  test("closes what is left when the time is over", async () => {
    const aborted = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const at = serveTest({
      dispatch: ({ signal }) => {
        signal.addEventListener("abort", () => aborted.resolve());
        arrived.resolve();
        return new Promise<never>(() => undefined);
      },
    });
    await using client = await RawClient.connect(at.port);
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    await arrived.promise;
    await at.server.stop(20);
    await Promise.all([aborted.promise, client.closed()]);
  });
});

test("a thousand routes are looked up like one", async () => {
  const entries = Array.from({ length: 1000 }, (_, i) => scriptRoute("GET", `/r${i}/:id`));
  await using at = serveTest({ entries });
  expect(await (await fetch(`${at.url}/r999/7`)).json()).toMatchObject({ params: { id: "7" } });
});
