/** Servers that answer with nonsense, at any moment, while the script sends, reads, leaves or aborts: a short fuzz. */
import { afterAll, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { ProblemError } from "../../../sdk/errors.ts";
import { NetworkError } from "../../../core/fetch/fetch.ts";
import { go, rawServer } from "./servers.ts";

const ROUNDS = 600;

/** A small generator, so that a failure can be run again by its seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const PIECES = [
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.1 302 Found\r\n",
  "HTTP/1.0 200\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 101 Switching\r\nUpgrade: a\r\nConnection: upgrade\r\n",
  "HTTP/1.1 204 X\r\n\r\n",
  "Location: /a\r\n",
  "Location: http://[::\r\n",
  "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Content-Encoding: gzip\r\n",
  "Content-Encoding: br\r\n",
  "Connection: keep-alive\r\n",
  "Trailer: x\r\n",
  "Set-Cookie: a\r\n",
  `X: ${"a".repeat(9000)}\r\n`,
  "\r\n",
  "\r\n",
  "hello",
  "5\r\nhello\r\n",
  "0\r\n\r\n",
  "\0\xff",
  gzipSync("hello hello").toString("latin1"),
];

const seed = Date.now() % 1_000_000;
const next = random(seed);

const server = await rawServer((socket) => {
  socket.once("data", async () => {
    if (next(3) > 0) socket.write(PIECES[next(3)]!);
    for (let pieces = 1 + next(10); pieces > 0 && !socket.destroyed; pieces--) {
      socket.write(Buffer.from(PIECES[next(PIECES.length)]!, "latin1"));
      if (next(4) === 0) await Bun.sleep(next(3));
    }
    const end = next(3);
    if (end === 0) socket.destroy();
    else if (end === 1) socket.resetAndDestroy();
    else socket.end();
  });
});
afterAll(() => {
  server.close();
});

function randomBody(): ReadableStream<Uint8Array> | Uint8Array | null {
  const kind = next(3);
  if (kind === 0) return null;
  if (kind === 1) return new Uint8Array(next(100_000));
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (next(3) === 0) await Bun.sleep(1);
      if (next(20) === 0) controller.close();
      else if (next(50) === 0) controller.error(new Error("broken"));
      else controller.enqueue(new Uint8Array(next(70_000)));
    },
  });
}

/** One request to its end; gives what no caller should ever see. */
async function round(): Promise<string | undefined> {
  const leave = new AbortController();
  const reason = new Error("left");
  if (next(10) === 0) setTimeout(() => leave.abort(reason), next(8));
  const body = randomBody();
  const changes = {
    method: body ? "POST" : next(5) > 0 ? "GET" : "HEAD",
    redirect: (["follow", "manual", "error"] as const)[next(3)]!,
    body,
  };
  const where = { signal: leave.signal, maxResponseBytes: 1000 + next(20_000), timeoutMs: 400 };
  try {
    const answer = await go(`http://127.0.0.1:${server.port}/`, changes, where);
    if (answer.body === null) return undefined;
    const then = next(3);
    if (then === 0) await answer.body.cancel();
    else if (then === 1) setTimeout(() => leave.abort(reason), 5);
    else await new Response(answer.body).arrayBuffer();
  } catch (error) {
    if (error !== reason && !(error instanceof NetworkError) && !(error instanceof ProblemError)) return String(error);
  }
  return undefined;
}

test(`${ROUNDS} rounds end in an answer, a problem or a network error, and nothing is left uncaught (seed ${seed})`, async () => {
  const strays: unknown[] = [];
  const stray = (error: unknown) => void strays.push(error);
  process.on("uncaughtException", stray);
  process.on("unhandledRejection", stray);
  try {
    let left = ROUNDS;
    const odd: string[] = [];
    const runner = async () => {
      while (left-- > 0) {
        const outcome = await round();
        if (outcome !== undefined) odd.push(outcome);
      }
    };
    await Promise.all(Array.from({ length: 20 }, runner));
    // The last bodies that were left alone are aborted 5 ms after their answer.
    await Bun.sleep(30);
    expect(odd).toEqual([]);
    expect(strays).toEqual([]);
  } finally {
    process.off("uncaughtException", stray);
    process.off("unhandledRejection", stray);
  }
}, 30_000);
