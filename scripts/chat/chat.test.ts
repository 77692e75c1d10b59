/** Tests of the chat: what is said is kept in its room, and what does not fit is refused. */
import { executeGraphQL } from "@aiwebengine/sdk";
import { expect, request, test } from "@aiwebengine/sdk/testing";
import type { Message } from "./index.tsx";

const say = (room: string, text: string) => request(`/chat/rooms/${room}/messages`, { json: { name: "Ada", text } });

test("a room has what was said in it, oldest first, over HTTP and GraphQL", async () => {
  for (const text of ["hello", "again"]) expect((await say("lobby", text)).status).toBe(201);
  await say("elsewhere", "not here");
  const messages = (await (await request("/chat/rooms/lobby/messages")).json()) as Message[];
  expect(messages.map(({ text }) => text)).toEqual(["hello", "again"]);
  const answer = await executeGraphQL(`{ chatMessages(room: "lobby") { text } }`);
  expect(answer.data).toEqual({ chatMessages: [{ text: "hello" }, { text: "again" }] });
});

test("nothing but space is no message", async () => {
  const answer = await say("lobby", "  ");
  expect(answer.status).toBe(422);
});

test("the page is for its room, and runs its own script only", async () => {
  const page = await request("/chat?room=attic");
  expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
  expect(await page.text()).toContain(`data-room="attic"`);
});
