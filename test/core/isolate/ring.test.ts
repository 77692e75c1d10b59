import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as F from "../../../core/isolate/frames.ts";
import { RING_BYTES, RingReader, RingWriter, type RingMemory } from "../../../core/isolate/ring.ts";
import { FrameReader, FrameWriter, ProtocolError, type Frame } from "../../../core/isolate/wire.ts";

function memory(): RingMemory {
  const bytes = Buffer.alloc(RING_BYTES);
  return { bytes: () => bytes, words: new Int32Array(16), word: 3 };
}

/** Both ends, and the socket between them. */
function pair(shared = memory()) {
  const sent: Buffer[] = [];
  const writer = new FrameWriter(
    (bytes) => {
      sent.push(Buffer.from(bytes));
      return bytes.length;
    },
    undefined,
    new RingWriter(shared),
  );
  const reader = new FrameReader(F.MAX_FRAME_BYTES, undefined, new RingReader(shared));
  const read = (take: (frame: Frame) => void): void => {
    writer.flush();
    for (const bytes of sent.splice(0)) reader.push(bytes, take);
  };
  return { shared, sent, writer, read };
}

const filled = (length: number, seed: number): Buffer => Buffer.alloc(length, `${seed} is the seed; `);

describe("long bodies through shared memory", () => {
  test("arrive as they were written, in order, however far the reader is behind", () => {
    const sizes = fc.array(
      fc.record({
        size: fc.oneof(
          fc.constantFrom(1, 32_768, RING_BYTES / 2, RING_BYTES - 1, RING_BYTES, RING_BYTES + 1),
          fc.integer({ min: 1, max: 900_000 }),
        ),
        text: fc.boolean(),
        read: fc.boolean(),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(sizes, (list) => {
        const { writer, read } = pair();
        const got: (string | Uint8Array)[] = [];
        const take = (frame: Frame): void =>
          void got.push(frame.flags & F.FLAG_TEXT ? frame.bodyText() : frame.takeBody());
        const bodies = list.map(({ size, text }, at) => (text ? "é".repeat(size / 2 + 1) : filled(size, at)));
        for (const [at, body] of bodies.entries()) {
          writer.write(F.CHUNK, at, 0, "t", body);
          if (list[at]?.read) read(take);
        }
        read(take);
        expect(got.length).toBe(bodies.length);
        for (const [at, body] of got.entries()) {
          const sent = bodies[at];
          expect(typeof body === "string" || typeof sent === "string" ? body === sent : sent?.equals(body)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("take a few bytes of the socket, until the ring is full; when it was read, it has room again", () => {
    const { writer, sent, read } = pair();
    const bytesSent = (): number => (writer.flush(), sent.reduce((sum, { length }) => sum + length, 0));
    for (let i = 0; i < 2; i++) writer.write(F.CHUNK, 1, 0, "", filled(RING_BYTES / 2, i));
    expect(bytesSent()).toBeLessThan(100);
    writer.write(F.CHUNK, 1, 0, "", filled(50_000, 2));
    expect(bytesSent()).toBeGreaterThan(50_000);
    read(() => {});
    writer.write(F.CHUNK, 1, 0, "", filled(RING_BYTES, 3));
    expect(bytesSent()).toBeLessThan(100);
  });

  test("touch no more memory than they need while the ring is empty in between", () => {
    const { shared, writer, read } = pair();
    for (let i = 0; i < 100; i++) {
      writer.write(F.CHUNK, 1, 0, "", filled(100_000, i));
      read((frame) => expect(filled(100_000, i).equals(frame.takeBody())).toBe(true));
    }
    expect(
      shared
        .bytes()
        .subarray(100_000)
        .every((byte) => byte === 0),
    ).toBe(true);
  });

  test("are read over the end of counting", () => {
    const shared = memory();
    const ring = new RingWriter(shared);
    const reader = new RingReader(shared);
    let wrapped = false;
    for (let i = 0, last = 0; i < 5000; i++) {
      const offset = ring.reserve(RING_BYTES - (i % 3));
      expect(offset).toBe(0);
      expect(ring.reserve(3)).toBe(-1);
      wrapped ||= ring.mark < last;
      last = ring.mark;
      reader.free(ring.mark);
    }
    expect(wrapped).toBe(true);
  });

  test("are copied when they are first asked for, once: what the other side does later changes nothing", () => {
    const { shared, writer, read } = pair();
    let kept: Uint8Array | undefined;
    writer.write(F.RESULT, 1, 200, "", new Uint8Array(40_000).fill(1));
    read((frame) => {
      expect(frame.bodyLength).toBe(40_000);
      shared.bytes().fill(2, 0, 20_000);
      kept = frame.takeBody();
      shared.bytes().fill(3);
      expect([frame.body[0], frame.body[39_999]]).toEqual([2, 1]);
      expect(frame.bodyText().length).toBe(40_000);
    });
    shared.bytes().fill(4);
    expect([kept?.[0], kept?.[39_999]]).toEqual([2, 1]);
  });

  test("that lie elsewhere than in the ring, or in none, are a breach of the protocol", () => {
    const announce = (offset: number, length: number, size = 12): Buffer => {
      const out = Buffer.alloc(F.HEAD_BYTES + size);
      out.writeUInt32LE(out.length - 4, 0);
      out[4] = F.RESULT;
      out[5] = F.FLAG_SHARED;
      if (size >= 4) out.writeUInt32LE(offset, F.HEAD_BYTES);
      if (size >= 8) out.writeUInt32LE(length, F.HEAD_BYTES + 4);
      return out;
    };
    const push = (bytes: Buffer, ring: RingReader | null = new RingReader(memory())): void =>
      new FrameReader(F.MAX_FRAME_BYTES, undefined, ring).push(bytes, (frame) => void frame.takeBody());
    push(announce(0, RING_BYTES));
    push(announce(RING_BYTES - 1, 1));
    for (const [offset, length] of [
      [0, 0],
      [1, RING_BYTES],
      [RING_BYTES, 1],
      [0xffff_ffff, 1],
      [0, 0xffff_ffff],
      [0xffff_ffff, 0xffff_ffff],
    ] as const)
      expect(() => push(announce(offset, length))).toThrow(ProtocolError);
    for (const size of [0, 4, 8, 11, 13, 40]) expect(() => push(announce(0, 1, size))).toThrow(ProtocolError);
    expect(() => push(announce(0, 1), null)).toThrow(ProtocolError);
    const small = new FrameReader(1000, undefined, new RingReader(memory()));
    expect(() => small.push(announce(0, 1001), () => {})).toThrow(ProtocolError);
  });

  test("reach a reader that lies about where it is by the socket, or over what it has not read", () => {
    for (const lie of [1, -1, 0x7fff_ffff, -0x8000_0000, RING_BYTES, RING_BYTES + 1, 12_345]) {
      const shared = memory();
      const ring = new RingWriter(shared);
      for (let i = 0; i < 20; i++) {
        const length = 1 + ((i * 333_333) % RING_BYTES);
        const offset = ring.reserve(length);
        if (i % 2) shared.words[shared.word] = lie;
        expect(offset === -1 || (offset >= 0 && offset + length <= RING_BYTES)).toBe(true);
      }
    }
  });
});
