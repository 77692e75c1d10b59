/** One server of the protocol's own library: every request of it is answered from the present registrations. Loaded late. */
import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  Server,
  type jsonSchemaValidator,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Json, PluginLog, PointRegistration, Remote } from "../../sdk/plugin.ts";
import { BadAnswer, failureOf, promptResult, resourceResult, toolResult, type Failure } from "./answers.ts";
import { Caller } from "./caller.ts";
import { completeByScript, completeBySchema } from "./complete.ts";
import type { Level } from "./levels.ts";
import type { Surface } from "./surface.ts";

export interface ServerParts {
  readonly name: string;
  readonly version: string;
  /** What is offered now. */
  surface(): Surface | undefined;
  /** The id of the HTTP request that a message came with. */
  requestId(request: Request | undefined): string | undefined;
  /** Calls under way, by the id of their invocation. */
  readonly callers: Map<string, Caller>;
  readonly log: PluginLog;
}

export interface MadeServer {
  readonly server: Server;
  /** URIs whose changes the client of a session wants to be told; a current one names them as it listens. */
  readonly subscribed: ReadonlySet<string>;
}

const NONE: Surface["lists"] = { tools: [], prompts: [], resources: [], templates: [] };
/** Characters of all URIs that one session subscribed to. */
const MAX_SUBSCRIBED = 65_536;

/** The library would make one that generates code, for each server, to check what nobody asks for here. */
const NO_VALIDATOR: jsonSchemaValidator = {
  getValidator() {
    throw new Error("nothing is asked of clients, so there are no answers of theirs to check");
  },
};

export function makeServer(parts: ServerParts): MadeServer {
  const { name, version, surface, callers, log } = parts;
  const server = new Server(
    { name, version },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        completions: {},
        logging: {},
      },
      jsonSchemaValidator: NO_VALIDATOR,
    },
  );
  const lists = (): Surface["lists"] => surface()?.lists ?? NONE;
  server.setRequestHandler("tools/list", () => ({ tools: lists().tools }) as never);
  server.setRequestHandler("prompts/list", () => ({ prompts: lists().prompts }) as never);
  server.setRequestHandler("resources/list", () => ({ resources: lists().resources }) as never);
  server.setRequestHandler("resources/templates/list", () => ({ resourceTemplates: lists().templates }) as never);

  let level: Level = "info";
  server.setRequestHandler("logging/setLevel", ({ params }) => {
    level = params.level;
    return {};
  });

  const subscribed = new Set<string>();
  server.setRequestHandler("resources/subscribe", ({ params: { uri } }) => {
    if (surface()?.resource(uri) === undefined) throw new ResourceNotFoundError(uri);
    const held = [...subscribed, uri].reduce((sum, one) => sum + one.length, 0);
    if (held > MAX_SUBSCRIBED) {
      const message = `The URIs that a session subscribes to may have ${MAX_SUBSCRIBED} characters in all.`;
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, message);
    }
    subscribed.add(uri);
    return {};
  });
  server.setRequestHandler("resources/unsubscribe", ({ params: { uri } }) => {
    subscribed.delete(uri);
    return {};
  });

  /** Calls a handler; `fail` is given what the caller may know of a failure. */
  async function run<T>(
    registration: PointRegistration,
    remote: Remote | undefined,
    args: { readonly [name: string]: Json },
    context: ServerContext,
    made: (value: Json | undefined) => T,
    fail: (failure: Failure) => T,
  ): Promise<T> {
    const id = Bun.randomUUIDv7();
    const parentId = parts.requestId(context.http?.req);
    callers.set(id, new Caller(context, level));
    try {
      const { signal } = context.mcpReq;
      const value = await remote?.({ id, args, signal, ...(parentId !== undefined && { parentId }) });
      return made(value);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      const { script, fn, name: of } = registration;
      if (error instanceof BadAnswer) log.error(`${fn}("${of}"): ${error.message}`, { script, id });
      return fail(failureOf(error, id));
    } finally {
      callers.delete(id);
    }
  }

  server.setRequestHandler("tools/call", async ({ params }, context) => {
    const tool = surface()?.tools.get(params.name);
    if (tool === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${params.name}`);
    const structured = tool.schemas["output"] !== undefined;
    const result = await run(
      tool,
      tool.invoke,
      (params.arguments ?? {}) as { readonly [name: string]: Json },
      context,
      (value) => toolResult(value, structured),
      // A model reads this and tries again: the specification wants bad input here too, and not as an error of the protocol.
      ({ message }) => ({ content: [{ type: "text", text: message }], isError: true }),
    );
    return result as never;
  });

  server.setRequestHandler("prompts/get", async ({ params }, context) => {
    const prompt = surface()?.prompts.get(params.name);
    if (prompt === undefined)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown prompt: ${params.name}`);
    const made = (value: Json | undefined): object => promptResult(value, prompt.options["description"]);
    return (await run(prompt, prompt.invoke, params.arguments ?? {}, context, made, throwFailure)) as never;
  });

  server.setRequestHandler("resources/read", async ({ params: { uri } }, context) => {
    const found = surface()?.resource(uri);
    if (found === undefined) throw new ResourceNotFoundError(uri);
    const { registration, args } = found;
    const made = (value: Json | undefined): object => {
      const result = resourceResult(value, uri, registration.options["mimeType"]);
      if (result === null) throw new ResourceNotFoundError(uri);
      return result;
    };
    const fail = (failure: Failure): never => {
      if (failure.status === 404) throw new ResourceNotFoundError(uri, failure.message);
      return throwFailure(failure);
    };
    return (await run(registration, registration.invoke, args, context, made, fail)) as never;
  });

  server.setRequestHandler("completion/complete", async ({ params }, context) => {
    const { ref, argument } = params;
    const one = ref.type === "ref/prompt" ? surface()?.prompts.get(ref.name) : surface()?.templates.get(ref.uri);
    const complete = one?.handlers?.["complete"];
    if (one === undefined || complete === undefined) {
      const prompt = ref.type === "ref/prompt" ? one : undefined;
      return { completion: completeBySchema(prompt, argument.name, argument.value) as never };
    }
    const given = { argument: argument.name, value: argument.value, arguments: params.context?.arguments ?? {} };
    return { completion: (await run(one, complete, given, context, completeByScript, throwFailure)) as never };
  });
  return { server, subscribed };
}

function throwFailure({ code, status, message }: Failure): never {
  const kind = status < 500 ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError;
  throw new ProtocolError(kind, message, { code });
}
