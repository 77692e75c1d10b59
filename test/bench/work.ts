/** The CPU-bound work that handlers are measured with. Its source text also goes into a script: it may use nothing outside. */

/** Does the work so many times and answers the milliseconds that it took. */
export function work(kind: string, times: number): number {
  const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2));
  const json = JSON.stringify(
    Array.from({ length: 12_000 }, (_, i) => ({ id: i, name: `item ${i}`, tags: ["a", "b"], price: i / 7 })),
  );
  const words = Array.from({ length: 100_000 }, (_, i) => `key ${(i * 2654435761) % 1_000_003}`);
  let kept = 0;
  const start = performance.now();
  for (let i = 0; i < times; i++) {
    if (kind === "fib") kept += fib(27);
    else if (kind === "json") kept += JSON.stringify(JSON.parse(json)).length;
    else kept += words.slice().sort()[i]?.length ?? 0;
  }
  const ms = performance.now() - start;
  if (kept === 0) throw new Error("the work was not done");
  return ms;
}

/** How often each kind is done in one sample: a script's clock counts whole milliseconds. */
export const TIMES = { fib: 20, json: 8, sort: 2 } as const;
export type WorkKind = keyof typeof TIMES;
