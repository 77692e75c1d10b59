/** Tools, prompts and resources of scripts for agents, by the Model Context Protocol over streamable HTTP. */
import { definePlugin, type Json, type PointRegistration, type RouteEvent } from "../../sdk/plugin.ts";
import { isData } from "./arguments.ts";
import type { Caller } from "./caller.ts";
import { Connections } from "./connections.ts";
import { PROMPT_TYPES, RESOURCE_TYPES, TOOL_TYPES } from "./declarations.ts";
import { refusal } from "./door.ts";
import type { Hub, Present } from "./hub.ts";
import { rpcError } from "./rpc.ts";
import { makeService } from "./service.ts";
import {
  ALL,
  makeSurfaces,
  validatePrompt,
  validateResource,
  validateTool,
  type Offered,
  type Surface,
} from "./surface.ts";

/** The protocol's library costs memory and time: it is loaded with the first request to an address that has something. */
interface Kept {
  hub: Promise<Hub> | undefined;
  /** Calls of agents that are under way, by the id of their invocation. */
  readonly callers: Map<string, Caller>;
  readonly connections: Connections;
}

/** Between engines: a resource of a script has changed. */
const TOPIC = "mcp/resource";

export default definePlugin({
  name: "mcp",
  version: "1.0.0",
  requires: ["engine", "pubsub"],
  config: {
    allowedHosts: [
      ["string[]", "@", "Host names under which agents reach the server, beside the local ones and addresses."],
      "=",
      () => [],
    ],
    allowedOrigins: [
      [
        "string[]",
        "@",
        "Origins whose pages may speak to it, beside the local ones and its own: `https://app.example`.",
      ],
      "=",
      () => [],
    ],
    maxBytes: [["number.integer > 0", "@", "The most that a message may have."], "=", 1_048_576],
    maxSessions: [
      ["number.integer > 0", "@", "Sessions of clients of 2025, and streams of current ones that listen for changes."],
      "=",
      1000,
    ],
    sessionIdleMs: [["number.integer >= 1000", "@", "A session that nobody uses for so long ends."], "=", 1_800_000],
  },
  setup({ config, point, route, endpoint, service, command, keep, use, defer, log }) {
    const engine = use("engine");
    const pubsub = use("pubsub");
    const { version } = engine;
    const kept = keep<Kept>(
      "hub",
      () => ({ hub: undefined, callers: new Map(), connections: new Connections() }),
      async ({ hub }) => (await hub)?.close(),
    );
    defer(
      engine.onChange(() => {
        if (!engine.ready) void kept.hub?.then((hub) => hub.endStreams());
      }),
    );
    defer(
      pubsub.subscribe(TOPIC, (message) => {
        // Others may write to what joins the engines.
        const { script, uri } = isData(message) ? message : {};
        if (typeof script !== "string" || typeof uri !== "string") return;
        void kept.hub?.then((hub) => hub.resourceChanged(script, uri));
      }),
    );
    let offered: Offered = { tools: [], prompts: [], resources: [] };
    let surfaces: ReadonlyMap<string, Surface> = new Map();
    const present = (): Present => ({ surfaces, limits: config, version, log, callers: kept.callers });

    function take(part: Partial<Offered>): void {
      const next = { ...offered, ...part };
      surfaces = makeSurfaces(next);
      offered = next;
      // Later than this call: a new generation is given its three points one after the other, and is then as the one before.
      void kept.hub?.then((hub) => hub.announce(surfaces));
    }

    point("tool", {
      functions: { registerToolHandler: { args: ["name", "options", "handler"], aliases: ["registerMCPTool"] } },
      options: { "title?": "string", "description?": "string", "annotations?": "object" },
      definitions: ["input", "output"],
      types: TOOL_TYPES,
      validate: validateTool,
      change: (tools: readonly PointRegistration[]) => take({ tools }),
    });
    point("prompt", {
      functions: { registerPromptHandler: { args: ["name", "options", "handler"], aliases: ["registerMCPPrompt"] } },
      options: { "title?": "string", "description?": "string" },
      definitions: ["arguments"],
      handlers: ["complete"],
      types: PROMPT_TYPES,
      validate: validatePrompt,
      change: (prompts: readonly PointRegistration[]) => take({ prompts }),
    });
    point("resource", {
      functions: {
        registerResourceHandler: { args: ["name", "options", "handler"], aliases: ["registerMCPResource"] },
      },
      options: { "name?": "string", "title?": "string", "description?": "string", "mimeType?": "string" },
      handlers: ["complete"],
      types: RESOURCE_TYPES,
      validate: validateResource,
      change: (resources: readonly PointRegistration[]) => take({ resources }),
    });

    service(
      "mcp",
      makeService({
        version,
        callers: kept.callers,
        connections: kept.connections,
        surface: (script) => surfaces.get(script),
        publish: (script, uri) => pubsub.publish(TOPIC, { script, uri } satisfies Json),
      }),
    );

    async function answer(event: RouteEvent, scope: string): Promise<Response> {
      const refused = refusal(event.request.headers, config);
      if (refused !== null) return rpcError(403, -32_000, refused);
      if (!surfaces.has(scope)) return rpcError(404, -32_000, "No script offers tools, prompts or resources here.");
      kept.hub ??= import("./hub.ts").then((module) => new module.Hub(present()));
      return (await kept.hub).handle(present(), scope, event);
    }
    route("ANY /mcp", (event) => answer(event, ALL));
    route("ANY /mcp/:script", (event) => answer(event, event.params["script"] ?? ALL));
    endpoint({
      title: "MCP",
      path: "/mcp",
      summary: "Tools, prompts and resources for agents, by the Model Context Protocol over streamable HTTP.",
      open: () => surfaces.has(ALL),
    });

    command({
      name: "mcp",
      summary: "Speak MCP on standard input and output, for agents that cannot reach a server over HTTP.",
      usage: "Nothing; the server is named by --url",
      examples: ["aiwebengine mcp", "aiwebengine mcp --url http://127.0.0.1:3000/mcp/tools"],
      flags: {
        url: { type: "text", summary: "The server's address; http://127.0.0.1:8080/mcp where it is not given" },
      },
      async run({ flags, stdin, stdout, stderr }) {
        const { proxy } = await import("./proxy.ts");
        const url = URL.parse(String(flags["url"] ?? "http://127.0.0.1:8080/mcp"));
        if (url !== null && /^https?:$/.test(url.protocol)) return proxy(url, { stdin, stdout, stderr });
        stderr(`aiwebengine mcp: "${String(flags["url"])}" is no http(s) address\n`);
        return 2;
      },
    });
  },
});
