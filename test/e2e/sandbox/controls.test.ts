/** Negative controls: on designs that are known to be open, the attacks must find the known holes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import vm from "node:vm";
import { attackFunction, type Attack } from "./attack.ts";
import { ATTACKS } from "./attacks/index.ts";
import { toolbox, type Findings } from "./toolbox.ts";

const CANARY = "canary-of-the-controls";
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

let folder: string;
let canary: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aiwebengine-controls-"));
  canary = join(folder, "canary.txt");
  await writeFile(canary, CANARY);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const designs: readonly (readonly [name: string, open: () => vm.Context])[] = [
  [
    "a plain vm context that is given host functions",
    () => vm.createContext({ emit: (text: unknown) => text }, NO_CODE),
  ],
  [
    "a vanilla vm context without hardening",
    () => vm.createContext(vm.constants.DONT_CONTEXTIFY as unknown as object, NO_CODE),
  ],
];
const NO_CODE = { codeGeneration: { strings: false, wasm: false } };

/** The attack in a fresh context of an open design, in this process: only the suite's own payloads run here. */
async function attackOpenDesign(open: () => vm.Context, attack: Attack): Promise<Findings> {
  const source = `(async () => { ${toolbox(canary)} ${SURROUNDINGS} await t.run(() => (${attackFunction(attack)})(ctx, t)); return t.answer(); })()`;
  const answer = vm.runInContext(source, open()) as Promise<string>;
  const late = Bun.sleep(TIMEOUT_MS).then(() => '{"done":false,"found":[],"seen":0,"note":"timed out"}');
  return JSON.parse(await Promise.race([answer, late])) as Findings;
}

const byName = (name: string): Attack => {
  const attack = ATTACKS.find((one) => one.name === name);
  if (attack === undefined) throw new Error(`The table has no attack ${name}.`);
  return attack;
};

describe.each(designs)("on %s", (_, open) => {
  test("the rejection of import() leads the suite to the host", async () => {
    const { found } = await attackOpenDesign(open, byName("import-rejection"));
    expect(found.join("\n")).toContain("escaped:");
    expect(found.join("\n")).toContain(`pid ${process.pid}`);
  });

  test("Error.prepareStackTrace leads the suite to the host", async () => {
    const { found } = await attackOpenDesign(open, byName("stack-prepare-own"));
    expect(found.join("\n")).toContain("escaped:");
  });

  test("an escape reads the canary, so that its absence elsewhere means something", async () => {
    const { found } = await attackOpenDesign(open, byName("import-rejection"));
    expect(found.join("\n")).toContain(CANARY);
  });

  test("the controlled attacks run to their end, and several of them find a hole", async () => {
    const finders: string[] = [];
    for (const attack of ATTACKS.filter((one) => one.control === true)) {
      const findings = await attackOpenDesign(open, attack);
      if (findings.found.length > 0) finders.push(attack.name);
    }
    expect(finders.length).toBeGreaterThanOrEqual(5);
  }, 60_000);
});

test("a host function that is passed in is found by walking the global", async () => {
  const { found } = await attackOpenDesign(designs[0]![1], byName("walk-global"));
  expect(found.join("\n")).toContain("escaped: globalThis.emit");
});
