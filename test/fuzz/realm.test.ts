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
  const { found } = await fuzzRealm(3000, seed, "--open");
  const text = found.join("\n");
  expect(text).toContain("import()");
  expect(text).toContain("prepareStackTrace");
}, 30_000);
