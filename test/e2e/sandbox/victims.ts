/** Two peaceful scripts that are called all the time: what an attack costs others shows here. */
import type { Engine } from "../engine.ts";

export const VICTIMS: Readonly<Record<string, string>> = {
  "victim.js": `registerWebHandler("GET /victim", (ctx) => "victim " + ctx.query.n);\n`,
  "bystander.js": `let calls = 0;\nregisterWebHandler("GET /bystander", async (ctx) => { calls++; await null; return { n: ctx.query.n, clean: {}.polluted === undefined && [].then === undefined }; });\n`,
};

const PAUSE_MS = 5;

export class VictimLoad {
  calls = 0;
  readonly failures: string[] = [];
  #worstMs = 0;
  #stopped = false;
  readonly #loops: readonly Promise<void>[];

  constructor(engine: Engine) {
    this.#loops = [
      this.#loop(engine, "/victim", (n) => `victim ${n}`),
      this.#loop(engine, "/bystander", (n) => `{"n":"${n}","clean":true}`),
    ];
  }

  /** The slowest answer since the last time this was asked. */
  takeWorstMs(): number {
    const worst = this.#worstMs;
    this.#worstMs = 0;
    return worst;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  async #loop(engine: Engine, path: string, expected: (n: number) => string): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const start = performance.now();
      try {
        // `keepalive`: on a used connection Bun's fetch would send again what was cut off, and hide a failure.
        const response = await engine.fetch(`${path}?n=${n}`, {
          keepalive: false,
          signal: AbortSignal.timeout(10_000),
        });
        const text = await response.text();
        if (response.status !== 200 || text !== expected(n))
          this.failures.push(`${path}: ${response.status} ${text.slice(0, 200)}`);
      } catch (error) {
        this.failures.push(`${path}: ${String(error)}`);
      }
      this.calls++;
      this.#worstMs = Math.max(this.#worstMs, performance.now() - start);
      await Bun.sleep(PAUSE_MS);
    }
  }
}
