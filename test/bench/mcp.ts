/** A tool of a script against the same tool on the official SDK alone, where nothing leaves the process. */
import { startEngineFor, startMcpSdk, type Peer } from "./peers.ts";
import { throughput, type Measured, type Pace } from "./throughput.ts";

const REVISION = "2026-07-28";
const SCRIPT = `import { registerToolHandler, registerWebHandler } from "@aiwebengine/sdk";
registerWebHandler("GET /hello", () => "Hello, World!");
registerToolHandler("add", { description: "Adds.", input: { a: "number", b: "number" }, output: { sum: "number" } }, ({ args }) => ({
  sum: args.a + args.b,
}));
`;
const CALL = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "tools/call",
  params: {
    name: "add",
    arguments: { a: 1, b: 2 },
    _meta: {
      "io.modelcontextprotocol/protocolVersion": REVISION,
      "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1.0.0" },
      "io.modelcontextprotocol/clientCapabilities": {},
    },
  },
});
const HEADERS = {
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": REVISION,
  "mcp-method": "tools/call",
  "mcp-name": "add",
};

export async function mcp(pace: Pace): Promise<readonly Measured[]> {
  const peers: Peer[] = [];
  try {
    peers.push(await startMcpSdk(), await startEngineFor({ scripts: { "bench.js": SCRIPT } }));
    for (const { name, url } of peers) await tryOne(name, `${url}/mcp`);
    const options = { connections: 32, body: CALL, contentType: "application/json", headers: HEADERS };
    return await throughput(peers, "/mcp", pace, options);
  } finally {
    for (const peer of peers) await peer.stop();
  }
}

/** What answers 200 with an error would be fast. */
async function tryOne(name: string, url: string): Promise<void> {
  const headers = { ...HEADERS, "content-type": "application/json" };
  const answer = await (await fetch(url, { method: "POST", headers, body: CALL })).text();
  if (!answer.includes('"sum":3')) throw new Error(`${name} does not add: ${answer.slice(0, 300)}`);
}
