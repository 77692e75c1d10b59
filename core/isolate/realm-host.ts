/**
 * Opens a realm and stands at its doors (docs/sandbox.md, I1 to I6). The only file that opens a context of `node:vm`.
 * Nothing of the host enters: the realm gets `emit` and `ask`, and gives back functions that never throw.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import vm from "node:vm";
import realmSource from "../../dist/realm.txt" with { type: "text" };
import { CALL, TIMER_START, TIMER_STOP } from "./frames.ts";
import { makeAsk } from "./host-ops.ts";
import type { RealmDoors } from "./realm/index.ts";

const ASK_CURRENT = 1000;

/** Takes what the realm sends outward; only primitives and at most one byte array, already checked. */
export type RealmSink = (
  type: number,
  id: number,
  a: number,
  text: string,
  body: string | Uint8Array | undefined,
  /** No script has the bytes of `body`. */
  lasting: boolean,
) => void;

export interface LoadInput {
  /** For file names in traces. */
  readonly name: string;
  readonly form: "module" | "classic";
  readonly code: string;
  /** `ScriptMeta` as JSON; see core/isolate/realm/script.ts. */
  readonly meta: string;
}

export interface RealmHost {
  /** Memory of the realm for a body that is to come, which is then handed in as it is: other bytes are copied. */
  room(length: number): Uint8Array;
  /** The answer comes through the sink, as LOADED. Answers a sentence when the code does not even compile. */
  load(input: LoadInput): string | null;
  dispatch(id: number, registration: number, kind: number, head: string, body: Uint8Array | undefined): void;
  bodyChunk(id: number, bytes: Uint8Array): void;
  bodyEnd(id: number, failed: number, code: string): void;
  cancel(id: number, reason: number): void;
  credit(id: number, bytes: number): void;
  callResult(id: number, failed: number, text: string): void;
  callChunk(id: number, bytes: Uint8Array): void;
  callEnd(id: number, failed: number, text: string): void;
  callTaken(id: number, bytes: number): void;
  unhandled(error: unknown): void;
  /** Stops every timer; nothing of the realm runs afterwards but promises already queued. */
  close(): void;
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const slot = (name: PropertyKey): (() => unknown) => {
  const get = Object.getOwnPropertyDescriptor(typedArray, name)?.get;
  if (!get) throw new Error(`this JavaScript engine lacks %TypedArray%.prototype.${String(name)}`);
  return get;
};
const [tagOf, bufferOf, offsetOf, lengthOf] = [
  slot(Symbol.toStringTag),
  slot("buffer"),
  slot("byteOffset"),
  slot("length"),
];
const setBytes = Uint8Array.prototype.set;
const HostBytes = Uint8Array;

/**
 * The host's own view of a realm's bytes, or null when they are none. Internal slots only: a script may have put a
 * getter named `length` on its array, and no function of a script is ever called from here.
 */
function viewBytes(value: object): Uint8Array | null {
  if (Reflect.apply(tagOf, value, []) !== "Uint8Array") return null;
  const buffer = Reflect.apply(bufferOf, value, []) as ArrayBuffer;
  return new HostBytes(
    buffer,
    Reflect.apply(offsetOf, value, []) as number,
    Reflect.apply(lengthOf, value, []) as number,
  );
}

/** In a script of its own: joined to it, there would be a second copy of the realm's text in every isolate. */
const TAKE_BOOT = "(() => { const boot = globalThis.__boot; delete globalThis.__boot; return boot; })()";

let compiled: { readonly realm: vm.Script; readonly takeBoot: vm.Script } | undefined;

function openContext(): { context: vm.Context; doors: (emit: unknown, ask: unknown) => RealmDoors } {
  // No sandbox object at all: a `{}` of the host would leak as `this` of getters.
  const context = vm.createContext(vm.constants.DONT_CONTEXTIFY as unknown as vm.Context, {
    codeGeneration: { strings: false, wasm: false },
  });
  compiled ??= {
    realm: new vm.Script(realmSource, { filename: "realm" }),
    takeBoot: new vm.Script(TAKE_BOOT, { filename: "realm" }),
  };
  compiled.realm.runInContext(context);
  const doors = compiled.takeBoot.runInContext(context) as (emit: unknown, ask: unknown) => RealmDoors;
  return { context, doors };
}

/** Told around each entry into user code, so that the engine can say whose code does not come back. */
export interface Turnstile {
  /** `invocation` is 0 when it is not known; `first` when its handler is called. */
  enter(invocation: number, first: boolean): void;
  leave(): void;
}

const OPEN: Turnstile = { enter() {}, leave() {} };

export function openRealm(sink: RealmSink, turnstile: Turnstile = OPEN): RealmHost {
  const current = new AsyncLocalStorage<number>();
  const timers = new Map<number, ReturnType<typeof setTimeout>>();
  /** Whose service calls are under way: call to invocation. */
  const callers = new Map<number, number>();
  const { context, doors: boot } = openContext();

  const emit = (type: unknown, id: unknown, a: unknown, text: unknown, body: unknown, lasting: unknown): void => {
    if (typeof type !== "number" || typeof id !== "number" || typeof a !== "number" || typeof text !== "string") return;
    if (type === TIMER_START) return startTimer(id, a);
    if (type === TIMER_STOP) return stopTimer(id);
    if (type === CALL) callers.set(id, a);
    if (body === undefined || typeof body === "string") sink(type, id, a, text, body, false);
    else if (typeof body === "object" && body !== null) {
      const bytes = viewBytes(body);
      if (bytes) sink(type, id, a, text, bytes, lasting === true);
    }
  };

  const startTimer = (id: number, ms: number): void => {
    const owner = current.getStore() ?? 0;
    const strike = (): void => {
      timers.delete(id);
      turnstile.enter(owner, false);
      fireTimer(id);
      turnstile.leave();
    };
    timers.set(id, setTimeout(strike, ms));
  };
  const stopTimer = (id: number): void => {
    clearTimeout(timers.get(id));
    timers.delete(id);
  };

  let webAsk: ((op: number, a: unknown, b: unknown, c: unknown) => unknown) | null = null;
  const ask = (op: unknown, a: unknown, b: unknown, c: unknown): unknown => {
    if (op === ASK_CURRENT) return current.getStore() ?? 0;
    return webAsk && typeof op === "number" ? webAsk(op, a, b, c) : undefined;
  };

  // Recorded here, before user code runs; afterwards nothing is ever read from an object of the realm again.
  const recorded = boot(emit, ask);
  const { load, dispatch, bodyChunk, bodyEnd, cancel, credit, unhandled, alloc, refuseImport } = recorded;
  const { callResult, callChunk, callEnd, callTaken, fireTimer, left } = recorded;
  if (left !== "") throw new Error(`the realm still has ${left}: this build of the engine is not safe to run`);
  webAsk = makeAsk(alloc) as unknown as (op: number, a: unknown, b: unknown, c: unknown) => unknown;

  let room: Uint8Array | null = null;
  /** Bytes of the host become bytes of the realm: its own array, filled by a captured function. */
  const inward = (bytes: Uint8Array): Uint8Array => {
    if (bytes === room) {
      room = null;
      return bytes;
    }
    const copy = alloc(bytes.length);
    Reflect.apply(setBytes, copy, [bytes]);
    return copy;
  };

  return {
    room: (length) => (room = alloc(length)),
    load(input) {
      let code: unknown;
      const strict = input.form === "module" ? '"use strict";' : "";
      try {
        code = new vm.Script(`(function (exports, module, expose) {${strict}\n${input.code}\n})`, {
          filename: `script:${input.name}`,
          importModuleDynamically: refuseImport as never,
        }).runInContext(context);
      } catch {
        // The builder parses what it gives away, so this is a bundle that someone else wrote.
        return "the bundle is not JavaScript that can be compiled";
      }
      turnstile.enter(0, false);
      load(code, input.meta);
      turnstile.leave();
      return null;
    },
    dispatch(id, registration, kind, head, body) {
      turnstile.enter(id, true);
      current.run(id, dispatch, id, registration, kind, head, body === undefined ? undefined : inward(body));
      turnstile.leave();
    },
    bodyChunk(id, bytes) {
      turnstile.enter(id, false);
      bodyChunk(id, inward(bytes));
      turnstile.leave();
    },
    bodyEnd(id, failed, text) {
      turnstile.enter(id, false);
      current.run(id, bodyEnd, id, failed, text);
      turnstile.leave();
    },
    cancel(id, reason) {
      turnstile.enter(id, false);
      current.run(id, cancel, id, reason);
      turnstile.leave();
    },
    credit(id, bytes) {
      turnstile.enter(id, false);
      credit(id, bytes);
      turnstile.leave();
    },
    callResult(id, failed, text) {
      turnstile.enter(callers.get(id) ?? 0, false);
      callers.delete(id);
      callResult(id, failed, text);
      turnstile.leave();
    },
    callChunk(id, bytes) {
      turnstile.enter(0, false);
      callChunk(id, inward(bytes));
      turnstile.leave();
    },
    callEnd(id, failed, text) {
      turnstile.enter(0, false);
      callEnd(id, failed, text);
      turnstile.leave();
    },
    callTaken(id, bytes) {
      turnstile.enter(0, false);
      callTaken(id, bytes);
      turnstile.leave();
    },
    unhandled(error) {
      unhandled(error);
    },
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
