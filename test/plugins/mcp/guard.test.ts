/** Answers of strangers, before the protocol's library sees them. */
import { expect, test } from "bun:test";
import { guarded } from "../../../plugins/mcp/guard.ts";

const JSON_TYPE = "application/json";
const EVENTS = "text/event-stream";

function answer(type: string, pieces: readonly string[], failure?: Error): Response {
  const left = [...pieces];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = left.shift();
      if (piece !== undefined) controller.enqueue(new TextEncoder().encode(piece));
      else if (failure === undefined) controller.close();
      else controller.error(failure);
    },
  });
  return new Response(body, { status: 201, headers: { "content-type": type, "x-kept": "yes" } });
}

const last = (failure: unknown): string => (failure === undefined ? "end" : String(failure));

test("what is fine comes through as it was, with its head", async () => {
  const text = JSON.stringify({ a: ["[[[", '"\\"{', { b: [1] }], "c\n": null });
  const given = guarded(answer(JSON_TYPE, [...text]), last);
  expect([given.status, given.headers.get("x-kept"), await given.text()]).toEqual([201, "yes", text]);
});

test("200 levels are not too deep, and 201 are", async () => {
  const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  expect(await guarded(answer(JSON_TYPE, [deep(200)]), last).text()).toBe(deep(200));
  expect(
    await guarded(answer(JSON_TYPE, [deep(201)]), last)
      .text()
      .catch(String),
  ).toContain("deeper than 200");
});

test("events come by whole lines, and end with the last word", async () => {
  const given = guarded(answer(EVENTS, ["da", "ta: 1", "\n\nda", "ta: 2\r", "\n\r\n"]), last);
  const pieces = (await Array.fromAsync(given.body!)).map((piece) => new TextDecoder().decode(piece));
  expect(pieces).toEqual(["data: 1\n\nda", "data: 2\r".slice(2), "\n\r\n", "\n\ndata: end\n\n"]);
});

test("each event has its own depth; one over many lines is one", async () => {
  const open = `data: ${"[".repeat(150)}`;
  expect(await guarded(answer(EVENTS, [`${open}\n\n`, `${open}\n\n`]), last).text()).toEndWith("\n\ndata: end\n\n");
  expect(await guarded(answer(EVENTS, [`${open}\r\n\r\n`, `${open}\r\n\r\n`]), last).text()).toEndWith("data: end\n\n");
  for (const lineEnd of ["\n", "\r\n", "\r"]) {
    const text = await guarded(answer(EVENTS, [open, lineEnd, open, lineEnd]), last).text();
    expect(text).toContain("deeper than 200");
  }
});

test("a stream of events that breaks off says why in its last word; another answer breaks off", async () => {
  const failure = new Error("the wire was cut");
  expect(await guarded(answer(EVENTS, ["data: 1\n\n"], failure), last).text()).toBe(
    "data: 1\n\n\n\ndata: Error: the wire was cut\n\n",
  );
  expect(
    await guarded(answer(JSON_TYPE, ["{"], failure), last)
      .text()
      .catch(String),
  ).toContain("wire was cut");
});

test("who leaves takes the other server along", async () => {
  let cancelled: unknown;
  const body = new ReadableStream({ pull: () => new Promise(() => {}), cancel: (reason) => void (cancelled = reason) });
  await guarded(new Response(body), last).body?.cancel("gone");
  expect(cancelled).toBe("gone");
});
