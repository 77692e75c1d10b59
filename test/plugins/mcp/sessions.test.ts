/** Sessions of 2025: bounded in number, ended when idle, alive over a thousand reloads of scripts. */
import { afterEach, expect, test } from "bun:test";
import { Hub, type Present } from "../../../plugins/mcp/hub.ts";
import { ALL, makeSurfaces } from "../../../plugins/mcp/surface.ts";
import type { PointRegistration, RouteEvent } from "../../../sdk/plugin.ts";
import { requestEvent } from "../harness.ts";

const LIMITS = { maxBytes: 10_000, maxSessions: 3, sessionIdleMs: 1000 };
const log = { debug() {}, info() {}, warn() {}, error() {} };
let hub: Hub | undefined;

afterEach(async () => {
  await hub?.close();
  hub = undefined;
});

function present(name: string, invoke: PointRegistration["invoke"] = async () => name): Present {
  const tool: PointRegistration = {
    script: "a",
    id: 0,
    fn: "registerToolHandler",
    name,
    options: {},
    schemas: {},
    invoke,
  };
  return {
    surfaces: makeSurfaces({ tools: [tool], prompts: [], resources: [] }),
    limits: LIMITS,
    version: "1.0.0",
    log,
    callers: new Map(),
  };
}

function event(body: object | undefined, session?: string): RouteEvent {
  const headers = {
    ...{ "content-type": "application/json", accept: "application/json, text/event-stream" },
    ...(session !== undefined && { "mcp-session-id": session }),
  };
  const init = body === undefined ? { method: "GET" } : { method: "POST", body: JSON.stringify(body) };
  return { ...requestEvent("/mcp", { ...init, headers }), params: {} };
}

async function begin(state: Present): Promise<string> {
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } };
  const answer = await hub!.handle(state, ALL, event({ jsonrpc: "2.0", id: 0, method: "initialize", params }));
  return answer.headers.get("mcp-session-id") ?? "";
}

const call = (name: string, id: number): object => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name } });

test("a session and its stream live through a thousand changes of the scripts", async () => {
  let state = present("tool0");
  hub = new Hub(state);
  const id = await begin(state);
  const stream = (await hub.handle(state, ALL, event(undefined, id))).body!.getReader();
  expect(new TextDecoder().decode((await stream.read()).value)).toStartWith(":");
  for (let at = 1; at <= 1000; at++) {
    state = present(`tool${at}`);
    hub.announce(state.surfaces);
    expect(new TextDecoder().decode((await stream.read()).value)).toContain("notifications/tools/list_changed");
  }
  const answer = await hub.handle(state, ALL, event(call("tool1000", 1), id));
  expect(await answer.json()).toMatchObject({ id: 1, result: { content: [{ text: "tool1000" }] } });
  expect(hub.sessions).toBe(1);
});

test("what did not change is not told", async () => {
  const state = present("tool");
  hub = new Hub(state);
  const id = await begin(state);
  const stream = (await hub.handle(state, ALL, event(undefined, id))).body!.getReader();
  expect(new TextDecoder().decode((await stream.read()).value)).toStartWith(":");
  hub.announce(present("tool").surfaces);
  hub.announce(present("other").surfaces);
  expect(new TextDecoder().decode((await stream.read()).value).match(/list_changed/g)).toHaveLength(1);
});

test("one more than the most ends the one that was idle for longest; those in use are never ended", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<string>();
  const state = present("waits", () => gate);
  hub = new Hub(state);
  const [first, second, third] = [await begin(state), await begin(state), await begin(state)];
  const busy = hub.handle(state, ALL, event(call("waits", 1), first));
  expect(await begin(state)).not.toBe("");
  expect((await hub.handle(state, ALL, event(call("waits", 1), second))).status).toBe(404);
  expect(hub.sessions).toBe(3);
  const others = [third, await begin(state)].map((id) => hub!.handle(state, ALL, event(call("waits", 2), id)));
  open("done");
  expect((await busy).status).toBe(200);
  expect((await Promise.all(others)).map(({ status }) => status)).toContain(200);
});

test("where all sessions are in use a new one is refused", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<string>();
  const state = present("waits", () => gate);
  hub = new Hub(state);
  const ids = [await begin(state), await begin(state), await begin(state)];
  const calls = ids.map((id) => hub!.handle(state, ALL, event(call("waits", 1), id)));
  expect(await begin(state)).toBe("");
  open("done");
  await Promise.all(calls);
});

test("a cancelled request ends without an answer of the protocol, and one id is under way once", async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const state = present("waits", ({ signal }) => {
    signal?.addEventListener("abort", () => resolve());
    return new Promise(() => {});
  });
  hub = new Hub(state);
  const id = await begin(state);
  const pending = hub.handle(state, ALL, event(call("waits", 7), id));
  expect((await hub.handle(state, ALL, event(call("waits", 7), id))).status).toBe(400);
  const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } };
  expect((await hub.handle(state, ALL, event(cancel, id))).status).toBe(202);
  expect((await pending).status).toBe(202);
  await aborted;
});

const withProgress = (id: number): object => ({
  ...{ jsonrpc: "2.0", id, method: "tools/call" },
  params: { name: "waits", _meta: { progressToken: id } },
});

/** A tool that tells once how far it is, and then waits. */
function telling(): { readonly state: Present; readonly ended: Promise<void>; open(): void } {
  const { promise: gate, resolve: open } = Promise.withResolvers<string>();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const state = present("waits", async ({ id = "", signal }) => {
    signal?.addEventListener("abort", () => end());
    await state.callers.get(id)?.progress(1, 2, undefined);
    return gate;
  });
  return { state, ended, open: () => open("done") };
}

test("a call that told something and is cancelled ends its stream, and aborts its handler", async () => {
  const { state, ended } = telling();
  hub = new Hub(state);
  const id = await begin(state);
  const answer = await hub.handle(state, ALL, event(withProgress(7), id));
  const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } };
  expect((await hub.handle(state, ALL, event(cancel, id))).status).toBe(202);
  expect(await answer.text()).not.toContain("result");
  await ended;
});

test("who leaves the stream of a call of 2025 does not cancel it, and its place is free when it is over", async () => {
  const { state, ended, open } = telling();
  let aborted = false;
  void ended.then(() => (aborted = true));
  hub = new Hub(state);
  const id = await begin(state);
  const answer = await hub.handle(state, ALL, event(withProgress(7), id));
  await answer.body!.cancel();
  expect((await hub.handle(state, ALL, event(call("waits", 7), id))).status).toBe(400);
  expect([aborted, state.callers.size]).toEqual([false, 1]);
  open();
  while (state.callers.size > 0) await Bun.sleep(1);
  expect((await hub.handle(state, ALL, event(call("waits", 7), id))).status).toBe(200);
});
