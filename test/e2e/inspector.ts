/** MCP Inspector on its command line, as a client that is not ours. */
import { join } from "node:path";
import type { Engine } from "./engine.ts";

const INSPECTOR = join(import.meta.dir, "../../node_modules/.bin/mcp-inspector");

/** @param words the method, and what it takes: `["tools/call", "--tool-name", "quote"]` */
export async function inspect(engine: Engine, words: readonly string[]) {
  const command = ["node", INSPECTOR, "--cli", `${engine.url}/mcp`, "--transport", "http", "--method", ...words];
  const child = Bun.spawn(command, {
    cwd: engine.dir,
    env: { PATH: process.env["PATH"] ?? "", HOME: engine.dir },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, complaint, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, complaint };
}
