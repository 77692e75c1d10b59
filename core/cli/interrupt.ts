/** Ctrl-C, and being asked to end: so that a command can put away what it made. */

/** The exit code then, as shells have it for Ctrl-C. */
export const INTERRUPTED = 130;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Once. What is answered stops listening. */
export function onInterrupt(act: () => void): () => void {
  const off = (): void => {
    for (const signal of SIGNALS) process.off(signal, once);
  };
  const once = (): void => {
    off();
    act();
  };
  for (const signal of SIGNALS) process.on(signal, once);
  return off;
}
