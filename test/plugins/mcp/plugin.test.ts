/** What the plugin loads, declares and refuses, without isolates. */
import { afterEach, expect, test } from "bun:test";
import mcp from "../../../plugins/mcp/index.ts";
import pubsub from "../../../plugins/pubsub/index.ts";
import type { PointRegistration, PointSpec } from "../../../sdk/plugin.ts";
import { requestEvent, serve, type Served } from "../harness.ts";

let served: Served | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

async function start(): Promise<ReadonlyMap<string, { readonly spec: PointSpec }>> {
  served = await serve([pubsub, mcp], { given: { engine: { version: "1.0.0", ready: true } } });
  return served.host.current.contributions.points;
}

function tool(script: string, name: string, id = 0): PointRegistration {
  return { script, id, fn: "registerToolHandler", name, options: {}, schemas: {}, invoke: async () => "done" };
}

async function post(body: object): Promise<{ readonly status: number; readonly body: unknown }> {
  const route = served?.host.current.contributions.routes.find(({ path }) => path === "/mcp");
  const headers = {
    ...{ "content-type": "application/json", accept: "application/json, text/event-stream" },
    ...{ host: "localhost" },
  };
  const event = requestEvent("/mcp", { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await route!.handler({ ...event, params: {} });
  return { status: answer.status, body: await answer.json() };
}

test("nothing is there, and the protocol's library is not loaded, until a script offers something", async () => {
  const points = await start();
  const hello = {
    ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } },
  };
  expect(await post(hello)).toMatchObject({ status: 404, body: { error: { code: -32_000 } } });
  points.get("tool")?.spec.change([tool("a", "one")], []);
  expect(await post(hello)).toMatchObject({ status: 200, body: { result: { serverInfo: { version: "1.0.0" } } } });
  points.get("tool")?.spec.change([], []);
  expect((await post(hello)).status).toBe(404);
});

test("of two with one name the later is refused, within a script and between two", async () => {
  const validate = (await start()).get("tool")!.spec.validate!;
  const [first, second, other] = [tool("a", "x", 0), tool("a", "x", 1), tool("b", "x", 0)];
  expect(() => validate(first, [first, second])).not.toThrow();
  expect(() => validate(second, [first, second])).toThrow("this script has it already");
  expect(() => validate(other, [first, other])).toThrow('the script "a" has it');
});
