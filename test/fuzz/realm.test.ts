/** The realm fuzzer, short: nothing of another realm is reachable; and on an open design it would see it. */
import { expect, test } from "bun:test";
import { fuzzRealm } from "./realm.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000);

test(`calls with odd arguments reach no object of another realm (FUZZ_SEED=${seed})`, async () => {
  const { calls, found } = await fuzzRealm(3000, seed);
  expect(found).toEqual([]);
  expect(calls).toBeGreaterThan(1000);
}, 30_000);

test("on a context that nobody hardened the fuzzer finds both known holes", async () => {
  let text = "";
  const both = (): boolean => text.includes("import()") && text.includes("prepareStackTrace");
  // Chance decides how soon: mostly in the first three seconds.
  for (let turn = 0; turn < 8 && !both(); turn++) {
    text += (await fuzzRealm(3000, seed + turn * 104_729, "--open")).found.join("\n");
  }
  expect(text).toContain("import()");
  expect(text).toContain("prepareStackTrace");
}, 60_000);
