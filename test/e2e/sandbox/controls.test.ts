/** Negative controls: on designs that are known to be open, the attacks must find the known holes. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Attack } from "./attack.ts";
import { ATTACKS } from "./attacks/index.ts";
import { attackOpenDesign, CANARY, DESIGNS, withCanary } from "./open-design.ts";

const byName = (name: string): Attack => {
  const attack = ATTACKS.find((one) => one.name === name);
  if (attack === undefined) throw new Error(`The table has no attack ${name}.`);
  return attack;
};

describe.each(DESIGNS.map(([name, open], index) => [name, open, index] as const))("on %s", (_, open, index) => {
  const found = (name: string): Promise<string> =>
    withCanary(async (canary) => (await attackOpenDesign(open, byName(name), canary)).found.join("\n"));

  test("the rejection of import() leads the suite to the host", async () => {
    const text = await found("import-rejection");
    expect(text).toContain("escaped:");
    expect(text).toContain(`pid ${process.pid}`);
  });

  test("Error.prepareStackTrace leads the suite to the host", async () => {
    expect(await found("stack-prepare-own")).toContain("escaped:");
  });

  test("an escape reads the canary, so that its absence elsewhere means something", async () => {
    expect(await found("import-rejection")).toContain(CANARY);
  });

  test("the controlled attacks run to their end, and several of them find a hole", async () => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "open-design.ts"), String(index)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const finders = (await new Response(child.stdout).text()).trim().split("\n");
    expect(await child.exited).toBe(0);
    expect(finders.length).toBeGreaterThanOrEqual(5);
  }, 60_000);
});

test("a host function that is passed in is found by walking the global", async () => {
  const [, open] = DESIGNS[0]!;
  const { found } = await withCanary((canary) => attackOpenDesign(open, byName("walk-global"), canary));
  expect(found.join("\n")).toContain("escaped: globalThis.emit");
});
