/** A test of `hello.ts`. Run it with: aiwebengine test hello */
import { expect, request, test } from "@aiwebengine/sdk/testing";

test("says hello", async () => {
  const answer = await request("/hello/Ada");
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe("Hello, Ada");
});

test("has no other paths", async () => {
  const answer = await request("/hello/Ada/again");
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ code: "not_found" });
});
