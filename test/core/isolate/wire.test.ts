import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { HEAD_BYTES } from "../../../core/isolate/frames.ts";
import { FrameReader, FrameWriter, ProtocolError } from "../../../core/isolate/wire.ts";

interface Plain {
  readonly type: number;
  readonly id: number;
  readonly a: number;
  readonly text: string;
  readonly body: string | Uint8Array | undefined;
}

const frames = fc.array(
  fc.record({
    type: fc.integer({ min: 1, max: 255 }),
    id: fc.integer({ min: 0, max: 0xffff_ffff }),
    a: fc.integer({ min: 0, max: 0xffff_ffff }),
    text: fc.string({ unit: "binary", maxLength: 60 }),
    body: fc.option(fc.oneof(fc.string({ unit: "grapheme", maxLength: 60 }), fc.uint8Array({ maxLength: 60 })), {
      nil: undefined,
    }),
  }),
  { maxLength: 12 },
);

/** What the other side sees of a frame: text is UTF-8, so that a lone surrogate is U+FFFD. */
function seen({ type, id, a, text, body }: Plain): object {
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body as string);
  return {
    type,
    id,
    a,
    text: text.toWellFormed(),
    flags: typeof body === "string" ? 1 : 0,
    body: bytes.toString("hex"),
  };
}

function encode(list: readonly Plain[]): Buffer {
  const parts: Buffer[] = [];
  const writer = new FrameWriter((bytes) => {
    parts.push(Buffer.from(bytes));
    return bytes.length;
  });
  for (const { type, id, a, text, body } of list) writer.write(type, id, a, text, body);
  writer.flush();
  return Buffer.concat(parts);
}

function reader(most = 1 << 20): { push(bytes: Buffer): void; readonly got: object[] } {
  const got: object[] = [];
  const frameReader = new FrameReader(most);
  return {
    got,
    push: (bytes) =>
      frameReader.push(bytes, ({ type, flags, id, a, text, body }) => {
        got.push({ type, flags, id, a, text, body: Buffer.from(body).toString("hex") });
      }),
  };
}

describe("reader", () => {
  test("gives back what the writer was given, cut anywhere", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 20 }), (list, cuts) => {
        const bytes = encode(list);
        const { push, got } = reader();
        const at = [...new Set(cuts.map((cut) => Math.min(cut, bytes.length)))].sort((a, b) => a - b);
        let from = 0;
        for (const to of [...at, bytes.length]) {
          // A copy each time, as the socket reuses its buffer.
          const piece = Buffer.from(bytes.subarray(from, to));
          push(piece);
          piece.fill(0xee);
          from = to;
        }
        expect(got).toEqual(list.map(seen));
      }),
      { numRuns: 300 },
    );
  });

  test("takes a stream cut at every byte, and one cut at each single place", () => {
    const list: Plain[] = [
      { type: 34, id: 1, a: 200, text: "", body: "héllo 😀" },
      { type: 38, id: 0xffff_ffff, a: 0, text: '{"x":"é"}', body: undefined },
      { type: 36, id: 2, a: 0, text: "", body: new Uint8Array([0, 255, 128]) },
    ];
    const bytes = encode(list);
    const single = reader();
    for (const byte of bytes) single.push(Buffer.from([byte]));
    expect(single.got).toEqual(list.map(seen));
    for (let at = 0; at <= bytes.length; at++) {
      const { push, got } = reader();
      push(bytes.subarray(0, at));
      push(bytes.subarray(at));
      expect(got).toEqual(list.map(seen));
    }
  });

  test("keeps a frame that is not complete to itself", () => {
    const bytes = encode([{ type: 34, id: 1, a: 200, text: "abc", body: "def" }]);
    for (let length = 0; length < bytes.length; length++) {
      const { push, got } = reader();
      push(bytes.subarray(0, length));
      expect(got).toEqual([]);
    }
  });

  test("takes a frame of exactly the most, and refuses one byte more before the rest has come", () => {
    const fits = encode([{ type: 34, id: 1, a: 200, text: "", body: new Uint8Array(100) }]);
    const { push, got } = reader(fits.length - 4);
    push(fits);
    expect(got.length).toBe(1);
    expect(() => reader(fits.length - 5).push(fits.subarray(0, 4))).toThrow(ProtocolError);
    for (let at = 1; at < 4; at++) {
      const split = reader(fits.length - 5);
      split.push(fits.subarray(0, at));
      expect(() => split.push(fits.subarray(at))).toThrow(ProtocolError);
    }
  });

  test("refuses lengths that no frame has, and texts longer than their frame", () => {
    for (const length of [0, 1, HEAD_BYTES - 5, 0x7fff_ffff, 0xffff_ffff]) {
      const bytes = Buffer.alloc(HEAD_BYTES);
      bytes.writeUInt32LE(length, 0);
      expect(() => reader().push(bytes)).toThrow(ProtocolError);
    }
    for (const textBytes of [1, 4, 0xffff_ffff]) {
      const bytes = encode([{ type: 34, id: 1, a: 200, text: "", body: undefined }]);
      bytes.writeUInt32LE(textBytes, 14);
      expect(() => reader().push(bytes)).toThrow(ProtocolError);
    }
  });

  test("takes any bytes at all: frames, or a ProtocolError, and nothing else", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (pieces) => {
        const { push } = reader(1000);
        try {
          for (const piece of pieces) push(Buffer.from(piece));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("gathers a long body where it is told to, wherever the stream is cut, and gives that memory away", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            text: fc.string({ maxLength: 30 }),
            size: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 32_700, max: 70_000 })),
          }),
          { minLength: 1, maxLength: 5 },
        ),
        fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 8 }),
        (list, cuts) => {
          const sent = list.map(({ text, size }, id): Plain => {
            return { type: 36, id, a: size, text, body: new Uint8Array(size).map((_, at) => at ^ id) };
          });
          const bytes = encode(sent);
          const places = new Set<Uint8Array>();
          const frameReader = new FrameReader(1 << 20, ({ a, bodyLength, text }) => {
            expect([bodyLength, list.some((one) => one.text === text)]).toEqual([a, true]);
            const place = new Uint8Array(bodyLength);
            places.add(place);
            return place;
          });
          const got: [number, Uint8Array][] = [];
          const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
          let from = 0;
          for (const to of [...at, bytes.length]) {
            const piece = Buffer.from(bytes.subarray(from, to));
            frameReader.push(piece, (frame) => {
              const placed = frame.takePlaced();
              if (placed) expect(places.delete(placed)).toBe(true);
              got.push([frame.id, frame.takeBody()]);
            });
            piece.fill(0xee);
            from = to;
          }
          expect(places.size).toBe(0);
          expect(got).toEqual(sent.map(({ id, body }) => [id, body as Uint8Array]));
        },
      ),
      { numRuns: 100 },
    );
  });

  test("text that is not UTF-8 becomes U+FFFD", () => {
    const bytes = encode([{ type: 34, id: 1, a: 200, text: "abcd", body: undefined }]);
    bytes[HEAD_BYTES + 1] = 0xff;
    const { push, got } = reader();
    push(bytes);
    expect(got).toMatchObject([{ text: "a\ufffdcd" }]);
  });
});

describe("writer", () => {
  test("gives everything in order to a socket that takes any part of it", () => {
    fc.assert(
      fc.property(
        frames,
        fc.array(fc.integer({ min: -1, max: 90 }), { minLength: 1, maxLength: 30 }),
        (list, takes) => {
          const { push, got } = reader();
          let turn = 0;
          let generous = false;
          const writer = new FrameWriter((bytes) => {
            const takesNow = generous ? bytes.length : Math.min(bytes.length, takes[turn++ % takes.length] as number);
            if (takesNow > 0) push(Buffer.from(bytes.subarray(0, takesNow)));
            return takesNow;
          });
          for (const { type, id, a, text, body } of list) {
            writer.write(type, id, a, text, body);
            if (turn % 3 === 0) writer.flush();
            else writer.drain();
          }
          generous = true;
          writer.flush();
          writer.drain();
          expect(writer.waiting).toBe(0);
          expect(got).toEqual(list.map(seen));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("sends what one turn of the loop wrote in one piece", async () => {
    const sizes: number[] = [];
    const turns: number[] = [];
    const writer = new FrameWriter(
      (bytes) => {
        sizes.push(bytes.length);
        return bytes.length;
      },
      () => turns.push(sizes.length),
    );
    for (let i = 0; i < 100; i++) writer.write(34, i, 200, "", "x");
    expect(sizes).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sizes).toEqual([100 * (HEAD_BYTES + 1)]);
    expect(turns).toEqual([1]);
  });

  test("counts what waits, and forgets it when closed", () => {
    const writer = new FrameWriter(() => 0);
    writer.write(34, 1, 200, "", new Uint8Array(1000));
    writer.flush();
    writer.write(34, 2, 200, "", new Uint8Array(500));
    expect(writer.waiting).toBe(1500 + 2 * HEAD_BYTES);
    writer.close();
    writer.write(34, 3, 200, "", "x");
    expect(writer.waiting).toBe(0);
  });

  test("keeps the order of long and short frames, whatever the socket takes", () => {
    for (const share of [0, 1, 1000, 40_000, 1_000_000]) {
      const list: Plain[] = [0, 10, 32_767, 32_768, 5, 200_000, 32_768, 1].map((size, id) => {
        const body = id % 3 === 0 ? "x".repeat(size) : new Uint8Array(size).fill(id);
        return { type: 34, id, a: 200, text: `${id}`, body };
      });
      const { push, got } = reader();
      let generous = false;
      const writer = new FrameWriter((bytes) => {
        const taken = generous ? bytes.length : Math.min(bytes.length, share);
        if (taken > 0) push(Buffer.from(bytes.subarray(0, taken)));
        return taken;
      });
      for (const { type, id, a, text, body } of list) writer.write(type, id, a, text, body);
      writer.flush();
      writer.drain();
      generous = true;
      writer.drain();
      expect(got).toEqual(list.map(seen));
      expect(writer.waiting).toBe(0);
    }
  });

  test("keeps what the socket does not take as it was; of a body that lasts it keeps no copy", () => {
    for (const lasting of [false, true]) {
      let room = 50_000;
      const got: Buffer[] = [];
      const writer = new FrameWriter((bytes) => {
        const taken = Math.min(room, bytes.length);
        room -= taken;
        got.push(Buffer.from(bytes.subarray(0, taken)));
        return taken;
      });
      const body = new Uint8Array(100_000).fill(1);
      writer.write(36, 1, 0, "", body, lasting);
      body.fill(2);
      room = Infinity;
      writer.drain();
      const all = Buffer.concat(got).subarray(HEAD_BYTES);
      expect(all.length).toBe(100_000);
      expect(all.includes(2)).toBe(lasting);
    }
  });

  test("writes a frame larger than its buffer", () => {
    const body = new Uint8Array(3_000_000).map((_, i) => i);
    const bytes = encode([{ type: 34, id: 1, a: 200, text: "t", body }]);
    expect(bytes.length).toBe(HEAD_BYTES + 1 + body.length);
    expect(Buffer.compare(bytes.subarray(HEAD_BYTES + 1), body)).toBe(0);
  });
});
