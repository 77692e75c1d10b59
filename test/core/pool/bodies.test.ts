/** Bodies on their way through the engine: into an isolate, out to the network, back, and to a client. */
import { describe, expect, test } from "bun:test";
import * as F from "../../../core/isolate/frames.ts";
import { FrameReader, FrameWriter, ProtocolError, type Frame } from "../../../core/isolate/wire.ts";
import type { AnswerBody } from "../../../core/pool/answer.ts";
import { makeAnswerStream } from "../../../core/pool/answer-stream.ts";
import { BodyFeed } from "../../../core/pool/body.ts";
import { ChunkQueue } from "../../../core/pool/chunk-queue.ts";
import { Download, Upload } from "../../../core/pool/call-bodies.ts";
import { wholeBody } from "../../../core/pool/whole-body.ts";
import { ProblemError } from "../../../sdk/errors.ts";
import { FakeVessel, turn } from "./fake-vessel.ts";

async function turns(count = 8): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** A body that counts what was asked of it. */
function counted(
  pieces: number,
  size: number,
): { stream: ReadableStream<Uint8Array>; state: { given: number; cancelled: boolean } } {
  const state = { given: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (state.given === pieces) return controller.close();
        controller.enqueue(new Uint8Array(size).fill(state.given++));
      },
      cancel() {
        state.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, state };
}

function end(): { vessel: FakeVessel; writer: FrameWriter } {
  const vessel = new FakeVessel();
  return { vessel, writer: new FrameWriter((bytes) => vessel.send(bytes)) };
}

const PIECE = F.WINDOW_BYTES / 4;

describe("a request's body", () => {
  test("is read a window ahead of the script, and one piece more", async () => {
    const { stream, state } = counted(100, PIECE);
    const { vessel, writer } = end();
    const feed = new BodyFeed(stream);
    feed.open(writer, 7);
    await turns();
    expect(state.given).toBe(5);
    const sent = (): number => vessel.of(F.BODY_CHUNK).reduce((sum, { body }) => sum + body.length, 0);
    expect(sent()).toBe(F.WINDOW_BYTES);
    feed.taken(PIECE);
    await turns();
    expect(sent()).toBe(F.WINDOW_BYTES + PIECE);
    feed.stop();
    await turns();
    expect(state.cancelled).toBe(true);
    expect(vessel.of(F.BODY_END)).toEqual([]);
  });

  test("arrives whole, in order, in pieces, with its end", async () => {
    const { stream } = counted(2, 500_000);
    const { vessel, writer } = end();
    const feed = new BodyFeed(stream);
    feed.open(writer, 7);
    await turns(20);
    for (let i = 0; i < 100 && vessel.of(F.BODY_END).length === 0; i++) {
      feed.taken(1000);
      await turn();
    }
    const all = Buffer.concat(vessel.of(F.BODY_CHUNK).map(({ body }) => body));
    expect(all.length).toBe(1_000_000);
    expect(all.every((byte, at) => byte === Math.floor(at / 500_000))).toBe(true);
    expect(vessel.of(F.BODY_CHUNK).every(({ body }) => body.length <= PIECE)).toBe(true);
    expect(vessel.of(F.BODY_END).map(({ id, a }) => [id, a])).toEqual([[7, 0]]);
  });

  test("that breaks off is told with its code", async () => {
    for (const [error, code] of [
      [new ProblemError("body_too_large", "too large"), "body_too_large"],
      [new Error("the socket is gone"), "bad_request"],
    ] as const) {
      const { vessel, writer } = end();
      const feed = new BodyFeed(new ReadableStream({ pull: (controller) => controller.error(error) }));
      feed.open(writer, 7);
      await turns();
      expect(vessel.of(F.BODY_END).map(({ a, text }) => [a, text])).toEqual([[1, code]]);
    }
  });

  test("waits for an isolate, and goes to the one that comes after a kill if the first got nothing", async () => {
    const { stream } = counted(1, 10);
    const feed = new BodyFeed(stream);
    await turns();
    expect(feed.given).toBe(false);
    feed.detach();
    const { vessel, writer } = end();
    feed.open(writer, 9);
    await turns();
    expect(vessel.of(F.BODY_CHUNK).map(({ id, body }) => [id, body.length])).toEqual([[9, 10]]);
    expect(feed.given).toBe(true);
  });
});

describe("an outgoing body", () => {
  test("is acknowledged as the network takes it", async () => {
    const taken: number[] = [];
    const upload = new Upload((bytes) => taken.push(bytes));
    upload.push(new Uint8Array(100));
    upload.push(new Uint8Array(50));
    expect(taken).toEqual([]);
    const reader = upload.stream.getReader();
    expect((await reader.read()).value?.length).toBe(100);
    expect(taken).toEqual([100]);
    expect((await reader.read()).value?.length).toBe(50);
    const next = reader.read();
    await turn();
    expect(taken).toEqual([100, 50]);
    upload.push(new Uint8Array(25));
    expect((await next).value?.length).toBe(25);
    await turn();
    expect(taken.reduce((sum, bytes) => sum + bytes)).toBe(175);
    expect(upload.end(true)).toBe(true);
    expect((await reader.read()).done).toBe(true);
    expect([upload.end(true), upload.push(new Uint8Array(1))]).toEqual([false, false]);
  });

  test("that does not wait for the network is a breach of the protocol", () => {
    const upload = new Upload(() => {});
    expect(() => {
      for (let i = 0; i < 20; i++) upload.push(new Uint8Array(PIECE));
    }).toThrow(ProtocolError);
  });

  test("of ten thousand tiny pieces arrives", async () => {
    let taken = 0;
    const upload = new Upload((bytes) => {
      taken += bytes;
    });
    for (let i = 0; i < 10_000; i++) upload.push(new Uint8Array(1));
    upload.end(true);
    const bytes = await new Response(upload.stream).bytes();
    expect([bytes.length, taken]).toEqual([10_000, 10_000]);
  });

  test("nobody wants is acknowledged, so that the script does not wait for ever", async () => {
    const taken: number[] = [];
    const upload = new Upload((bytes) => taken.push(bytes));
    upload.push(new Uint8Array(100));
    await upload.stream.cancel();
    expect(taken).toEqual([100]);
    expect(upload.push(new Uint8Array(1))).toBe(false);
  });

  test("that breaks off fails the request", async () => {
    const upload = new Upload(() => {});
    upload.end(false);
    await expect(upload.stream.getReader().read()).rejects.toThrow("broke off");
  });
});

describe("the body of an answer from the network", () => {
  test("is read a window ahead of the script", async () => {
    const { stream, state } = counted(100, PIECE);
    const { vessel, writer } = end();
    const abort = new AbortController();
    const download = new Download(3, stream, writer);
    const run = download.run(abort.signal);
    await turns();
    expect(state.given).toBe(4);
    download.taken(PIECE);
    await turns();
    expect(state.given).toBe(5);
    expect(() => download.taken(2 * F.WINDOW_BYTES)).toThrow(ProtocolError);
    expect(() => download.taken(0)).toThrow(ProtocolError);
    abort.abort();
    await run;
    expect(state.cancelled).toBe(true);
    expect(vessel.of(F.CALL_END)).toEqual([]);
  });

  test("ends with its end, or with why it broke off", async () => {
    const { vessel, writer } = end();
    await new Download(3, counted(1, 10).stream, writer).run(new AbortController().signal);
    const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("reset")) });
    await new Download(4, broken, writer).run(new AbortController().signal);
    await turn();
    expect(vessel.of(F.CALL_END).map(({ id, a, text }) => [id, a, text])).toEqual([
      [3, 0, ""],
      [4, 1, "reset"],
    ]);
  });
});

describe("an answer in one message", () => {
  const frameOf = (body: string | Uint8Array): Frame => {
    let found: Frame | undefined;
    const reader = new FrameReader(F.MAX_FRAME_BYTES);
    const writer = new FrameWriter((bytes) => {
      // In two pieces, as over a socket: a long body is put together.
      reader.push(Buffer.from(bytes.subarray(0, 100)), (frame) => void (found = frame));
      reader.push(Buffer.from(bytes.subarray(100)), (frame) => void (found = frame));
      return bytes.length;
    });
    writer.write(F.RESULT, 1, 200, "n", body);
    writer.flush();
    if (found === undefined) throw new Error("no frame came");
    return found;
  };
  const text = async (body: AnswerBody): Promise<string> => await new Response(body as BodyInit).text();

  test("is what was sent, short or long, text or bytes", async () => {
    for (const length of [1, 15 * 1024 - 1, 15 * 1024, 40_000, 1_000_000]) {
      const sent = "aé".repeat(length / 3 + 1);
      expect(await text(wholeBody(frameOf(sent), "GET"))).toBe(sent);
      expect(await text(wholeBody(frameOf(Buffer.from(sent)), "GET"))).toBe(sent);
    }
    expect(wholeBody(frameOf(""), "GET")).toBeNull();
  });

  test("is a stream where it is long, so that its head goes out in one piece; to HEAD it keeps its length", () => {
    expect(wholeBody(frameOf(new Uint8Array(15 * 1024 - 1)), "GET")).toBeInstanceOf(Uint8Array);
    expect(wholeBody(frameOf(new Uint8Array(15 * 1024)), "GET")).toBeInstanceOf(ReadableStream);
    expect(wholeBody(frameOf(new Uint8Array(15 * 1024)), "HEAD")).toBeInstanceOf(Uint8Array);
  });
});

describe("what waits for a slow reader", () => {
  test("costs its bytes, however small its pieces", () => {
    const queue = new ChunkQueue();
    for (let i = 0; i < 200_000; i++) queue.push(Buffer.from([i & 255]));
    expect(queue.held).toBe(200_000);
    const pieces: Uint8Array[] = [];
    for (let piece = queue.shift(); piece; piece = queue.shift()) pieces.push(piece);
    expect(pieces.length).toBeLessThan(20);
    expect(pieces.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)).toBeLessThan(220_000);
    expect(Buffer.concat(pieces).every((byte, i) => byte === (i & 255))).toBe(true);
    expect(queue.held).toBe(0);
  });

  test("needs no copy of what is given away", () => {
    const queue = new ChunkQueue();
    const bytes = Buffer.from("abc");
    queue.push(bytes, true);
    queue.push(Buffer.from("d"));
    expect(queue.held).toBe(4);
    expect(queue.shift()?.buffer).toBe(bytes.buffer);
    expect(Buffer.from(queue.shift() ?? []).toString()).toBe("d");
    expect([queue.held, queue.shift()]).toEqual([0, undefined]);
  });

  test("is a copy: the socket's buffer is used again", () => {
    const queue = new ChunkQueue();
    const bytes = Buffer.from("abc");
    queue.push(bytes);
    queue.push(bytes);
    bytes.fill(0);
    expect(Buffer.concat([queue.shift(), queue.shift()].filter((piece) => piece !== undefined)).toString()).toBe(
      "abcabc",
    );
  });
});

describe("an answer to a client", () => {
  test("comes as it is pushed, and is credited as it is taken", async () => {
    const taken: number[] = [];
    const { stream, readable } = makeAnswerStream(
      (bytes) => taken.push(bytes),
      () => {},
    );
    stream.push(new Uint8Array(10));
    stream.push(new Uint8Array(20));
    await turn();
    expect([stream.held, stream.total, taken]).toEqual([30, 30, []]);
    const reader = readable.getReader();
    await reader.read();
    expect([stream.held, stream.total, taken]).toEqual([20, 30, [10]]);
    const pending = (await reader.read(), reader.read());
    await turn();
    stream.push(new Uint8Array(5));
    expect((await pending).value?.length).toBe(5);
    stream.close();
    expect((await reader.read()).done).toBe(true);
  });

  test("that fails gives what it held first", async () => {
    const { stream, readable } = makeAnswerStream(
      () => {},
      () => {},
    );
    stream.push(new Uint8Array(10));
    stream.fail(new Error("broke off"));
    stream.close();
    stream.push(new Uint8Array(10));
    const reader = readable.getReader();
    expect((await reader.read()).value?.length).toBe(10);
    await expect(reader.read()).rejects.toThrow("broke off");
  });

  test("that a client leaves is let go, also while it waits for more", async () => {
    let left = 0;
    const { stream, readable } = makeAnswerStream(
      () => {},
      () => left++,
    );
    stream.push(new Uint8Array(10));
    const reader = readable.getReader();
    await reader.read();
    const waiting = reader.read();
    await turn();
    await reader.cancel();
    expect((await waiting).done).toBe(true);
    stream.push(new Uint8Array(10));
    expect([stream.held, left]).toEqual([0, 1]);
  });
});
