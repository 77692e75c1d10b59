/** Misbehaves on request, to see what the engine does about it. Other scripts notice nothing. */
import { registerWebHandler } from "@aiwebengine/sdk";

/** Does not yield: killed after `limits.uninterruptedMs`. */
registerWebHandler("GET /spin/loop", () => {
  for (;;);
});

/** Keeps allocating: killed at `limits.memoryBytes`. */
registerWebHandler("GET /spin/memory", () => {
  const kept: Uint8Array[] = [];
  for (;;) kept.push(new Uint8Array(1_048_576).fill(1));
});

/** A regular expression that takes quadratic time, inside one native call that nothing in the isolate can stop. */
registerWebHandler("GET /spin/regex", () => /\s+$/.test(`${" ".repeat(400_000)}x`));

/** Waits for what never comes: answered 504 at `limits.wallMs`; the isolate lives on. */
registerWebHandler("GET /spin/wait", () => new Promise<string>(() => {}));

/** Throws: the caller sees an id, the log has the rest. */
registerWebHandler("GET /spin/throw", () => {
  throw new Error("thrown on request");
});

/** Behaves. */
registerWebHandler("GET /spin", () => ({ try: ["loop", "memory", "regex", "wait", "throw"] }));
