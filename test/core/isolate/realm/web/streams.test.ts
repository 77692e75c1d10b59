import { test } from "bun:test";
import { expectAsHere, expectOutcomes, openRealm } from "./harness.ts";

const realm = openRealm(true);

test("streams read, write, pipe and tee", () =>
  expectAsHere(realm, [
    `const s = new ReadableStream({ start(c) { c.enqueue(1); c.enqueue(2); c.close(); } }); const out = []; for await (const x of s) out.push(x); return out`,
    `const [a, b] = ReadableStream.from([1, 2]).tee(); const out = []; for await (const x of a) out.push(x); for await (const x of b) out.push(x); return out`,
    `const out = []; await ReadableStream.from(["a", "b"]).pipeThrough(new TransformStream({ transform(x, c) { c.enqueue(x + x); } })).pipeTo(new WritableStream({ write(x) { out.push(x); } })); return out`,
    `const r = ReadableStream.from([1]).getReader(); return [await r.read(), await r.read()]`,
    `const s = new ReadableStream({ start(c) { c.error(new RangeError("x")); } }); await s.getReader().read()`,
    `const s = new ReadableStream(); s.getReader(); s.getReader()`,
    `let why; const s = new ReadableStream({ cancel(r) { why = r; } }); await s.cancel("bye"); return why`,
    `return [new CountQueuingStrategy({ highWaterMark: 3 }).size(), new ByteLengthQueuingStrategy({ highWaterMark: 3 }).size(new Uint8Array(5))]`,
    `const c = new AbortController(); const p = new ReadableStream().pipeTo(new WritableStream(), { signal: c.signal }); c.abort(); await p`,
  ]));

test("text streams encode and decode across chunks", () =>
  expectOutcomes(realm, [
    [
      `const out = []; for await (const x of ReadableStream.from(["a\\ud83c", "\\udf89b"]).pipeThrough(new TextEncoderStream())) out.push(...x); return out`,
      [97, 240, 159, 142, 137, 98],
    ],
    [
      `const out = []; for await (const x of ReadableStream.from([new Uint8Array([240, 159]), new Uint8Array([142, 137])]).pipeThrough(new TextDecoderStream())) out.push(x); return out`,
      ["🎉"],
    ],
    [
      `const t = new TextDecoderStream("latin1", { fatal: true }); return [t.encoding, t.fatal, t.ignoreBOM]`,
      ["windows-1252", true, false],
    ],
    [
      `const t = new TextDecoderStream("utf-8", { fatal: true }); const w = t.writable.getWriter(); w.write(new Uint8Array([255])).catch(() => {}); await t.readable.getReader().read()`,
      new TypeError(),
    ],
  ]));

test("the engine's pipe feeds a stream, says how far ahead it is, and learns of a cancel", () =>
  expectOutcomes(realm, [
    [
      `const { stream, pipe } = engine.makeByteStream({ pull() {}, cancel() {} }); const full = pipe.desired;
       pipe.enqueue(new Uint8Array(1000)); const less = pipe.desired; pipe.close(); pipe.enqueue(new Uint8Array(1)); pipe.close(); pipe.error(1);
       return [full, less, pipe.desired, (await new Response(stream).bytes()).length]`,
      [65536, 64536, 0, 1000],
    ],
    [
      `let why; const { stream, pipe } = engine.makeByteStream({ pull() {}, cancel(r) { why = r; } }); await stream.cancel(5); pipe.enqueue(new Uint8Array(1)); return [why, pipe.desired]`,
      [5, 0],
    ],
    [
      `const { stream, pipe } = engine.makeByteStream({ pull() {}, cancel() {} }); pipe.error(new RangeError()); return await new Response(stream).text()`,
      new RangeError(),
    ],
  ]));

const PUMP = `const seen = []; const pump = (stream, chunk = () => {}) => new Promise((resolve) => {
  engine.pumpStream(stream, { chunk(b) { seen.push(b.length); return chunk(b); }, done() { resolve("done"); }, failed(e) { resolve(e?.name ?? e); } }); });`;

test("a pump reads to the end, waits where it is told, and fails on what is no bytes", () =>
  expectOutcomes(realm, [
    [
      `${PUMP} return [await pump(ReadableStream.from([new Uint8Array(2), "é", new Uint8Array(0)])), seen]`,
      ["done", [2, 2, 0]],
    ],
    [`${PUMP} return [await pump(ReadableStream.from([1])), seen]`, ["TypeError", []]],
    [
      `${PUMP} return await pump(ReadableStream.from([{ length: 3, byteLength: 3, [Symbol.toStringTag]: "Uint8Array" }]))`,
      "TypeError",
    ],
    [`${PUMP} const s = ReadableStream.from([]); s.getReader(); return await pump(s)`, "TypeError"],
    [`${PUMP} return await pump(new ReadableStream({ pull(c) { c.error("broken"); } }))`, "broken"],
    [
      `${PUMP} let why; const s = new ReadableStream({ pull(c) { c.enqueue("x"); }, cancel(r) { why = r; } }); return [await pump(s, () => { throw new RangeError(); }), why.name]`,
      ["RangeError", "RangeError"],
    ],
    [
      `${PUMP} let go; const waits = new Promise((r) => (go = r)); let pulls = 0; const s = new ReadableStream({ pull(c) { pulls++; c.enqueue("x"); if (pulls === 3) c.close(); } }, { highWaterMark: 0 });
      const end = pump(s, () => (pulls === 1 ? waits : undefined)); for (let i = 0; i < 50; i++) await null; const before = pulls; go(); return [before, await end, pulls]`,
      [1, "done", 3],
    ],
    [
      `let why; const s = new ReadableStream({ cancel(r) { why = r; } }); const p = engine.pumpStream(s, { chunk() {}, done() { why = "done"; }, failed() { why = "failed"; } }); p.cancel("left"); p.cancel("again"); await null; return why`,
      "left",
    ],
  ]));
