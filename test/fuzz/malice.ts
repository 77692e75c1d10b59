/**
 * The other side of an isolate's socket, with malice: it knows the protocol and breaks it in every way that this file
 * knows, chosen by a seed. A script named `good…` is served honestly, so that one can see who is harmed.
 */
import * as F from "../../core/isolate/frames.ts";
import type { SharedBodies } from "../../core/isolate/jail/page.ts";
import { RING_BYTES, RingReader } from "../../core/isolate/ring.ts";
import { FrameReader, type Frame } from "../../core/isolate/wire.ts";

const MAX_INPUT_BYTES = 64 * 1024 * 1024;

export function random(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

/** A frame in bytes; `lengths` may lie. */
export function frame(
  type: number,
  id: number,
  a: number,
  text: string | Uint8Array = "",
  body: string | Uint8Array = "",
  lengths: { readonly total?: number; readonly text?: number; readonly flags?: number } = {},
): Buffer {
  const textBytes = typeof text === "string" ? Buffer.from(text) : Buffer.from(text);
  const bodyBytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body);
  const out = Buffer.alloc(F.HEAD_BYTES + textBytes.length + bodyBytes.length);
  out.writeUInt32LE(lengths.total ?? out.length - 4, 0);
  out[4] = type;
  out[5] = lengths.flags ?? (typeof body === "string" ? F.FLAG_TEXT : 0);
  out.writeUInt32LE(id >>> 0, 6);
  out.writeUInt32LE(a >>> 0, 10);
  out.writeUInt32LE((lengths.text ?? textBytes.length) >>> 0, 14);
  textBytes.copy(out, F.HEAD_BYTES);
  bodyBytes.copy(out, F.HEAD_BYTES + textBytes.length);
  return out;
}

/** JSON that is not what is expected anywhere. */
const ODD_JSON = [
  "null",
  "[]",
  "{}",
  "1",
  '"x"',
  "[[[",
  '{"__proto__":{"ok":true}}',
  '["__proto__","constructor",[]]',
  '["kv","get",null]',
  '["kv","__proto__",[]]',
  '["kv","constructor",["x"]]',
  '["toString","call",[]]',
  "[1,2,3]",
  '{"ok":"true","registrations":[]}',
  '{"kind":"http","status":99,"headers":{"a\\r\\nb":"c"}}',
  '{"kind":"http","status":200.5,"errors":"x"}',
  '{"kind":"input","errors":[null,{"path":{}}]}',
  '["a","b","c"]',
  '["a\\r\\nx-smuggled","1"]',
  '["x","1\\r\\nx-smuggled: 1"]',
  `["${"x".repeat(100_000)}"]`,
  "[".repeat(50_000),
  '{"url":"file:///etc/passwd"}',
  '{"method":1,"url":{},"headers":"x"}',
];

export interface Other {
  send(bytes: Uint8Array): void;
  /** Closes the connection. */
  leave(): void;
}

interface Invoked {
  readonly id: number;
  /** A call with data, no request. */
  readonly data: boolean;
  readonly head: string;
}

function honestBody(data: boolean, head: string): string {
  if (!data) return `answer to ${head.split("\n")[3]}`;
  return JSON.stringify(`answer to ${(JSON.parse(head) as { id: string }).id}`);
}

export class Malice {
  readonly #reader: FrameReader;
  readonly #bodies: SharedBodies;
  readonly #other: Other;
  readonly #random: (below: number) => number;
  #good = false;
  #gone = false;
  readonly #ids: number[] = [];

  constructor(other: Other, seed: number, bodies: SharedBodies) {
    this.#other = other;
    this.#bodies = bodies;
    this.#reader = new FrameReader(MAX_INPUT_BYTES, undefined, new RingReader(bodies.toIsolate));
    this.#random = random(seed);
    this.#send(frame(F.READY, 0, 0, "{}"));
  }

  receive(bytes: Buffer): void {
    if (!this.#gone) this.#reader.push(bytes, (one) => this.#take(one));
  }

  leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#other.leave();
  }

  #send(bytes: Uint8Array): void {
    if (!this.#gone) this.#other.send(bytes);
  }

  #take({ type, id, a, text }: Frame): void {
    if (type === F.LOAD) this.#load(text);
    else if (type === F.RESET) this.#honestLoad();
    else if (type === F.INVOKE) {
      this.#ids.push(id);
      const call = { id, data: (a & 3) === F.BODY_DATA, head: text };
      if (this.#good) this.#answer(call);
      else this.#misbehave(call);
    }
  }

  #honestLoad(): void {
    this.#send(frame(F.LOADED, 0, 0, JSON.stringify({ ok: true, registrations: "[]" })));
  }

  #load(text: string): void {
    this.#good = (JSON.parse(text) as { name: string }).name.startsWith("good");
    if (this.#good || this.#random(4) > 0) return this.#honestLoad();
    switch (this.#random(6)) {
      case 0:
        return this.#send(frame(F.LOADED, 0, 0, this.#odd()));
      case 1:
        this.#honestLoad();
        return this.#honestLoad();
      case 2:
        return this.#send(frame(F.LOADED, 0, 0, JSON.stringify({ ok: true, registrations: "[1]" })));
      case 3:
        return; // says nothing
      case 4:
        return this.#send(frame(F.RESULT, 1, 200, "", "too early"));
      default:
        return this.leave();
    }
  }

  /** The invocation's own id comes back, so that the caller can see whether the answer is its own. */
  #answer({ id, data, head }: Invoked): void {
    this.#send(frame(F.RESULT, id, 200, data ? "j" : "", honestBody(data, head)));
  }

  #odd(): string {
    return ODD_JSON[this.#random(ODD_JSON.length)] as string;
  }

  #garbage(most: number): Buffer {
    return Buffer.from(Array.from({ length: 1 + this.#random(most) }, () => this.#random(256)));
  }

  #misbehave(invoked: Invoked): void {
    const { id, data, head } = invoked;
    const n = this.#random;
    const send = (...bytes: readonly Uint8Array[]): void => bytes.forEach((one) => this.#send(one));
    const otherId = [id + 1000, 0, 0xffffffff, this.#ids[n(this.#ids.length)] ?? 7][n(4)] as number;
    switch (n(40)) {
      case 0:
        return this.#answer(invoked);
      case 37:
        this.#bodies.fromIsolate.bytes().write(honestBody(data, head), 1000);
        send(this.#shared(F.RESULT, id, 200, data ? "j" : "", 1000, honestBody(data, head).length));
        return this.#scribble();
      case 38:
        this.#scribble();
        for (let i = 0; i < 50; i++)
          send(this.#shared(n(3) ? F.CHUNK : n(256), otherId, 200, "", this.#number(), this.#number()));
        return this.#answer(invoked);
      case 39: {
        send(frame(F.RESULT_HEAD, id, 200, ""));
        for (let i = 0; i < 400; i++) send(this.#shared(F.CHUNK, id, 0, "", n(8), RING_BYTES - 8));
        return send(frame(F.RESULT, id, 200, "", this.#garbage(20), { flags: F.FLAG_SHARED }));
      }
      case 1:
        return send(frame(n(256), id, n(1000), this.#odd(), "x"));
      case 2:
        send(frame(F.RESULT, id + 1000, 200, "", "for nobody"));
        return this.#answer(invoked);
      case 3:
        send(
          frame(F.RESULT, id, 200, "", "first"),
          frame(F.RESULT, id, 200, "", "second"),
          frame(F.FAILURE, id, 0, "{}"),
        );
        return;
      case 4:
        return send(frame(F.RESULT, id, 200, "", "cut off").subarray(0, 4 + n(20)));
      case 5:
        return send(frame(F.RESULT, id, 200, "", "x", { total: 0xffff_ffff }));
      case 6:
        return send(frame(F.RESULT, id, 200, "", "x", { total: n(14) }));
      case 7:
        return send(frame(F.RESULT, id, 200, "abc", "x", { text: 0xffff_fff0 }));
      case 8:
        return send(this.#garbage(5000));
      case 9:
        return send(frame(F.RESULT, id, 200, this.#garbage(200), this.#garbage(200), { flags: n(256) }));
      case 10:
        return send(
          frame(F.RESULT, id, [0, 99, 101, 199, 600, 1000, 65_535, 0xffff_ffff, 204, 304][n(10)] as number, "", "x"),
        );
      case 11:
        send(frame(F.RESULT_HEAD, id, 200, ""));
        for (let i = 0; i < 400; i++) send(frame(F.CHUNK, id, 0, "", new Uint8Array(65_536)));
        return;
      case 12:
        send(frame(F.CHUNK, id, 0, "", "early"), frame(F.END, id, 0));
        return this.#answer(invoked);
      case 13:
        send(frame(F.RESULT_HEAD, id, 200, ""), frame(F.CHUNK, id, 0, "", "x"), frame(F.END, id, n(3)));
        send(
          frame(F.CHUNK, id, 0, "", "late"),
          frame(F.END, id, 0),
          frame(F.RESULT, id, 200, "", "again"),
          frame(F.RESULT_HEAD, id, 200, ""),
        );
        return;
      case 14:
        for (let i = 0; i < 2000; i++)
          send(frame(F.LOG, otherId, n(9), i % 3 ? JSON.stringify(["x\n".repeat(50), { i }]) : '["x"]'));
        return this.#answer(invoked);
      case 15:
        return send(frame(F.LOG, id, n(300), this.#odd()));
      case 16:
        send(frame(F.CALL, n(5), id, this.#odd()));
        return this.#answer(invoked);
      case 17:
        send(
          frame(F.CALL, 1, otherId, '["kv","get",["x"]]'),
          frame(F.CALL, 2, id, '["kv","get",["x"]]'),
          frame(F.CALL, 2, id, '["kv","get",["x"]]'),
        );
        return this.#answer(invoked);
      case 18:
        send(frame(F.FETCH, 3, id, this.#odd(), "body"));
        return this.#answer(invoked);
      case 19:
        for (const type of [F.FETCH_CHUNK, F.FETCH_END, F.CALL_CREDIT, F.CALL_CANCEL, F.BODY_TAKEN])
          send(frame(type, otherId, n(0xffff_ffff), "", "x"));
        return this.#answer(invoked);
      case 20:
        send(frame(F.DONE, id, 0), frame(F.DONE, otherId, 0));
        return this.#answer(invoked);
      case 21:
        return send(frame(F.READY, 0, 0, "{}"));
      case 22:
        return send(frame(F.LOADED, 0, 0, this.#odd()));
      case 23:
        return send(frame(F.FAILURE, id, [0, 0x10000, 5][n(3)] as number, this.#odd()));
      case 24:
        return this.#drip(frame(F.RESULT, id, 200, data ? "j" : "", honestBody(data, head)), 0);
      case 25:
        return this.leave();
      case 26:
        send(frame(F.BODY_TAKEN, id, 0xffff_ffff), frame(F.BODY_TAKEN, id, 0xffff_ffff));
        return this.#answer(invoked);
      case 27:
        return send(frame(F.RESULT, id, 200, this.#odd(), "odd headers"));
      case 28:
        return send(
          frame(F.RESULT_HEAD, id, 200, `${this.#odd()}\n${["-1", "NaN", "1e99", "5"][n(4)]}`),
          frame(F.CHUNK, id, 0, "", "x".repeat(100)),
          frame(F.END, id, 0),
        );
      // What a call with data does not expect, and a request perhaps.
      case 29:
        return send(frame(F.RESULT, id, 200, "j", this.#odd()));
      case 30:
        return send(frame(F.RESULT, id, 200, "j", this.#garbage(300)));
      case 31:
        return send(frame(F.RESULT, id, 200, "j", `"${"x".repeat(3 * 1024 * 1024)}"`));
      case 32:
        return send(frame(F.RESULT, id, 204, "n", "1"), frame(F.RESULT, id, 200, "j", ""));
      case 33:
        send(frame(F.RESULT, otherId, 200, "j", '"for another"'), frame(F.FAILURE, otherId, 0, "{}"));
        return this.#answer(invoked);
      case 34:
        return send(frame(F.RESULT, id, 200, "j", `${"[".repeat(100_000)}${"]".repeat(100_000)}`));
      case 35:
        return send(frame(F.RESULT, id, 200 + 0x10000, "j", '{"__proto__":{"polluted":1}}'), frame(F.DONE, id, 0));
      default:
        for (let i = 0; i < 3000; i++) send(frame(F.CALL, 100 + i, id, '["kv","get",["x"]]'));
        return;
    }
  }

  #shared(type: number, id: number, a: number, text: string, offset: number, length: number): Buffer {
    const where = Buffer.alloc(12);
    where.writeUInt32LE(offset, 0);
    where.writeUInt32LE(length, 4);
    where.writeUInt32LE(this.#number(), 8);
    return frame(type, id, a, text, where, { flags: F.FLAG_SHARED | (this.#random(2) ? F.FLAG_TEXT : 0) });
  }

  #number(): number {
    const n = this.#random;
    return [0, 1, n(RING_BYTES), RING_BYTES, RING_BYTES + 1, 0x7fff_ffff, 0xffff_ffff - n(100)][n(7)] as number;
  }

  /** Into both rings, and into the words that say how far they were read. */
  #scribble(): void {
    const { toIsolate, fromIsolate } = this.#bodies;
    for (const { bytes, words, word } of [toIsolate, fromIsolate]) {
      bytes().fill(this.#random(256), this.#random(RING_BYTES));
      words[word] = this.#number() | 0;
    }
  }

  /** A frame byte by byte, a few of them each millisecond. */
  #drip(bytes: Buffer, at: number): void {
    if (at >= bytes.length || this.#gone) return;
    this.#send(bytes.subarray(at, at + 3));
    setTimeout(() => this.#drip(bytes, at + 3), 1);
  }
}
