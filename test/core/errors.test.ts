/** What leaves the engine when something failed inside. */
import { expect, test } from "bun:test";
import { problemResponse, toProblemError } from "../../core/errors.ts";
import { ProblemError } from "../../sdk/errors.ts";

test("an unexpected error says nothing of its cause, not even with --dev", async () => {
  const secret = new Error("SQLITE_IOERR /srv/data/engine.db");
  for (const dev of [false, true]) {
    const response = problemResponse(secret, "i-1", dev);
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).not.toContain("SQLITE");
    expect(JSON.parse(text)).toMatchObject({ code: "internal", id: "i-1" });
  }
  expect(toProblemError(secret).cause).toBe(secret);
});

test("a problem keeps its status, says when to come back, and is not cached", () => {
  const response = problemResponse(
    new ProblemError("script_paused", "shop rests", { retryAfterSeconds: 1.2 }),
    "i",
    false,
  );
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("2");
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("x-request-id")).toBe("i");
});
