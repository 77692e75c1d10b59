/** What scripts may ask: to tell their agent something, to tell that a resource changed, and to be a client themselves. */
import { type Json, type ServiceCall, type ServiceSpec } from "../../sdk/plugin.ts";
import { refuse, wantArguments, wantHeaders, wantNumber, wantText, wantTexts, wantUrl } from "./arguments.ts";
import type { Caller } from "./caller.ts";
import type { Connections } from "./connections.ts";
import { SERVICE_TYPES } from "./declarations.ts";
import { isLevel, LEVELS } from "./levels.ts";
import type { Surface } from "./surface.ts";

export interface ServiceParts {
  readonly version: string;
  /** Calls of agents that are under way, by the id of their invocation. */
  readonly callers: ReadonlyMap<string, Caller>;
  readonly connections: Connections;
  /** What a script offers now. */
  surface(script: string): Surface | undefined;
  /** Tells all engines. */
  publish(script: string, uri: string): Promise<void>;
}

const MAX_MESSAGE = 1000;
const MAX_LOG = 65_536;
const MAX_URI = 2048;
const MAX_NAME = 500;

const LISTS = ["listTools", "listResources", "listResourceTemplates", "listPrompts"] as const;

export function makeService({ version, callers, connections, surface, publish }: ServiceParts): ServiceSpec {
  const list = (method: (typeof LISTS)[number]) => async (call: ServiceCall, key: Json) =>
    connections.of(call, key)[method](call.signal);
  return {
    types: SERVICE_TYPES,
    mutates: ["resourceChanged"],
    objects: { connect: [...LISTS, "callTool", "readResource", "getPrompt", "close"] },
    methods: {
      async progress({ invocation }, done, total = null, message = null) {
        const caller = callers.get(invocation);
        const progress = wantNumber(done, "progress");
        const most = total === null ? undefined : wantNumber(total, "the total of progress");
        const text = message === null ? undefined : wantText(message, "the message of progress", MAX_MESSAGE);
        return (await caller?.progress(progress, most, text)) ?? false;
      },
      async log({ invocation, script }, level, data = null) {
        if (!isLevel(level)) throw refuse(`a level is one of ${LEVELS.join(", ")}`);
        if (JSON.stringify(data).length > MAX_LOG) throw refuse(`a log message may have ${MAX_LOG} characters as JSON`);
        return (await callers.get(invocation)?.log(level, data, script)) ?? false;
      },
      async resourceChanged({ script }, given) {
        const uri = wantText(given, "the URI of a resource", MAX_URI);
        if (surface(script)?.resource(uri) === undefined) {
          throw refuse(`this script has no resource "${uri.slice(0, 200)}", and no template that it fits`);
        }
        await publish(script, uri);
      },
      async connect(call, address, options) {
        const url = wantUrl(address);
        const headers = wantHeaders(options);
        return connections.open(call, async () => {
          const { connect } = await import("./client.ts");
          return connect(call, url, headers, version);
        });
      },
      listTools: list("listTools"),
      listResources: list("listResources"),
      listResourceTemplates: list("listResourceTemplates"),
      listPrompts: list("listPrompts"),
      async callTool(call, key, name, args) {
        const tool = wantText(name, "the name of a tool", MAX_NAME);
        return connections.of(call, key).callTool(call.signal, tool, wantArguments(args));
      },
      async readResource(call, key, uri) {
        return connections.of(call, key).readResource(call.signal, wantText(uri, "the URI of a resource", MAX_URI));
      },
      async getPrompt(call, key, name, args) {
        const prompt = wantText(name, "the name of a prompt", MAX_NAME);
        return connections.of(call, key).getPrompt(call.signal, prompt, wantTexts(args));
      },
      async close(call, key) {
        await connections.close(call, key);
      },
    },
  };
}
