/** Attacks through what goes out: bodies, streams, headers and logs. */
import type { Attack } from "../attack.ts";

const answer = (name: string, tries: string, body: string, more: Partial<Attack> = {}): Attack => ({
  name: `output-${name}`,
  group: "output",
  ...(name.startsWith("stream") ? { breaksOff: true } : {}),
  tries,
  outcome: "survived",
  body,
  ...more,
});

/** An answer whose head would hold this header or line has been split; no response may carry it. */
export const SMUGGLED = "x-smuggled";

export const outputs: readonly Attack[] = [
  answer(
    "stream-endless",
    "streams without end",
    `return { value: new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(65536).fill(120)); } })) };`,
    { slow: true },
  ),
  answer(
    "stream-tiny",
    "streams single bytes without end",
    `return { value: new Response(new ReadableStream({ async pull(c) { c.enqueue(new Uint8Array([120])); } })) };`,
    { slow: true },
  ),
  answer(
    "stream-huge-chunk",
    "streams a chunk of 256 megabytes",
    `return { value: new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1 << 28).fill(1)); } })) };`,
    { slow: true },
  ),
  answer(
    "stream-silent",
    "opens a stream and never writes",
    `return { value: new Response(new ReadableStream({})) };`,
    { slow: true },
  ),
  answer(
    "stream-error",
    "errors its stream in the middle with a hostile value",
    `return { value: new Response(new ReadableStream({ start(c) { c.enqueue("x"); setTimeout(() => c.error(new Proxy(new Error("x"), { get(target, key) { t.walk([target, key], "trap"); return target[key]; } })), 5); } })) };`,
  ),
  answer(
    "stream-after-close",
    "enqueues after close and closes twice",
    `return { value: new Response(new ReadableStream({ start(c) { c.enqueue("x"); c.close(); t.probe(() => c.enqueue("y"), "enqueue"); t.probe(() => c.close(), "close"); t.probe(() => c.error(1), "error"); } })) };`,
  ),
  answer(
    "stream-yields",
    "yields texts without end and never waits",
    `return { value: (async function* () { for (;;) yield "x"; })() };`,
    { slow: true },
  ),
  answer(
    "stream-finally-hangs",
    "never ends its finally when the client leaves",
    `return { value: (async function* () { try { for (;;) yield "x".repeat(65536); } finally { await new Promise(() => {}); } })() };`,
    { slow: true },
  ),
  answer(
    "stream-finally-loops",
    "loops in its finally when the client leaves",
    `return { value: (async function* () { try { for (;;) yield "x".repeat(65536); } finally { for (;;); } })() };`,
    { slow: true },
  ),
  answer(
    "stream-finally-calls",
    "calls services without end in its finally",
    `return { value: (async function* () { try { for (;;) yield "x".repeat(65536); } finally { for (;;) await Promise.allSettled(Array.from({ length: 100 }, (_, i) => ctx.kv.set("k" + i, "x".repeat(1000)))); } })() };`,
    { slow: true },
  ),
  answer(
    "stream-iterator",
    "answers with an iterator whose methods are traps",
    `const spy = (value) => new Proxy(value, { get(...given) { t.walk(given, "get", 300); return Reflect.get(...given); }, apply(...given) { t.walk(given, "apply", 300); return Reflect.apply(...given); } }); let n = 0; const iterator = { next: spy(async (...given) => { t.walk(given, "next"); return n++ < 3 ? spy({ value: spy({ a: 1 }), done: false }) : { get done() { throw ctx; } }; }), get return() { throw new Proxy(new Error("x"), {}); } }; return { value: { [Symbol.asyncIterator]: spy((...given) => { t.walk(given, "iterator"); return spy(iterator); }) } };`,
  ),
  answer(
    "stream-shared",
    "sends one stream in two answers",
    `globalThis.shared ??= new ReadableStream({ start(c) { c.enqueue("x"); c.close(); } }); return { value: new Response(shared) };`,
  ),
  answer(
    "stream-locked",
    "locks the body after it was returned",
    `const r = new Response(new ReadableStream({ start(c) { c.enqueue("x"); c.close(); } })); const reader = r.body.getReader(); queueMicrotask(() => t.probe(() => reader.cancel(), "cancel")); return { value: r };`,
  ),
  answer(
    "header-count",
    "sets ten thousand headers",
    `const h = new Headers(); for (let i = 0; i < 10000; i++) h.append("x-" + i, "y"); return { value: new Response("x", { headers: h }) };`,
  ),
  answer(
    "header-size",
    "sets a header of ten megabytes",
    `return { value: new Response("x", { headers: { "x-large": "y".repeat(1e7) } }) };`,
  ),
  answer(
    "header-same",
    "appends one header a hundred thousand times",
    `const h = new Headers(); for (let i = 0; i < 100000; i++) h.append("x-same", "y"); return { value: new Response("x", { headers: h }) };`,
    { slow: true },
  ),
  answer(
    "cookie-count",
    "sets ten thousand cookies",
    `for (let i = 0; i < 10000; i++) ctx.cookies.set("c" + i, "x".repeat(100)); return { value: "x" };`,
  ),
  ...(
    [
      ["value", `{ value: new Response("x", { headers: { a: "b\\r\\n${SMUGGLED}: 1" } }) }`],
      ["value-lf", `{ value: new Response("x", { headers: { a: "b\\n${SMUGGLED}: 1" } }) }`],
      ["value-nul", `{ value: new Response("x", { headers: { a: "b\\u0000\\r\\n${SMUGGLED}: 1" } }) }`],
      ["name", `{ value: new Response("x", { headers: { "a: b\\r\\n${SMUGGLED}": "1" } }) }`],
      ["envelope", `{ value: { status: 200, body: "x", headers: { a: "b\\r\\n${SMUGGLED}: 1" } } }`],
      ["envelope-name", `{ value: { status: 200, body: "x", headers: { "a\\r\\n${SMUGGLED}": "1" } } }`],
      ["content-type", `{ value: { status: 200, body: "x", contentType: "text/plain\\r\\n${SMUGGLED}: 1" } }`],
      ["redirect", `{ value: new Response(null, { status: 302, headers: { location: "/a\\r\\n${SMUGGLED}: 1" } }) }`],
      ["status-text", `{ value: new Response("x", { statusText: "OK\\r\\n${SMUGGLED}: 1" }) }`],
      ["unicode", `{ value: { status: 200, body: "x", headers: { a: "b\\u010d\\u010a${SMUGGLED}: 1" } } }`],
      ["cookie", `(ctx.cookies.set("a", "b\\r\\n${SMUGGLED}: 1"), { value: "x" })`],
      ["cookie-path", `(ctx.cookies.set("a", "b", { path: "/\\r\\n${SMUGGLED}: 1" }), { value: "x" })`],
      [
        "http-error",
        `{ value: Promise.reject(Object.assign(new Error("x"), { headers: { a: "b\\r\\n${SMUGGLED}: 1" } })) }`,
      ],
    ] as const
  ).map(([name, value]) => answer(`crlf-${name}`, `splits the answer's head through its ${name}`, `return ${value};`)),
  ...[99, 101, 0, -1, 600, 1000, 200.5].map((status) =>
    answer(
      `status-${String(status).replace(/[-.]/g, "_").replace("_", "m")}`,
      `answers with status ${status}`,
      `return { value: { status: ${status}, body: "x" } };`,
    ),
  ),
  answer(
    "status-informational",
    "makes a Response with status 101 and upgrade headers",
    `return { value: new Response(null, { status: 101, headers: { upgrade: "websocket", connection: "upgrade" } }) };`,
  ),
  answer(
    "length-lie",
    "lies in content-length, transfer-encoding and connection",
    `return { value: new Response("hello", { headers: { "content-length": "5000", "transfer-encoding": "chunked", connection: "close", "keep-alive": "timeout=1" } }) };`,
  ),
  answer(
    "length-short",
    "says a shorter content-length, to leave bytes for the next answer",
    `return { value: new Response("HTTP/1.1 200 OK\\r\\n${SMUGGLED}: 1\\r\\n\\r\\n", { headers: { "content-length": "0" } }) };`,
  ),
  answer(
    "no-body-status",
    "gives 204 and 304 a body",
    `return { value: { status: 204, body: "HTTP/1.1 200 OK\\r\\n${SMUGGLED}: 1\\r\\n\\r\\n" } };`,
  ),
  answer(
    "request-id",
    "overrides the request's id and the server's own headers",
    `return { value: new Response("x", { headers: { "x-request-id": "forged", date: "forged", server: "forged" } }) };`,
  ),
  answer(
    "log-lines",
    "logs a hundred thousand lines",
    `for (let i = 0; i < 100000; i++) console.log("line " + i); return { value: "logged" };`,
    { slow: true },
  ),
  answer(
    "log-bytes",
    "logs lines of a megabyte",
    `for (let i = 0; i < 200; i++) console.log("x".repeat(1 << 20)); return { value: "logged" };`,
    { slow: true },
  ),
  answer(
    "log-forging",
    "forges log lines with line feeds and terminal codes",
    `console.log('x"}\\n{"level":"info","message":"forged by a script"}'); console.log("\\u001b]0;forged\\u0007\\u001b[2J"); console.log("\\r\\n{\\"message\\":\\"forged by a script\\"}"); ctx.log?.info?.("a\\n{\\"message\\":\\"forged by a script\\"}"); return { value: "x" };`,
  ),
  answer(
    "error-forging",
    "throws an error whose message forges a log line",
    `return { value: Promise.reject(new Error('x\\n{"message":"forged by a script"}')) };`,
  ),
  answer(
    "log-surrogates",
    "logs lone surrogates, NUL and invalid text",
    `console.log("\\ud800\\u0000\\uffff".repeat(1000)); return { value: "x" };`,
  ),
  answer(
    "envelope-deep",
    "answers JSON nested ten thousand deep",
    `let a = 1; for (let i = 0; i < 10000; i++) a = [a]; return { value: a };`,
  ),
  answer(
    "content-type",
    "answers with a content type of 100,000 characters",
    `return { value: { status: 200, body: "x", contentType: "text/" + "x".repeat(100000) } };`,
  ),
];
