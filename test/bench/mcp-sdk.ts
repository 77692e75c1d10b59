/** What MCP is measured against: the official SDK alone, with the tool of `mcp.ts`. Prints its port. */
import { createMcpHandler, fromJsonSchema, McpServer } from "@modelcontextprotocol/server";

interface Summands {
  readonly a: number;
  readonly b: number;
}

const number = { type: "number" } as const;
const inputSchema = fromJsonSchema<Summands>({
  type: "object",
  properties: { a: number, b: number },
  required: ["a", "b"],
});
const outputSchema = fromJsonSchema<{ sum: number }>({
  type: "object",
  properties: { sum: number },
  required: ["sum"],
});

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "bench", version: "1.0.0" });
  server.registerTool("add", { description: "Adds.", inputSchema, outputSchema }, ({ a, b }) => {
    const structuredContent = { sum: a + b };
    return { content: [{ type: "text", text: JSON.stringify(structuredContent) }], structuredContent };
  });
  return server;
});
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request) => handler.fetch(request) });
console.log(server.port);
