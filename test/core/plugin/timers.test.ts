/** The timers of a dropped plugin: they do what timers do, and none outlives the plugin. */
import { expect, test } from "bun:test";
import { Timers } from "../../../core/plugin/evaluate.ts";

test("a timeout calls with its arguments, once, and is then forgotten", async () => {
  const timers = new Timers();
  const called = Promise.withResolvers<unknown[]>();
  timers.given.setTimeout((...args) => called.resolve(args), 1, "a", 2);
  expect(await called.promise).toEqual(["a", 2]);
  expect(timers.end()).toBe(0);
});

test("an interval calls again and again until it is cleared", async () => {
  const timers = new Timers();
  const calls: unknown[] = [];
  const enough = Promise.withResolvers<void>();
  const interval = timers.given.setInterval(
    (...args) => {
      calls.push(args);
      if (calls.length < 3) return;
      timers.given.clearInterval(interval);
      enough.resolve();
    },
    1,
    "a",
  );
  await enough.promise;
  await Bun.sleep(10);
  expect(calls).toEqual([["a"], ["a"], ["a"]]);
  expect(timers.end()).toBe(0);
});

test("what was cleared does not call, and clearing nothing does nothing", async () => {
  const timers = new Timers();
  let calls = 0;
  timers.given.clearTimeout(timers.given.setTimeout(() => calls++, 1));
  timers.given.clearTimeout(undefined);
  await Bun.sleep(10);
  expect(calls).toBe(0);
});

test("at the end nothing calls any more, and intervals that were left are counted", async () => {
  const timers = new Timers();
  let calls = 0;
  timers.given.setTimeout(() => calls++, 1);
  timers.given.setInterval(() => calls++, 1);
  timers.given.setInterval(() => calls++, 1);
  expect(timers.end()).toBe(2);
  await Bun.sleep(10);
  expect(calls).toBe(0);
  expect(timers.end()).toBe(0);
});
