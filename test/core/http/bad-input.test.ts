/** Hostile and broken bytes on the wire: each is refused, none reaches a script in another's name, the server lives on. */
import { describe, expect, test } from "bun:test";
import { RawClient, rawRequest } from "./raw.ts";
import { serveTest, type Seen } from "./serve.ts";

const HOST = "Host: example.com\r\n";
const get = (target: string, headers = HOST): string => `GET ${target} HTTP/1.1\r\n${headers}\r\n`;
const post = (headers: string, body = ""): string => `POST /echo HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";

/** Bun answers these itself: a status without a body, and the connection ends. Nothing reaches our code. */
const refusedBelow: [string, string, number][] = [
  ["no HTTP at all", "GARBAGE\r\n\r\n", 400],
  ["two spaces in the request line", `GET  / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a request line without version", "GET /\r\n\r\n", 505],
  ["HTTP/0.9", `GET / HTTP/0.9\r\n${HOST}\r\n`, 505],
  ["HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["bare line feeds", "GET / HTTP/1.1\nHost: a\n\n", 505],
  ["NUL in the path", get("/a\0b"), 505],
  ["a tab in the path", get("/a\tb"), 505],
  ["a control character in the method", get("/").replace("GET", "GET\x0b"), 505],
  ["a target without a slash", get("foo"), 400],
  ["a target of another scheme", get("ftp://example.com/"), 400],
  ["no Host in HTTP/1.1", get("/", ""), 400],
  ["NUL in a header", get("/", `${HOST}X: a\0b\r\n`), 400],
  ["a control character in a header", get("/", `${HOST}X: a\x01b\r\n`), 400],
  ["a bare carriage return in a header", get("/", `${HOST}X: a\rY: b\r\n`), 400],
  ["a folded header", get("/", `${HOST}X: a\r\n b\r\n`), 400],
  ["a space before the colon", get("/", `${HOST}X : a\r\n`), 400],
  ["a header without colon", get("/", `${HOST}X\r\n`), 400],
  ["a header without name", get("/", `${HOST}: a\r\n`), 400],
  ["a head over the limit", get("/", `${HOST}X: ${"a".repeat(17_000)}\r\n`), 431],
  ["a path over the limit", get(`/${"a".repeat(17_000)}`), 431],
  ["hundreds of headers", get("/", HOST + "X: 1\r\n".repeat(500)), 431],
  ["length and chunks at once", post(`Content-Length: 5\r\n${CHUNKED}`, "0\r\n\r\n"), 400],
  ["two different lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello1"), 400],
  ["a list of lengths", post("Content-Length: 5, 5\r\n", "hello"), 400],
  ["a negative length", post("Content-Length: -5\r\n", "hello"), 400],
  ["a signed length", post("Content-Length: +5\r\n", "hello"), 400],
  ["a hexadecimal length", post("Content-Length: 0x5\r\n", "hello"), 400],
  ["a length beyond numbers", post(`Content-Length: ${"9".repeat(30)}\r\n`), 400],
  ["an empty length", post("Content-Length: \r\n", "hello"), 400],
  ["an unknown transfer coding", post("Transfer-Encoding: gzip\r\n"), 400],
  ["a transfer coding that only looks chunked", post("Transfer-Encoding: xchunked\r\n"), 400],
  ["chunked, but not last", post("Transfer-Encoding: chunked, identity\r\n"), 400],
  ["chunked twice over", post(`${CHUNKED}Transfer-Encoding: identity\r\n`), 400],
  ["chunks in HTTP/1.0", post(CHUNKED, "0\r\n\r\n").replace("/1.1", "/1.0"), 400],
  ["a chunk size that is no number", post(CHUNKED, "ZZ\r\nhello\r\n0\r\n\r\n"), 400],
  ["a chunk longer than it says", post(CHUNKED, "5\r\nhelloXX0\r\n\r\n"), 400],
  ["a chunk size beyond numbers", post(CHUNKED, `${"f".repeat(17)}\r\nhello`), 400],
  ["chunks ended by bare line feeds", post(CHUNKED, "5\nhello\n0\n\n"), 400],
];

describe("malformed messages end their connection", () => {
  for (const [what, bytes, status] of refusedBelow) {
    test(what, async () => {
      await using at = serveTest();
      await using client = await RawClient.connect(at.port);
      expect((await client.send(bytes).answer())?.status).toBe(status);
      await client.closed();
      expect(at.log.filter((line) => line.status < 400)).toEqual([]);
      expect((await fetch(`${at.url}/hello`)).status).toBe(200);
    });
  }
  // Bun knows a fixed list of methods, and closes without a word on any other: nothing of ours can answer there.
  for (const method of ["get", "FOO", "A".repeat(200)]) {
    test(`the method ${method.slice(0, 10)}`, async () => {
      await using at = serveTest();
      await using client = await RawClient.connect(at.port);
      expect(await client.send(get("/hello").replace("GET", method)).answer()).toBeNull();
      expect(at.log).toEqual([]);
    });
  }
});

describe("what is well-formed and still wrong is a problem", () => {
  const refused: [string, string][] = [
    ["%zz in the path", get("/hello%zz")],
    ["invalid UTF-8 in the path, encoded", get("/%ff")],
    ["invalid UTF-8 in the path, raw", get("/any/\xff/x")],
    ["half a character in the path", get("/any/%C3/%A9")],
    ["two Hosts", get("/hello", "Host: a\r\nHost: b\r\n")],
    ["a Host with a path", get("/hello", "Host: a/b\r\n")],
    ["a Host with a user", get("/hello", "Host: u@b\r\n")],
    ["a Host with a space", get("/hello", "Host: a b\r\n")],
    ["a Host that is half an IPv6 address", get("/hello", "Host: [::1\r\n")],
    ["a Host that is no IPv4 address", get("/hello", "Host: 999.1.1.1\r\n")],
    ["a Host with a port beyond ports", get("/hello", "Host: a:99999\r\n")],
    ["a Host outside ASCII", get("/hello", "Host: \xe9.com\r\n")],
    ["CONNECT", `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n`],
  ];
  for (const [what, bytes] of refused) {
    test(what, async () => {
      await using at = serveTest();
      const answer = await rawRequest(at.port, bytes);
      expect(answer).toMatchObject({ status: 400, headers: { "content-type": "application/problem+json" } });
      expect(JSON.parse(answer!.body)).toMatchObject({ code: "bad_request", id: answer!.headers["x-request-id"] });
    });
  }
});

test("a path that looks like a host is a path", async () => {
  await using at = serveTest();
  const answer = await rawRequest(at.port, get("//evil.example/hello"));
  expect(JSON.parse(answer!.body)).toMatchObject({ detail: "No route matches GET //evil.example/hello." });
});

describe("what is unusual and right is served", () => {
  const served: [string, string, Partial<Seen>][] = [
    ["HTTP/1.0 without Host", "GET /hello HTTP/1.0\r\n\r\n", {}],
    ["an empty Host", get("/hello", "Host:\r\n"), {}],
    ["a Host of one letter", get("/hello", "Host: a\r\n"), { url: "http://a/hello" }],
    ["a Host that is an IPv6 address", get("/hello", "Host: [::1]:81\r\n"), { url: "http://[::1]:81/hello" }],
    ["an absolute target: Host decides", get("http://other.example/hello?x"), { url: "http://example.com/hello?x" }],
    ["dot segments", get("/a/../any/./1/%2e%2e/2/3"), { params: { a: "2", "*": "3" } }],
    ["%2F inside a parameter", get("/any/a%2Fb/c"), { params: { a: "a/b", "*": "c" } }],
    ["a literal %00 is data", get("/any/a%00/c"), { params: { a: "a\0", "*": "c" } }],
    ["a fragment is no part of the path", get("/hello#top"), {}],
    ["__proto__ in query and headers", get("/hello?__proto__=1", `${HOST}__proto__: x\r\n`), { method: "GET" }],
    ["the same length twice", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), { body: "hello" }],
    ["chunks", post(CHUNKED, "5;ext=1\r\nhello\r\n0\r\n\r\n"), { body: "hello" }],
    ["CHUNKED", post(CHUNKED.toUpperCase(), "5\r\nhello\r\n0\r\n\r\n"), { body: "hello" }],
  ];
  for (const [what, bytes, expected] of served) {
    test(what, async () => {
      await using at = serveTest();
      const answer = await rawRequest(at.port, bytes);
      expect(answer?.status).toBe(200);
      expect(JSON.parse(answer!.body)).toMatchObject(expected);
      expect(({} as Record<string, unknown>).x).toBeUndefined();
    });
  }

  test("Expect: 100-continue", async () => {
    await using at = serveTest();
    await using client = await RawClient.connect(at.port);
    client.send(post("Content-Length: 5\r\nExpect: 100-continue\r\n"));
    expect((await client.answer())?.status).toBe(100);
    expect(JSON.parse((await client.send("hello").answer())!.body)).toMatchObject({ body: "hello" });
  });

  test("pipelined requests that are answered at once, in their order", async () => {
    await using at = serveTest({ dispatch: ({ params }) => new Response(params.a) });
    await using client = await RawClient.connect(at.port);
    client.send(get("/any/1/x") + get("/any/2/x") + get("/any/3/x"));
    const bodies = [await client.answer(), await client.answer(), await client.answer()].map((answer) => answer?.body);
    expect(bodies).toEqual(["1", "2", "3"]);
  });

  // Bun's way to keep answers apart; no browser and no proxy pipelines.
  test("a request pipelined behind one still under way ends the connection, and is not run", async () => {
    const aborted = Promise.withResolvers<string>();
    await using at = serveTest({
      dispatch: ({ signal, params }) =>
        new Promise(() => signal.addEventListener("abort", () => aborted.resolve(params.a ?? ""))),
    });
    await using client = await RawClient.connect(at.port);
    client.send(get("/any/1/x") + get("/any/2/x"));
    expect(await client.answer()).toBeNull();
    expect(await aborted.promise).toBe("1");
  });

  test("another request on the connection of a refused one", async () => {
    await using at = serveTest();
    await using client = await RawClient.connect(at.port);
    expect((await client.send(get("/nope")).answer())?.status).toBe(404);
    expect((await client.send(get("/%zz")).answer())?.status).toBe(400);
    expect((await client.send(get("/hello")).answer())?.status).toBe(200);
  });

  test("a head in many pieces", async () => {
    await using at = serveTest();
    await using client = await RawClient.connect(at.port);
    for (const byte of get("/hello")) client.send(byte);
    expect((await client.answer())?.status).toBe(200);
  });
});

test("a body is never taken for a request", async () => {
  await using at = serveTest();
  await using client = await RawClient.connect(at.port);
  const inner = get("/any/smuggled/x");
  client.send(`GET /hello HTTP/1.1\r\n${HOST}Content-Length: ${inner.length}\r\n\r\n${inner}`);
  client.send(post(`Content-Length: ${inner.length}\r\n`, inner));
  client.send(post(CHUNKED, `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`));
  for (let i = 0; i < 3; i++) expect((await client.answer())?.status).toBe(200);
  expect(at.log.map((line) => line.path)).toEqual(["/hello", "/echo", "/echo"]);
});

describe("slow clients", () => {
  const timed = { requestTimeoutMs: 60 };

  test("that stop in a small body get 408, and lose the connection", async () => {
    await using at = serveTest(timed);
    await using client = await RawClient.connect(at.port);
    const answer = await client.send(post("Content-Length: 10\r\n", "abc")).answer();
    expect(answer).toMatchObject({ status: 408, headers: { connection: "close" } });
    expect(JSON.parse(answer!.body)).toMatchObject({
      code: "request_timeout",
      limit: { name: "requestTimeoutMs", value: 60, key: "server.requestTimeoutMs" },
    });
    await client.closed();
  });

  test("that stop in a streamed body get 408, whatever the script does", async () => {
    await using at = serveTest(timed);
    for (const head of [CHUNKED, "Content-Length: 90000\r\n"]) {
      await using client = await RawClient.connect(at.port);
      expect((await client.send(post(head, "3\r\nabc\r\n")).answer())?.status).toBe(408);
      await client.closed();
    }
  });

  test("that send a byte now and then are no better off", async () => {
    await using at = serveTest(timed);
    await using client = await RawClient.connect(at.port);
    client.send(post(CHUNKED));
    const drip = setInterval(() => client.send("1\r\nx\r\n"), 10);
    const answer = await client.answer().finally(() => clearInterval(drip));
    expect(answer?.status).toBe(408);
  });

  test("are not those that a slow script keeps waiting", async () => {
    await using at = serveTest({
      ...timed,
      requestBytes: () => 2_000_000,
      async dispatch({ body }) {
        const reader = (body as ReadableStream<Uint8Array>).getReader();
        await reader.read();
        await Bun.sleep(100);
        while (!(await reader.read()).done);
        return new Response("all");
      },
    });
    const answer = await rawRequest(at.port, post("Content-Length: 1500000\r\n", "x".repeat(1_500_000)));
    expect([answer?.status, answer?.body]).toEqual([200, "all"]);
  });

  test("that leave in the middle of a body leave nothing behind", async () => {
    await using at = serveTest();
    const line = at.nextLine();
    const client = await RawClient.connect(at.port);
    client.send(post("Content-Length: 10\r\n", "abc"));
    await fetch(`${at.url}/hello`);
    await line;
    const left = at.nextLine();
    await client[Symbol.asyncDispose]();
    expect(await left).toMatchObject({ path: "/echo", status: 400 });
    expect(at.failures).toEqual([]);
  });
});
