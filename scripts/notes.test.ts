/** Tests of `notes.ts`: data that is there for all cases, data of one case, and input that is refused. */
import { beforeAll, describe, expect, request, setTime, test } from "@aiwebengine/sdk/testing";
import { kv } from "@aiwebengine/sdk";
import type { Note } from "./notes.ts";

const add = (text: string) => request("/notes", { json: { text } });

test("a note is kept", async () => {
  const added = await add("milk");
  expect(added.status).toBe(201);
  const read = await request(added.headers.get("location") ?? "");
  expect(await read.json()).toMatchObject({ text: "milk", tags: [] });
});

test("what the case before wrote is gone", async () => {
  expect(await (await request("/notes")).json()).toEqual({ notes: [], next: null });
});

test("a text that is too long is refused, and says where", async () => {
  const answer = await add("x".repeat(281));
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({ code: "invalid_input", errors: [{ path: "/body/text" }] });
});

describe("with three notes", () => {
  beforeAll(async () => {
    for (const text of ["bread", "milk", "tea"]) await add(text);
  });

  test("they are listed, oldest first", async () => {
    const { notes } = (await (await request("/notes")).json()) as { readonly notes: readonly Note[] };
    expect(notes.map(({ text }) => text)).toEqual(["bread", "milk", "tea"]);
  });

  test.each([1, 2])("a page has %s of them", async (limit) => {
    const page = (await (await request(`/notes?limit=${limit}`)).json()) as { readonly notes: readonly Note[] };
    expect(page.notes).toHaveLength(limit);
  });
});

test("the store is at hand, and its clock is the case's", async () => {
  setTime("2027-01-01T00:00:00Z");
  await kv.set("draft", "later", { ttlMs: 60_000 });
  expect(await kv.get("draft")).toBe("later");
  setTime("2027-01-01T00:01:00Z");
  expect(await kv.get("draft")).toBe(null);
});
