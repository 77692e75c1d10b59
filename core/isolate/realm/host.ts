/**
 * The realm's only two doors to its host (docs/sandbox.md, I1). They are bound once, before user code runs, and are
 * only ever called directly: never passed on, never a receiver, never stored where a script could reach them.
 *
 * Everything below `core/isolate/realm/` is bundled into one classic script and evaluated inside each realm; it may
 * use nothing of Bun or Node, and must capture what it needs of the intrinsics before user code can patch them.
 */

export type Primitive = string | number | boolean | bigint | undefined | null;

/**
 * Sends one message outward; primitives, and one byte array, only. `type` is a `Frame` of `core/isolate/frames.ts`.
 * `lasting`: no script has the bytes of `body`, so they need not be copied while they wait for the socket.
 */
export type Emit = (
  type: number,
  id: number,
  a: number,
  text: string,
  body: string | Uint8Array | undefined,
  lasting: boolean,
) => void;

/** A synchronous operation of the host; `op` is an `Op` of `ops.ts`. Answers a primitive or a realm byte array. */
export type Ask = (
  op: number,
  a?: Primitive | Uint8Array,
  b?: Primitive | Uint8Array,
  c?: Primitive | Uint8Array,
) => unknown;

let emitDoor: Emit;
let askDoor: Ask;

export function bindHost(emit: Emit, ask: Ask): void {
  emitDoor = emit;
  askDoor = ask;
}

/** Sends outward. A failure of the host (a host error must never be seen) becomes an error of this realm. */
export function emit(
  type: number,
  id: number,
  a: number,
  text: string,
  body?: string | Uint8Array,
  lasting = false,
): void {
  let failed = false;
  try {
    emitDoor(type, id, a, text, body, lasting);
  } catch {
    failed = true;
  }
  if (failed) throw new Error("the host refused the message");
}

/** Asks the host. A failure becomes a TypeError of this realm; callers that need a better one check first. */
export function ask(
  op: number,
  a?: Primitive | Uint8Array,
  b?: Primitive | Uint8Array,
  c?: Primitive | Uint8Array,
): unknown {
  let failed = false;
  let answer: unknown;
  try {
    answer = askDoor(op, a, b, c);
  } catch {
    failed = true;
  }
  if (failed) throw new TypeError("the host refused the call");
  return answer;
}
