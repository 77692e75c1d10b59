/** The table of problems: what clients may rely on. */
import { expect, test } from "bun:test";
import {
  isProblemCode,
  PROBLEMS,
  problemBody,
  ProblemError,
  type ProblemCode,
  type ProblemSpec,
} from "../../sdk/errors.ts";

const codes = Object.keys(PROBLEMS) as ProblemCode[];

test("every code is snake_case, has an error status and two whole sentences", () => {
  for (const code of codes) {
    const row = PROBLEMS[code];
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(row.status).toBeGreaterThanOrEqual(400);
    expect(row.status).toBeLessThan(600);
    expect(row.title.length).toBeGreaterThan(3);
    expect(row.meaning).toMatch(/^[A-Z].*\.$/);
    expect(row.fix).toMatch(/^[A-Z].*\.$/);
  }
});

test("the statuses that the interface promises are the ones in the table", () => {
  const promised: Partial<Record<ProblemCode, number>> = {
    not_found: 404,
    method_not_allowed: 405,
    bad_request: 400,
    invalid_input: 422,
    body_too_large: 413,
    header_too_large: 431,
    unauthenticated: 401,
    forbidden: 403,
    conflict: 409,
    too_many_requests: 429,
    deadline_exceeded: 504,
    cpu_exceeded: 503,
    uninterrupted_exceeded: 504,
    memory_exceeded: 503,
    overloaded: 503,
    response_too_large: 502,
    script_paused: 503,
    script_failed: 500,
    isolate_restarted: 503,
    internal: 500,
  };
  for (const [code, status] of Object.entries(promised)) {
    const row: ProblemSpec = PROBLEMS[code as ProblemCode];
    expect(row.status).toBe(status);
  }
});

test("a body names the code, the limit, its use and its key", () => {
  const limit = { name: "wallMs", value: 10, used: 12, key: "scripts.a.limits.wallMs" };
  const error = new ProblemError("deadline_exceeded", "a took 12 ms", { limit });
  expect(problemBody(error, "id-1")).toEqual({
    type: "urn:aiwebengine:problem:deadline_exceeded",
    title: "Deadline exceeded",
    status: 504,
    detail: "a took 12 ms",
    code: "deadline_exceeded",
    id: "id-1",
    limit,
  });
});

test("neither cause nor dev details reach a caller unless the engine runs with --dev", () => {
  const error = new ProblemError("script_failed", "the script failed", {
    cause: new Error("password=hunter2"),
    dev: { file: "a.ts", line: 3, stack: "Error: password=hunter2" },
  });
  expect(JSON.stringify(problemBody(error, "x"))).not.toContain("hunter2");
  expect(problemBody(error, "x", true).dev).toEqual({ file: "a.ts", line: 3, stack: "Error: password=hunter2" });
});

test("names inherited from Object.prototype are no codes", () => {
  for (const name of ["constructor", "__proto__", "toString"]) expect(isProblemCode(name)).toBe(false);
  expect(isProblemCode("not_found")).toBe(true);
});
