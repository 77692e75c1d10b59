/** Values that outlive generations. */
import { expect, test } from "bun:test";
import { Keeper } from "../../../core/plugin/keep.ts";

test("a value is made once, shared by all that keep it, and disposed after the last", async () => {
  const keeper = new Keeper();
  let made = 0;
  const ended: number[] = [];
  const keep = (): ReturnType<typeof keeper.keep<number>> =>
    keeper.keep(
      "pool",
      () => ++made,
      (value) => void ended.push(value),
    );
  const first = keep();
  const second = keep();
  expect([first.value, second.value, made]).toEqual([1, 1, 1]);
  await first.release();
  await first.release();
  expect(ended).toEqual([]);
  await second.release();
  expect(ended).toEqual([1]);
  expect(keeper.size).toBe(0);
  expect(keep().value).toBe(2);
});

test("without a dispose function the value is only forgotten", async () => {
  const keeper = new Keeper();
  await keeper.keep("counter", () => 0).release();
  expect(keeper.size).toBe(0);
});
