/** An isolate from the inside: frames in, a realm in the middle, frames out. The same in a process and in a thread. */
import * as F from "./frames.ts";
import { openRealm, type RealmHost } from "./realm-host.ts";
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

export function startRuntime(carrier: Carrier, words: Int32Array | null): Runtime {
  let realm: RealmHost | null = null;
  let loaded: LoadMessage | null = null;
  let generation = 0;
  let turn = 0;
  let dropped = 0;

  const leave = (): void => {
    if (turn & 1) {
      turn = (turn + 1) | 0;
      if (words) {
        words[F.WORD_CURRENT] = 0;
        words[F.WORD_TURN] = turn;
      }
    }
  };
  const writer = new FrameWriter(carrier.send, leave);

  /** User code may run from here to the end of the turn: the watchdog sees an odd number that does not change. */
  const enter = (invocation: number): void => {
    if ((turn & 1) === 0) {
      turn = (turn + 1) | 0;
      writer.wake();
      if (words) words[F.WORD_TURN] = turn;
    }
    if (words) {
      words[F.WORD_CURRENT] = invocation;
      if (invocation !== 0) words[F.WORD_ENTERED] = invocation;
    }
  };

  const sink = (type: number, id: number, a: number, text: string, body: string | Uint8Array | undefined): void => {
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
    writer.write(type, id, a, text, body);
    if (writer.waiting > FLUSH_BYTES) writer.flush();
  };

  const load = (message: LoadMessage): void => {
    realm?.close();
    // What is left of an older realm speaks to nobody: its ids would be taken for the new one's.
    const mine = ++generation;
    realm = openRealm((type, id, a, text, body) => {
      if (mine === generation) sink(type, id, a, text, body);
    }, enter);
    loaded = message;
    const fault = realm.load(message);
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
        realm.dispatch(frame.id, frame.a >>> 2, kind, frame.text, kind === F.BODY_WHOLE ? frame.body : undefined);
        break;
      }
      case F.BODY_CHUNK:
        realm.bodyChunk(frame.id, frame.body);
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
        realm.callChunk(frame.id, frame.body);
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

  const reader = new FrameReader(MAX_INPUT_BYTES);
  return {
    receive: (bytes) => reader.push(bytes, take),
    drain: () => writer.drain(),
    unhandled: (error) => realm?.unhandled(error),
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
