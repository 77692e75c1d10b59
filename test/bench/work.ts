/** The CPU-bound work that handlers are measured with. Its source text also goes into a script: it may use nothing outside. */

export type WorkKind = "fib" | "json" | "sort" | "none";

/** Makes the function that does the work; its material is made once, at the first call. */
export function makeWork(): (kind: string) => number {
  const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2));
  let json = "";
  let words: string[] = [];
  return (kind) => {
    if (kind === "none") return 1;
    // Three times: one alone would drown in what a request costs.
    if (kind === "fib") return fib(27) + fib(27) + fib(27);
    if (kind === "json") {
      json ||= JSON.stringify(
        Array.from({ length: 15_500 }, (_, i) => ({ id: i, name: `item ${i}`, tags: ["a", "b"], price: i / 7 })),
      );
      return JSON.stringify(JSON.parse(json)).length;
    }
    if (words.length === 0) words = Array.from({ length: 100_000 }, (_, i) => `key ${(i * 2654435761) % 1_000_003}`);
    return words.slice().sort().length;
  };
}
