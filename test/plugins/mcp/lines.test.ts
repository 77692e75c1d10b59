/** Streams cut anywhere: lines and events come out whole. */
import { describe, expect, test } from "bun:test";
import { readEvents, readLines } from "../../../plugins/mcp/lines.ts";
import { parseBody } from "../../../plugins/mcp/rpc.ts";

/** In pieces of so many bytes, so that characters and line ends are cut. */
function cut(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
}

describe.each([1, 2, 3, 7, 1000])("pieces of %d bytes", (size) => {
  test("lines, with either end, the last without one", async () => {
    expect(await Array.fromAsync(readLines(cut("a\r\n\nbé\nc", size)))).toEqual(["a", "bé", "c"]);
  });
  test("events: comments, other fields and other kinds are passed over, data of several lines is one", async () => {
    const text =
      ": ping\n\nid: 1\ndata: a\ndata:b\n\nevent: other\ndata: no\n\nevent: message\ndata: é\r\n\r\ndata: \n\ndata: cut";
    expect(await Array.fromAsync(readEvents(cut(text, size)))).toEqual(["a\nb", "é"]);
  });
});

test("brackets in texts are no depth, and a megabyte of them is refused at once", () => {
  expect(parseBody(`{"a":"${"[".repeat(999)}\\"${"{".repeat(999)}"}`)).toBeObject();
  const began = performance.now();
  expect(() => parseBody("[".repeat(1_000_000))).toThrow("deeper");
  expect(performance.now() - began).toBeLessThan(500);
});
