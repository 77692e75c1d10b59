/** Answers the requests of all clients, current ones and those of 2025; outlives generations of the plugin. Loaded late. */
import {
  createMcpHandler,
  isJsonContentType,
  isLegacyRequest,
  readRequestBody,
  type McpHttpHandler,
} from "@modelcontextprotocol/server";
import type { PluginLog, RouteEvent } from "../../sdk/plugin.ts";
import { parseBody, rpcError } from "./rpc.ts";
import { bounded } from "./bounded.ts";
import type { Caller } from "./caller.ts";
import { makeServer, type MadeServer } from "./server.ts";
import { Sessions, type SessionLimits } from "./sessions.ts";
import { ALL, type Lists, type Surface } from "./surface.ts";

/** Of the generation that serves. */
export interface Present {
  readonly surfaces: ReadonlyMap<string, Surface>;
  readonly limits: SessionLimits & { readonly maxBytes: number };
  readonly version: string;
  readonly log: PluginLog;
  /** Calls under way, by the id of their invocation. */
  readonly callers: Map<string, Caller>;
}

/** A body that comes slower than this does not come. */
const BODY_MS = 30_000;
/** What a client wants to be told is held for as long as it listens. */
const MAX_LISTEN = 65_536;

export class Hub {
  #present: Present;
  #announced: ReadonlyMap<string, Surface>;
  readonly #sessions: Sessions;
  readonly #current = new Map<string, McpHttpHandler>();
  readonly #stopping = new AbortController();
  readonly #ids = new WeakMap<Request, string>();

  constructor(present: Present) {
    this.#present = present;
    this.#announced = present.surfaces;
    this.#sessions = new Sessions(present.limits);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** @param scope a script, or `ALL`; it is one of the surfaces */
  async handle(present: Present, scope: string, { id, request, url, signal }: RouteEvent): Promise<Response> {
    this.#present = present;
    this.#sessions.limits = present.limits;
    const { method, headers } = request;
    let body: unknown;
    let size = 0;
    if (method === "POST") {
      if (!isJsonContentType(headers.get("content-type"))) {
        return rpcError(415, -32_000, "The Content-Type must be application/json.");
      }
      const read = await this.#read(request);
      if (read instanceof Response) return read;
      ({ body, size } = read);
    } else if (method !== "GET" && method !== "DELETE") {
      const response = rpcError(405, -32_000, "Send POST; GET and DELETE belong to sessions.");
      response.headers.set("allow", "GET, POST, DELETE");
      return response;
    }
    // Without the body, which was read; and with the signal that tells when the client has left.
    const listens = (body as { readonly method?: unknown } | undefined)?.method === "subscriptions/listen";
    if (listens && size > MAX_LISTEN) {
      return rpcError(413, -32_000, `A message that subscribes may have ${MAX_LISTEN} characters.`);
    }
    const until = listens ? AbortSignal.any([signal, this.#stopping.signal]) : signal;
    const bare = new Request(url, { method, headers, signal: until });
    this.#ids.set(bare, id);
    const given = body === undefined ? undefined : { parsedBody: body };
    if (Array.isArray(body) || (await isLegacyRequest(bare, body))) {
      return this.#sessions.handle(bare, body, scope, () => this.#server(scope));
    }
    const response = await this.#handler(scope).fetch(bare, given);
    return listens ? bounded(response) : response;
  }

  /** A resource of a script has changed: tells those who subscribed to it, where it is that script's. */
  resourceChanged(script: string, uri: string): void {
    for (const scope of [script, ALL]) {
      if (this.#announced.get(scope)?.resource(uri)?.registration.script !== script) continue;
      this.#current.get(scope)?.notify.resourceUpdated(uri);
      this.#sessions.announce(scope, ({ server, subscribed }) =>
        subscribed.has(uri) ? server.sendResourceUpdated({ uri }) : undefined,
      );
    }
  }

  /** Tells clients what has changed since they were told last. */
  announce(surfaces: ReadonlyMap<string, Surface>): void {
    const before = this.#announced;
    this.#announced = surfaces;
    for (const scope of new Set([...before.keys(), ...surfaces.keys()])) {
      const was = before.get(scope)?.lists;
      const is = surfaces.get(scope)?.lists;
      const notify = this.#current.get(scope)?.notify;
      if (differ(was, is, "tools")) {
        notify?.toolsChanged();
        this.#sessions.announce(scope, ({ server }) => server.sendToolListChanged());
      }
      if (differ(was, is, "prompts")) {
        notify?.promptsChanged();
        this.#sessions.announce(scope, ({ server }) => server.sendPromptListChanged());
      }
      if (differ(was, is, "resources") || differ(was, is, "templates")) {
        notify?.resourcesChanged();
        this.#sessions.announce(scope, ({ server }) => server.sendResourceListChanged());
      }
    }
  }

  /** Ends the streams of those who listen: the engine stops, and would wait for them. What is under way goes on. */
  endStreams(): void {
    this.#stopping.abort();
    this.#sessions.endStreams();
  }

  async close(): Promise<void> {
    await Promise.all([this.#sessions.close(), ...[...this.#current.values()].map((handler) => handler.close())]);
  }

  async #read(request: Request): Promise<Response | { readonly body: unknown; readonly size: number }> {
    const { maxBytes } = this.#present.limits;
    const late = Promise.withResolvers<null>();
    const timer = setTimeout(() => late.resolve(null), BODY_MS);
    try {
      const read = await Promise.race([readRequestBody(request, maxBytes), late.promise]);
      if (read === null) return rpcError(408, -32_000, `The body did not come within ${BODY_MS} ms.`);
      if (read.tooLarge) return rpcError(413, -32_000, `A message may have ${maxBytes} bytes (plugins.mcp.maxBytes).`);
      const body = parseBody(read.text);
      if (typeof body !== "object" || body === null) return rpcError(400, -32_600, "A JSON-RPC message is an object.");
      return { body, size: read.text.length };
    } catch (error) {
      return rpcError(
        400,
        -32_700,
        `The body is no JSON: ${error instanceof SyntaxError ? error.message : "it broke off"}.`,
      );
    } finally {
      clearTimeout(timer);
    }
  }

  #server(scope: string): MadeServer {
    const { version, callers, log } = this.#present;
    return makeServer({
      name: scope === ALL ? "aiwebengine" : scope,
      version,
      callers,
      log,
      surface: () => this.#present.surfaces.get(scope),
      requestId: (request) => request && this.#ids.get(request),
    });
  }

  /** One for each address, since those who listen at it are told of its changes only. */
  #handler(scope: string): McpHttpHandler {
    const known = this.#current.get(scope);
    if (known !== undefined) return known;
    const made = createMcpHandler(() => this.#server(scope).server, {
      legacy: "reject",
      maxSubscriptions: this.#present.limits.maxSessions,
    });
    this.#current.set(scope, made);
    return made;
  }
}

function differ(was: Lists | undefined, is: Lists | undefined, what: keyof Lists): boolean {
  return JSON.stringify(was?.[what] ?? []) !== JSON.stringify(is?.[what] ?? []);
}
