/** The order of plugins: needs before wishes, wishes before names, and a sentence for what cannot be. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { OrderProblem, orderPlugins, type Ordered } from "../../../core/plugin/order.ts";

function plugin(name: string, rest: Partial<Ordered> = {}): Ordered {
  return { name, requires: [], provides: [], before: [], after: [], ...rest };
}

function order(plugins: readonly Ordered[], given: readonly string[] = []): string {
  return orderPlugins(plugins, given)
    .map(({ name }) => name)
    .join(" ");
}

function problem(plugins: readonly Ordered[], given: readonly string[] = []): OrderProblem {
  try {
    orderPlugins(plugins, given);
  } catch (error) {
    if (error instanceof OrderProblem) return error;
    throw error;
  }
  throw new Error("they were ordered");
}

describe("order", () => {
  test("names decide where nothing else does, however the plugins come", () => {
    expect(order([plugin("b"), plugin("c"), plugin("a")])).toBe("a b c");
  });

  test("who provides comes before who requires", () => {
    expect(order([plugin("a", { requires: ["store"] }), plugin("z", { provides: ["store"] })])).toBe("z a");
  });

  test("a plugin's own name is a capability", () => {
    expect(order([plugin("a", { requires: ["z"] }), plugin("z")])).toBe("z a");
  });

  test("the engine's capabilities need no plugin", () => {
    expect(order([plugin("a", { requires: ["engine"] })], ["engine"])).toBe("a");
  });

  test("before and after are heeded, by name and by capability", () => {
    expect(order([plugin("a", { after: ["z"] }), plugin("z")])).toBe("z a");
    expect(order([plugin("a"), plugin("z", { before: ["cache"] }), plugin("b", { provides: ["cache"] })])).toBe(
      "a z b",
    );
  });

  test("wishes for plugins that are not there are ignored", () => {
    expect(order([plugin("b", { before: ["x"], after: ["y"] }), plugin("a")])).toBe("a b");
  });

  test("a wish for itself is ignored", () => {
    expect(order([plugin("a", { before: ["a"], after: ["a"], requires: ["a"] })])).toBe("a");
  });

  test("* before all, also before those that a need of its own would let go first", () => {
    expect(order([plugin("a"), plugin("b"), plugin("z", { before: ["*"] })])).toBe("z a b");
    expect(order([plugin("a"), plugin("y"), plugin("z", { before: ["*"], requires: ["y"] })])).toBe("y z a");
  });

  test("* after all", () => {
    expect(order([plugin("a", { after: ["*"] }), plugin("b"), plugin("c")])).toBe("b c a");
  });

  test("two that want to be first are ordered by name, and both are before the others", () => {
    expect(order([plugin("a"), plugin("y", { before: ["*"] }), plugin("x", { before: ["*"] })])).toBe("x y a");
  });

  test("a stronger wish goes before *", () => {
    expect(order([plugin("a", { before: ["z"] }), plugin("z", { before: ["*"] }), plugin("b")])).toBe("a z b");
  });

  test("a missing need is refused, with both names, what to do, and what was perhaps meant", () => {
    const found = problem([plugin("shop", { requires: ["databse"] }), plugin("pg", { provides: ["database"] })]);
    expect(found.plugin).toBe("shop");
    expect(found.message).toBe(
      'The plugin "shop" requires "databse", which no plugin provides: add or enable one that does, or disable "shop" (plugins.shop.enabled = false). Did you mean "database"?',
    );
  });

  test("two providers of one capability are refused, and both named", () => {
    const found = problem([plugin("a", { provides: ["cache"] }), plugin("b", { provides: ["cache"] })]);
    expect(found.message).toContain('both "a" and "b" provide "cache"');
    expect(found.plugin).toBe("b");
  });

  test("what the engine provides cannot be provided by a plugin", () => {
    expect(problem([plugin("a", { provides: ["engine"] })], ["engine"]).message).toContain('both the engine and "a"');
  });

  test("a circle is refused, and its members are named in their order", () => {
    const found = problem([
      plugin("a", { before: ["b"] }),
      plugin("b", { before: ["c"] }),
      plugin("c", { before: ["a"] }),
    ]);
    expect(found.message).toMatch(/"(a|b|c)" before "(a|b|c)" before "(a|b|c)" before "(a|b|c)"/);
    expect(found.message).toContain("take back one of their wishes");
  });

  test("a circle of needs is refused as well", () => {
    expect(problem([plugin("a", { requires: ["b"] }), plugin("b", { requires: ["a"] })]).message).toContain("before");
  });

  test("any plugins: all are in the order once, every wish holds, and the same set gives the same order", () => {
    const name = fc.constantFrom("a", "b", "c", "d", "e", "f");
    const some = fc.uniqueArray(
      fc.record({ name, before: fc.array(name, { maxLength: 2 }), after: fc.array(name, { maxLength: 2 }) }),
      { selector: (one) => one.name, maxLength: 6 },
    );
    fc.assert(
      fc.property(some, fc.infiniteStream(fc.nat()), (plugins, shuffle) => {
        const all = plugins.map(({ name: one, ...rest }) => plugin(one, rest));
        let sorted: readonly string[];
        try {
          sorted = orderPlugins(all, []).map((one) => one.name);
        } catch (error) {
          expect(error).toBeInstanceOf(OrderProblem);
          return;
        }
        expect([...sorted].sort()).toEqual(all.map((one) => one.name).sort());
        for (const one of all) {
          const at = sorted.indexOf(one.name);
          for (const other of one.before) {
            if (other !== one.name && sorted.includes(other)) expect(at).toBeLessThan(sorted.indexOf(other));
          }
          for (const other of one.after) {
            if (other !== one.name && sorted.includes(other)) expect(at).toBeGreaterThan(sorted.indexOf(other));
          }
        }
        const shuffled = [...all].sort(() => ((shuffle.next().value ?? 0) % 2 === 0 ? 1 : -1));
        expect(orderPlugins(shuffled, []).map((one) => one.name)).toEqual([...sorted]);
      }),
    );
  });
});
