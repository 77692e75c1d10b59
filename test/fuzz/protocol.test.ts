/** The protocol fuzzer, short: lies on the wire neither crash the engine, nor stall it, nor confuse its callers. */
import { expect, test } from "bun:test";
import { fuzzChildren, fuzzDecoder, fuzzIsolates, STALL_MS } from "./protocol.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000);

test(`frames cut anywhere arrive whole, and garbage is refused (FUZZ_SEED=${seed})`, () => {
  expect(fuzzDecoder(300, seed)).toEqual([]);
});

test("children that lie on the wire harm only their own script's callers, who all get an answer in time", async () => {
  const { faults, hostileCalls, honestCalls, kills, stallMs } = await fuzzIsolates(3000, seed);
  expect(faults).toEqual([]);
  expect(hostileCalls).toBeGreaterThan(20);
  expect(honestCalls).toBeGreaterThan(20);
  expect(kills).toBeGreaterThan(3);
  expect(stallMs).toBeLessThan(STALL_MS * 2);
}, 30_000);

test("the same from processes on real sockets", async () => {
  const { faults, hostileCalls, honestCalls, kills } = await fuzzChildren(3000);
  expect(faults).toEqual([]);
  expect(hostileCalls).toBeGreaterThan(20);
  expect(honestCalls).toBeGreaterThan(10);
  expect(kills).toBeGreaterThan(3);
}, 30_000);
