import { describe, expect, test } from "bun:test";
import { BadAnswer, failureProblem, firstFrame, makeResponse, readFailure } from "../../../core/pool/answer.ts";
import { ProblemError } from "../../../sdk/errors.ts";

describe("a response", () => {
  test("has the usual headers by one character", () => {
    const type = (kind: string, body: string | Uint8Array | null): string | null =>
      makeResponse(200, kind, body).headers.get("content-type");
    for (const body of ["x", null, new Uint8Array(1)]) {
      expect(["", "j", "h"].map((kind) => type(kind, body))).toEqual([
        "text/plain;charset=utf-8",
        "application/json",
        "text/html;charset=utf-8",
      ]);
    }
    expect([...makeResponse(200, "n", null).headers]).toEqual([]);
  });

  test("keeps repeated cookies apart", () => {
    const response = makeResponse(200, JSON.stringify(["set-cookie", "a=1", "Set-Cookie", "b=2"]), "x");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  test("never has a body where HTTP has none", async () => {
    for (const status of [204, 205, 304]) {
      const response = makeResponse(status, "n", "some text");
      expect([response.status, await response.text()]).toEqual([status, ""]);
    }
  });

  test("is refused with a status or headers that cannot be sent", () => {
    for (const status of [0, 99, 100, 101, 199, 600, 65535])
      expect(() => makeResponse(status, "n", null)).toThrow(BadAnswer);
    const bad = [
      "{",
      "null",
      "{}",
      '["a"]',
      "[1,2]",
      '["a b","c"]',
      '["","c"]',
      '["a","b\\nc"]',
      '["a","b\\rc"]',
      '["a","\\u0000"]',
      '["a","\\u010d\\u010a"]',
    ];
    for (const headers of bad) expect(() => makeResponse(200, headers, null)).toThrow(BadAnswer);
  });
});

describe("a failure", () => {
  test("is read from anything at all", () => {
    for (const json of [
      "",
      "{",
      "null",
      "1",
      "[]",
      '"x"',
      '{"kind":{"a":1},"stack":[],"status":"500","errors":"x","headers":null}',
    ]) {
      const failure = readFailure(json);
      expect(typeof failure.kind + typeof failure.name + typeof failure.message + typeof failure.stack).toBe(
        "stringstringstringstring",
      );
      expect(failure.status).toBe(undefined);
    }
  });

  test("is cut where it is too long, and keeps no header of the engine", () => {
    const long = "x".repeat(20_000);
    const headers = {
      connection: "close",
      "Content-Type": "text/evil",
      "content-length": "1",
      "x-own": "y",
      number: 1,
    };
    const errors = Array(120).fill({ path: long, message: long, expected: long, more: long });
    const failure = readFailure(
      JSON.stringify({ kind: long, name: long, message: long, stack: long, code: long, status: 418, headers, errors }),
    );
    expect(JSON.stringify(failure).length).toBeLessThan(130_000);
    expect(failure.status).toBe(418);
    expect(failure.headers).toEqual({ "x-own": "y" });
    expect(failure.errors?.length).toBe(100);
  });

  test("claims a status between 400 and 599 or none", () => {
    for (const status of [200, 302, 399, 600, 404.5, -1, 1e9])
      expect(readFailure(JSON.stringify({ status })).status).toBe(undefined);
  });

  test("of the script itself is opaque, and has its place for developers", () => {
    const failure = readFailure(
      JSON.stringify({
        kind: "thrown",
        name: "Error",
        message: "a secret",
        stack: "Error: a secret\n at f (shop.ts:3:7)",
      }),
    );
    const problem = failureProblem(failure, null);
    expect([problem.code, problem.status]).toEqual(["script_failed", 500]);
    expect(problem.detail).not.toContain("secret");
    expect(problem.dev).toMatchObject({ file: "shop.ts", line: 3, column: 7 });
  });

  test("of a limit names it when the engine's own refusal was let through, and not when a script makes it up", () => {
    const failure = readFailure('{"kind":"engine","code":"subrequests_exceeded","message":"m"}');
    const limit = { name: "subrequests", value: 2, used: 3, key: "limits.subrequests" };
    expect(failureProblem(failure, new ProblemError("subrequests_exceeded", "m", { limit })).limit).toEqual(limit);
    expect(failureProblem(failure, new ProblemError("overloaded", "m", { limit })).limit).toBe(undefined);
    expect(failureProblem(failure, null).limit).toBe(undefined);
  });

  test("finds the first frame in time, whatever the stack", () => {
    const since = performance.now();
    expect(firstFrame(`${"(".repeat(4000)}${"a:1".repeat(1300)}`)).toBe(undefined);
    expect(firstFrame("at x (a.ts:1:2)\n at y (b.ts:3:4)")).toEqual({ file: "a.ts", line: 1, column: 2 });
    // Where it went back and forth it would take minutes.
    expect(performance.now() - since).toBeLessThan(5000);
  });
});
