/**
 * Attacks on designs that are known to be open. Run by itself it takes the number of a design, runs all controlled attacks
 * on it, and prints the names of those that found a hole: a process of its own, since what they leave unhandled would
 * otherwise meet the test runner.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import vm from "node:vm";
import { attackFunction, type Attack } from "./attack.ts";
import { ATTACKS } from "./attacks/index.ts";
import { toolbox, type Findings } from "./toolbox.ts";

export const CANARY = "canary-of-the-controls";
const TIMEOUT_MS = 3000;

/** What the attacks use of a context, made of the realm's own objects. */
const SURROUNDINGS = `
  globalThis.setTimeout ??= (f, ms) => { Promise.resolve().then(f); return 1; };
  globalThis.setInterval ??= () => 1; globalThis.clearTimeout ??= () => {}; globalThis.clearInterval ??= () => {};
  globalThis.queueMicrotask ??= (f) => { Promise.resolve().then(f); };
  globalThis.console ??= { log() {} };
  globalThis.AbortController ??= class { signal = {}; abort() { this.signal.onabort?.(); } };
  const ctx = { query: {}, headers: {}, kv: {}, log: {}, emit: globalThis.emit };
`;

const NO_CODE = { codeGeneration: { strings: false, wasm: false } };

export const DESIGNS: readonly (readonly [name: string, open: () => vm.Context])[] = [
  [
    "a plain vm context that is given host functions",
    () => vm.createContext({ emit: (text: unknown) => text }, NO_CODE),
  ],
  [
    "a vanilla vm context without hardening",
    () => vm.createContext(vm.constants.DONT_CONTEXTIFY as unknown as object, NO_CODE),
  ],
];

/** A file that an escape can read. */
export async function withCanary<T>(run: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "aiwebengine-controls-"));
  try {
    const path = join(folder, "canary.txt");
    await writeFile(path, CANARY);
    return await run(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The attack in a fresh context of an open design, in this process: only the suite's own payloads run here. */
export async function attackOpenDesign(open: () => vm.Context, attack: Attack, canary: string): Promise<Findings> {
  const source = `(async () => { ${toolbox(canary)} ${SURROUNDINGS} await t.run(() => (${attackFunction(attack)})(ctx, t)); return t.answer(); })()`;
  const answer = vm.runInContext(source, open()) as Promise<string>;
  const late = Bun.sleep(TIMEOUT_MS).then(() => '{"done":false,"found":[],"seen":0,"note":"timed out"}');
  return JSON.parse(await Promise.race([answer, late])) as Findings;
}

if (import.meta.main) {
  const [, open] = DESIGNS[Number(process.argv[2])] ?? [];
  if (open === undefined) throw new Error(`there is no design ${process.argv[2]}`);
  process.on("unhandledRejection", () => {});
  process.on("uncaughtException", () => {});
  await withCanary(async (canary) => {
    for (const attack of ATTACKS.filter((one) => one.control === true)) {
      const { found } = await attackOpenDesign(open, attack, canary);
      if (found.length > 0) process.stdout.write(`${attack.name}\n`);
    }
  });
  process.exit(0);
}
