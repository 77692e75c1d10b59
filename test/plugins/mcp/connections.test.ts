/** Connections belong to one invocation of one script, and end with it. */
import { expect, test } from "bun:test";
import { Connections, type Connection } from "../../../plugins/mcp/connections.ts";
import { serviceCall } from "../harness.ts";

function connection(): { readonly made: Connection; readonly closed: boolean[] } {
  const closed: boolean[] = [];
  const made = { close: async (politely: boolean) => void closed.push(politely) } as unknown as Connection;
  return { made, closed };
}

test("a key is worth nothing to another invocation, to another script, or when it was made up", async () => {
  const connections = new Connections();
  const { made, closed } = connection();
  const call = serviceCall("a", { invocation: "1" });
  const key = await connections.open(call, async () => made);
  expect(connections.of(call, key)).toBe(made);
  const others = [serviceCall("a", { invocation: "2" }), serviceCall("b", { invocation: "1" })];
  for (const other of others) {
    expect(() => connections.of(other, key)).toThrow("is closed");
    await expect(connections.close(other, key)).rejects.toThrow("is closed");
  }
  for (const none of ["", "x", 1, null, undefined, {}]) expect(() => connections.of(call, none)).toThrow("is closed");
  expect(closed).toEqual([]);
});

test("it ends politely when it is closed, once, and without a word when its invocation ends", async () => {
  const connections = new Connections();
  const ending = new AbortController();
  const call = serviceCall("a", { ended: ending.signal });
  const [first, second, late] = [connection(), connection(), connection()];
  const key = await connections.open(call, async () => first.made);
  await connections.open(call, async () => second.made);
  await connections.close(call, key);
  await connections.close(call, key);
  const opening = connections.open(call, async () => {
    ending.abort();
    return late.made;
  });
  await opening;
  expect([first.closed, second.closed, late.closed]).toEqual([[true], [false], [false]]);
  expect(connections.size).toBe(0);
});

test("those that are being made count, and those that could not be made do not", async () => {
  const connections = new Connections();
  const call = serviceCall("a");
  const refused = async (): Promise<Connection> => {
    throw new Error("nobody there");
  };
  for (let at = 0; at < 20; at++) await connections.open(call, refused).catch(() => {});
  const { promise, resolve } = Promise.withResolvers<Connection>();
  const opening = Array.from({ length: 8 }, () => connections.open(call, () => promise));
  await expect(connections.open(call, () => promise)).rejects.toThrow("8 connections");
  resolve(connection().made);
  await Promise.all(opening);
  expect(connections.size).toBe(8);
});
