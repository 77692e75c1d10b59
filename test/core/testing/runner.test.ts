/** The order of hooks and cases, and what a failure stops, with steps that only take notes. */
import { describe, expect, test } from "bun:test";
import type { StepData, StepResult } from "../../../core/isolate/testing/seam.ts";
import type { ScriptData } from "../../../core/testing/data.ts";
import { Runner, type RunnerOptions } from "../../../core/testing/runner.ts";
import type { Json } from "../../../core/script/types.ts";
import { ProblemError } from "../../../sdk/errors.ts";

const OK: StepResult = { ok: true };
const FAILED: StepResult = { ok: false, failure: { name: "Error", message: "it failed", stack: "" } };

type Spec = readonly [
  label: string,
  data: Partial<StepData> & { readonly kind: StepData["kind"]; readonly hook?: string },
];

/** Groups by their path: `outer/inner`. */
function groupsOf(path: string) {
  const ids: { readonly [name: string]: number } = { outer: 1, inner: 2, other: 3 };
  return path === "" ? [] : path.split("/").map((name) => ({ id: ids[name] as number, name }));
}

const hook = (kind: string, group = ""): Spec => [
  `${kind} ${group}`.trim(),
  { kind: "hook", hook: kind, groups: groupsOf(group) } as Spec[1],
];
const one = (name: string, group = "", more: { readonly skip?: boolean; readonly only?: boolean } = {}): Spec => [
  name,
  { kind: "case", name, skip: false, only: false, timeoutMs: 100, groups: groupsOf(group), ...more } as Spec[1],
];

async function play(
  specs: readonly Spec[],
  outcome: (label: string) => StepResult | Error = () => OK,
  filter: RegExp | null = null,
) {
  const notes: string[] = [];
  const all: readonly Spec[] = [...specs, ["stage", { kind: "stage" }]];
  const steps = all.map(([, data], id) => {
    const whole = { file: "a.test.ts", groups: [], line: 1, ...data } as unknown as Json;
    return { id, fn: "", point: "", options: {}, definitions: {}, schemas: {}, callable: true, data: whole };
  });
  const actor: RunnerOptions["actor"] = {
    steps,
    data: { save: () => null, restore() {}, forget() {} } as unknown as ScriptData,
    async call({ id }, payload) {
      const [label] = all[id] as Spec;
      notes.push(label === "stage" ? String(payload) : label);
      const result = outcome(label);
      if (result instanceof Error) throw result;
      return result;
    },
    renew: () => void notes.push("renew"),
  };
  const runner = new Runner({ actor, filter, read: () => undefined, seen: () => [], killed: () => null });
  const results = await runner.run("a.test.ts");
  return { notes, outcomes: results.map(({ name, outcome: end }) => `${name} ${end}`), results };
}

test("hooks run outermost first before a case, innermost first after it, and groups are left before the next", async () => {
  const { notes } = await play([
    hook("beforeAll"),
    hook("beforeEach"),
    hook("afterEach"),
    hook("afterAll"),
    hook("beforeAll", "outer"),
    hook("beforeEach", "outer"),
    hook("afterEach", "outer"),
    hook("afterAll", "outer"),
    one("first", "outer"),
    one("second"),
  ]);
  expect(notes).toEqual([
    ...["beforeAll", "beforeAll outer"],
    ...["begin", "beforeEach", "beforeEach outer", "first", "afterEach outer", "afterEach", "end"],
    ...["afterAll outer", "begin", "beforeEach", "second", "afterEach", "end", "afterAll"],
  ]);
});

test("skipped cases, and those beside `only`, run nothing: not even the hooks of their group", async () => {
  const specs = [
    hook("beforeAll", "outer"),
    one("a", "outer"),
    one("b", "", { only: true }),
    one("c", "", { skip: true }),
  ];
  const { notes, outcomes } = await play(specs);
  expect(notes).toEqual(["begin", "b", "end"]);
  expect(outcomes).toEqual(["a skipped", "b passed", "c skipped"]);
});

test("a filter is held against the groups, too, and leaves the others out", async () => {
  const { outcomes } = await play([one("a", "outer/inner"), one("b")], undefined, /outer > inner > a/);
  expect(outcomes).toEqual(["a passed"]);
});

describe("what fails", () => {
  test("a case that fails is tidied up after", async () => {
    const { notes, outcomes } = await play([hook("afterEach"), one("a"), one("b")], (label) =>
      label === "a" ? FAILED : OK,
    );
    expect(outcomes).toEqual(["a failed", "b passed"]);
    expect(notes.slice(0, 4)).toEqual(["begin", "a", "afterEach", "end"]);
  });

  test("a beforeAll that fails fails each case of its group, once run, and no other", async () => {
    const specs = [hook("beforeAll", "outer"), one("a", "outer"), one("b", "outer"), one("c")];
    const { notes, outcomes } = await play(specs, (label) => (label === "beforeAll outer" ? FAILED : OK));
    expect(outcomes).toEqual(["a failed", "b failed", "c passed"]);
    expect(notes).toEqual(["beforeAll outer", "begin", "c", "end"]);
  });

  test("a beforeEach that fails stands for its case", async () => {
    const { notes, results } = await play([hook("beforeEach"), one("a")], (label) =>
      label === "beforeEach" ? FAILED : OK,
    );
    expect(notes).toEqual(["begin", "beforeEach", "end"]);
    expect(results[0]?.failures.map(({ message }) => message)).toEqual(["it failed"]);
  });

  test("an afterAll that fails fails the last case", async () => {
    const { outcomes } = await play([hook("afterAll"), one("a"), one("b")], (label) =>
      label === "afterAll" ? FAILED : OK,
    );
    expect(outcomes).toEqual(["a passed", "b failed"]);
  });

  test("a case that took its isolate along is followed by a fresh one, whose hooks run again", async () => {
    const killed = new ProblemError("uninterrupted_exceeded", "it passed limits.uninterruptedMs");
    const { notes, results } = await play([hook("beforeAll"), hook("afterEach"), one("a"), one("b")], (label) =>
      label === "a" ? killed : OK,
    );
    expect(notes).toEqual([
      ...["beforeAll", "begin", "a", "renew"],
      ...["beforeAll", "begin", "b", "afterEach", "end"],
    ]);
    expect(results[0]?.failures[0]).toMatchObject({ code: "uninterrupted_exceeded", message: killed.detail });
    expect(results[1]?.outcome).toBe("passed");
  });

  test("what nobody caught until the end of a case fails it", async () => {
    let cases = 0;
    const { outcomes } = await play([one("a"), one("b")], (label) => {
      if (label === "a" || label === "b") cases++;
      return label === "stage" && cases === 2 ? FAILED : OK;
    });
    expect(outcomes).toEqual(["a passed", "b failed"]);
  });

  test("a case past its time says so, and what it left running does not meet the next one", async () => {
    const late = new ProblemError("deadline_exceeded", "limits.wallMs");
    const { notes, results } = await play([one("a"), one("b")], (label) => (label === "a" ? late : OK));
    expect(notes).toEqual(["begin", "a", "renew", "begin", "b", "end"]);
    expect(results[0]?.failures[0]?.message).toBe("It took longer than its timeoutMs (100).");
  });
});
