/** An isolate from the inside: frames in, a realm in the middle, frames out. The same in a process and in a thread. */
import { isProxy } from "node:util/types";
import * as F from "./frames.ts";
import type { SharedBodies } from "./jail/page.ts";
import { openRealm, type RealmHost, type RealmSink, type Turnstile } from "./realm-host.ts";
import { RingReader, RingWriter } from "./ring.ts";
import { FrameReader, FrameWriter, type Frame } from "./wire.ts";

/** What carries the bytes: a socket in a process, a port in a thread. */
export interface Carrier {
  /** Answers how many bytes were taken. */
  send(bytes: Buffer): number;
}

export interface Runtime {
  receive(bytes: Buffer): void;
  drain(): void;
  unhandled(error: unknown): void;
}

/** LOAD: what the engine sends. */
export interface LoadMessage {
  readonly name: string;
  readonly form: "module" | "classic";
  readonly code: string;
  /** `ScriptMeta` as JSON. */
  readonly meta: string;
}

/** From the engine, which is trusted; code and map of a script may be long. */
const MAX_INPUT_BYTES = 64 * 1024 * 1024;
/** Past this much unsent output the isolate writes in the middle of a turn, and drops log lines. */
const FLUSH_BYTES = 1024 * 1024;

/** Added to the status of a failure when work of the invocation goes on. */
const LINGERS = 0x10000;
const TOO_LONG = "is longer than a message may be (4 MiB)";

/** Longer than the engine takes: it would end the isolate. */
function isTooLong(text: string, body: string | Uint8Array | undefined): boolean {
  const room = F.MAX_FRAME_BYTES - F.HEAD_BYTES;
  const atMost = text.length * 3 + (typeof body === "string" ? body.length * 3 : (body?.length ?? 0));
  if (atMost <= room) return false;
  return Buffer.byteLength(text) + (body === undefined ? 0 : Buffer.byteLength(body)) > room;
}

/** For the realm: its own memory, or bytes that it will copy. */
function bodyOf(frame: Frame): Uint8Array {
  return frame.takePlaced() ?? frame.body;
}

const OWN_ERRORS: ReadonlySet<unknown> = new Set(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError].map((type) => type.prototype),
);

/** An error of the host's realm. Asks nothing that a script could answer: a proxy's traps, a getter. */
function isHostError(value: unknown): value is Error {
  return typeof value === "object" && !isProxy(value) && OWN_ERRORS.has(Object.getPrototypeOf(value));
}

export function startRuntime(carrier: Carrier, words: Int32Array | null, bodies: SharedBodies | null): Runtime {
  let realm: RealmHost | null = null;
  let loaded: LoadMessage | null = null;
  let generation = 0;
  let turn = 0;
  /** The invocation that this turn is about; 0 when there are several, or it is not known. */
  let owner = 0;
  let dropped = 0;

  const endTurn = (): void => {
    if (turn & 1) {
      turn = (turn + 1) | 0;
      if (words) {
        words[F.WORD_CURRENT] = 0;
        words[F.WORD_TURN] = turn;
      }
    }
  };
  const writer = new FrameWriter(carrier.send, endTurn, bodies && new RingWriter(bodies.fromIsolate));

  /** User code may run from here to the end of the turn: the watchdog sees an odd number that does not change. */
  const turnstile: Turnstile = {
    enter(invocation, first) {
      if ((turn & 1) === 0) {
        turn = (turn + 1) | 0;
        owner = invocation;
        writer.wake();
        if (words) words[F.WORD_TURN] = turn;
      } else if (owner !== invocation) owner = 0;
      if (!words) return;
      words[F.WORD_CURRENT] = invocation;
      if (first) words[F.WORD_ENTERED] = invocation;
    },
    // What runs on in microtasks belongs to one of those that entered in this turn: known only if it was a single one.
    leave() {
      if (words) words[F.WORD_CURRENT] = owner;
    },
  };

  const sink: RealmSink = (type, id, a, text, body, lasting) => {
    if (type === F.LOG && writer.waiting > 4 * FLUSH_BYTES) {
      dropped++;
      return;
    }
    if (dropped > 0 && type !== F.LOG) {
      writer.write(
        F.LOG,
        0,
        2,
        JSON.stringify([`${dropped} log lines were dropped: the script wrote faster than they could be sent`]),
      );
      dropped = 0;
    }
    if (isTooLong(text, body)) refuse(type, id, a);
    else writer.write(type, id, a, text, body, lasting);
    if (writer.waiting > FLUSH_BYTES) writer.flush();
  };

  /** A message that is too long is a failure of the call or the invocation that made it. */
  const refuse = (type: number, id: number, a: number): void => {
    if (type === F.CALL || type === F.FETCH) {
      const answer = JSON.stringify({ code: "bad_request", message: `What the call was given ${TOO_LONG}.` });
      // Not while the realm is still making the call.
      queueMicrotask(() => realm?.callResult(id, 1, answer));
    } else if (type === F.RESULT || type === F.RESULT_HEAD || type === F.FAILURE) {
      const lingers = type === F.RESULT_HEAD || a >= LINGERS;
      const message = `The head of the answer, its error, or the data that a handler gave back ${TOO_LONG}.`;
      const failure = { kind: "thrown", name: "RangeError", message, stack: "" };
      writer.write(F.FAILURE, id, lingers ? LINGERS : 0, JSON.stringify(failure));
    } else if (type === F.LOADED) {
      const failure = {
        kind: "thrown",
        name: "RangeError",
        message: `What the script registers ${TOO_LONG}.`,
        stack: "",
      };
      writer.write(F.LOADED, 0, 0, JSON.stringify({ ok: false, failure }));
    } else dropped++;
  };

  const load = (message: LoadMessage): void => {
    realm?.close();
    // What is left of an older realm speaks to nobody: its ids would be taken for the new one's.
    const mine = ++generation;
    realm = openRealm((type, id, a, text, body, lasting) => {
      if (mine === generation) sink(type, id, a, text, body, lasting);
    }, turnstile);
    loaded = message;
    const fault = realm.load(message);
    // From here on it is calls that run, as eager to be compiled as ever (core/isolate/child.ts).
    Bun.unsafe.setJITPolicy(1);
    if (fault !== null) {
      const failure = { kind: "thrown", name: "SyntaxError", message: fault, stack: "" };
      writer.write(F.LOADED, 0, 0, JSON.stringify({ ok: false, failure }));
    }
  };

  const take = (frame: Frame): void => {
    if (frame.type === F.LOAD) {
      load(JSON.parse(frame.text) as LoadMessage);
      return;
    }
    if (frame.type === F.RESET) {
      if (loaded) load(loaded);
      return;
    }
    if (frame.type === F.REST) {
      Bun.gc(true);
      return;
    }
    if (!realm) return;
    switch (frame.type) {
      case F.INVOKE: {
        const kind = frame.a & 3;
        realm.dispatch(frame.id, frame.a >>> 2, kind, frame.text, kind === F.BODY_WHOLE ? bodyOf(frame) : undefined);
        break;
      }
      case F.BODY_CHUNK:
        realm.bodyChunk(frame.id, bodyOf(frame));
        break;
      case F.BODY_END:
        realm.bodyEnd(frame.id, frame.a, frame.text);
        break;
      case F.CANCEL:
        realm.cancel(frame.id, frame.a);
        break;
      case F.CREDIT:
        realm.credit(frame.id, frame.a);
        break;
      case F.CALL_RESULT:
        realm.callResult(frame.id, frame.a, frame.text);
        break;
      case F.CALL_CHUNK:
        realm.callChunk(frame.id, bodyOf(frame));
        break;
      case F.CALL_END:
        realm.callEnd(frame.id, frame.a, frame.text);
        break;
      case F.CALL_TAKEN:
        realm.callTaken(frame.id, frame.a);
        break;
      default:
        break;
    }
  };

  // A long body is gathered where it will be read: in the realm.
  const reader = new FrameReader(
    MAX_INPUT_BYTES,
    ({ bodyLength }) => (realm === null ? new Uint8Array(bodyLength) : realm.room(bodyLength)),
    bodies && new RingReader(bodies.toIsolate),
  );
  return {
    receive: (bytes) => reader.push(bytes, take),
    drain: () => writer.drain(),
    unhandled(error) {
      // An error of the host must not be seen by a script, not even by its patched intrinsics.
      if (isHostError(error))
        writer.write(F.LOG, 0, 3, JSON.stringify([`the isolate failed: ${error.stack ?? error.message}`]));
      else realm?.unhandled(error);
    },
  };
}

/** Tells the engine that the isolate is ready, and what its jail holds. */
export function readyFrame(report: string): Buffer {
  let out: Buffer = Buffer.alloc(0);
  const writer = new FrameWriter((bytes) => {
    out = Buffer.from(bytes);
    return bytes.length;
  });
  writer.write(F.READY, 0, 0, report);
  writer.flush();
  return out;
}
