/** What a client that does not read may leave lying. */
import { expect, test } from "bun:test";
import { bounded } from "../../../plugins/mcp/bounded.ts";

function source(): {
  readonly response: Response;
  readonly cancelled: Promise<unknown>;
  send(text: string): void;
  end(): void;
} {
  const { promise: cancelled, resolve } = Promise.withResolvers<unknown>();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
    cancel: resolve,
  });
  const response = new Response(body, { headers: { "content-type": "text/event-stream" } });
  return {
    response,
    cancelled,
    send: (text) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
  };
}

test("who reads gets everything, begun with a comment, and the end", async () => {
  const { response, send, end } = source();
  const given = bounded(response);
  expect(given.headers.get("content-type")).toBe("text/event-stream");
  send("data: 1\n\n");
  send("data: 2\n\n");
  end();
  expect(await given.text()).toBe(": listening\n\ndata: 1\n\ndata: 2\n\n");
});

test("who does not read is let go, and what fed it is told", async () => {
  const { response, cancelled, send } = source();
  const reader = bounded(response).body!.getReader();
  await reader.read();
  for (let at = 0; at < 30; at++) send("x".repeat(10_000));
  expect(String(await cancelled)).toContain("reads too slowly");
  expect(await reader.read().catch(String)).toContain("reads too slowly");
});

test("who leaves takes the source along", async () => {
  const { response, cancelled } = source();
  await bounded(response).body!.cancel("gone");
  expect(await cancelled).toBe("gone");
});
