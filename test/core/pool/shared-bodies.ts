/** Memory for long bodies as an isolate shares it with the engine, without another process. */
import { WORD_FROM_ISOLATE, WORD_TO_ISOLATE } from "../../../core/isolate/frames.ts";
import type { SharedBodies } from "../../../core/isolate/jail/page.ts";
import { RING_BYTES, type RingMemory } from "../../../core/isolate/ring.ts";

export function bodiesInMemory(): SharedBodies {
  const words = new Int32Array(16);
  const ring = (word: number): RingMemory => {
    const bytes = Buffer.alloc(RING_BYTES);
    return { bytes: () => bytes, words, word };
  };
  const bodies = { toIsolate: ring(WORD_TO_ISOLATE), fromIsolate: ring(WORD_FROM_ISOLATE) };
  const release = (): void => {
    for (const { bytes } of [bodies.toIsolate, bodies.fromIsolate]) bytes().fill(0);
  };
  return { ...bodies, release };
}
