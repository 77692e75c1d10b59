/** A script as a client of another server: the protocol's own library over the script's fetch. Loaded late. */
import {
  Client,
  ProtocolError,
  ResourceNotFoundError,
  StreamableHTTPClientTransport,
  type jsonSchemaValidator,
} from "@modelcontextprotocol/client";
import { ProblemError, type Json, type ServiceCall } from "../../sdk/plugin.ts";
import type { Connection } from "./connections.ts";
import { guarded } from "./guard.ts";

/** The invocation's own deadline ends what takes too long. */
const NO_TIMEOUT = 2_147_483_647;
const MAX_PAGES = 20;
const MAX_TOLD = 300;
/** Of answers that never came; of our own making. */
const LOST: number = -32_050;

/** Schemas of strangers are not run in the engine: the script looks at what it was given, in its isolate. */
const UNCHECKED: jsonSchemaValidator = {
  getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }),
};

/** @throws ProblemError, or as the script's fetch does */
export async function connect(
  call: ServiceCall,
  url: URL,
  headers: { readonly [name: string]: string },
  version: string,
): Promise<Connection> {
  let fault: unknown;
  const send = async (input: string | URL, init?: RequestInit): Promise<Response> => {
    // A stream for what the server says of its own would be a request of the script's that nobody reads.
    if (init?.method === "GET") return new Response(null, { status: 405 });
    try {
      const id = idOf(init?.body);
      return guarded(await call.fetch(input, init), (failure) => {
        fault = failure;
        return JSON.stringify({
          jsonrpc: "2.0",
          id,
          error: { code: LOST, message: "the stream ended without an answer" },
        });
      });
    } catch (error) {
      fault = error;
      throw error;
    }
  };
  const client = new Client(
    { name: "aiwebengine", version },
    {
      versionNegotiation: { mode: "auto", probe: { timeoutMs: NO_TIMEOUT } },
      inputRequired: { autoFulfill: false },
      jsonSchemaValidator: UNCHECKED,
      listMaxPages: MAX_PAGES,
    },
  );
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: send,
    requestInit: { headers },
    reconnectionOptions: {
      ...{ maxRetries: 0, initialReconnectionDelay: 0, maxReconnectionDelay: 0 },
      reconnectionDelayGrowFactor: 1,
    },
  });
  const asked = async <T>(
    work: (options: { signal: AbortSignal; timeout: number }) => Promise<T>,
    signal: AbortSignal,
  ) => {
    fault = undefined;
    try {
      return await work({ signal, timeout: NO_TIMEOUT });
    } catch (error) {
      throw told(error, fault);
    }
  };
  await asked((options) => client.connect(transport, options), call.signal);
  return {
    listTools: (signal) =>
      asked(async (options) => (await client.listTools(undefined, options)).tools as never, signal),
    callTool: (signal, name, args) =>
      asked(async (options) => resultOf(await client.callTool({ name, arguments: args }, options)), signal),
    listResources: (signal) =>
      asked(async (options) => (await client.listResources(undefined, options)).resources as never, signal),
    listResourceTemplates: (signal) =>
      asked(
        async (options) => (await client.listResourceTemplates(undefined, options)).resourceTemplates as never,
        signal,
      ),
    readResource: (signal, uri) =>
      asked(async (options) => resultOf(await client.readResource({ uri }, options)), signal),
    listPrompts: (signal) =>
      asked(async (options) => (await client.listPrompts(undefined, options)).prompts as never, signal),
    getPrompt: (signal, name, args) =>
      asked(async (options) => resultOf(await client.getPrompt({ name, arguments: args }, options)), signal),
    async close(politely) {
      // A courtesy: a session that is not ended ends by the server's own time.
      if (politely) await transport.terminateSession().catch(() => {});
      await client.close().catch(() => {}); // it was gone before
    },
  };
}

/** A request of the library's, whose answer may come in a stream. */
function idOf(body: unknown): string | number | undefined {
  return typeof body === "string" ? (JSON.parse(body) as { readonly id?: string | number }).id : undefined;
}

/** Without what is between the two libraries. */
function resultOf({ _meta, ...result }: { readonly _meta?: unknown }): Json {
  return result as Json;
}

/** What the script may read of a failure. The other server's words are a stranger's, and kept short. */
function told(error: unknown, fault: unknown): unknown {
  if (error instanceof ProtocolError && (error.code !== LOST || fault === undefined)) {
    const { code, message } = error;
    const missing = error instanceof ResourceNotFoundError || (code as number) === -32_002;
    return new ProblemError(missing ? "not_found" : "bad_request", `mcp: ${message.slice(0, MAX_TOLD)} (${code})`);
  }
  if (error instanceof ProblemError || (error instanceof Error && error.name === "NetworkError")) return error;
  // What the library made another error of.
  if (fault !== undefined) return fault;
  const why = error instanceof Error ? error.message : String(error);
  return new ProblemError("bad_request", `mcp: the server could not be understood: ${why.slice(0, MAX_TOLD)}`);
}
