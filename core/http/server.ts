/** Listens and hands each request to the handler. The only file that knows Elysia. */
import { readFileSync } from "node:fs";
import { Elysia } from "elysia";
import { problemResponse, StartError } from "../errors.ts";
import { createHandler, type HandlerOptions } from "./handler.ts";
import { setMaxHeaderBytes } from "./header-limit.ts";
import { portHolder } from "./port-holder.ts";
import type { EngineSocket } from "./socket.ts";
import { Sockets, type SocketLimits } from "./sockets.ts";

export interface HttpServerOptions extends HandlerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Request line and headers together; one value for the whole process. */
  readonly maxHeaderBytes: number;
  /** Paths of PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly sockets: SocketLimits;
  /** A connection on which nothing moves is closed after this. Bun allows at most 255. */
  readonly idleTimeoutSeconds?: number;
}

export interface HttpServer {
  /** Without a trailing slash: `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  /** Open WebSockets. */
  readonly sockets: number;
  /** Requests whose answer is not complete. */
  readonly inFlight: number;
  /** Takes no new connections, says goodbye to WebSockets, lets requests under way finish for `drainMs`, then closes what is left. */
  stop(drainMs: number): Promise<void>;
}

/** Longer than any answer stays silent by default (`limits.streamIdleMs`, `limits.wallMs`); see `outlasts` for others. */
export const IDLE_SECONDS = 75;

/** @throws {StartError} when the port is taken or a TLS file cannot be read. */
export function startServer(options: HttpServerOptions): HttpServer {
  const handle = createHandler(options);
  const tls = options.tls && { cert: readPem(options.tls.cert, "cert"), key: readPem(options.tls.key, "key") };
  setMaxHeaderBytes(options.maxHeaderBytes);
  let peerOf: (request: Request) => string = () => "";
  const sockets = new Sockets();
  const connection = {
    origin: "",
    peer: (request: Request): string => peerOf(request),
    hold: (request: Request): void => app.server?.timeout(request, 0),
    maxMessageBytes: options.sockets.maxMessageBytes,
    upgrade: (request: Request, socket: EngineSocket, headers: Headers): void =>
      sockets.upgrade(app.server as unknown as Bun.Server<EngineSocket>, request, socket, headers),
  };
  // Around all of Elysia's own handling, which every request would pay a microsecond for and none needs.
  const app = new Elysia().wrap(() => (request: Request) => handle(request, connection));
  try {
    app.listen({
      hostname: options.host,
      port: options.port,
      // Elysia's own default is true: a second engine would then share the port instead of being refused.
      reusePort: false,
      // Else Bun shows its own error pages, with source, where NODE_ENV does not say "production".
      development: false,
      // Bun's own answer would be a bare one. The handler answers every failure but that of its log.
      error(error: Error) {
        const id = Bun.randomUUIDv7();
        options.onFailure(error, id);
        return problemResponse(error, id, false);
      },
      idleTimeout: options.idleTimeoutSeconds ?? IDLE_SECONDS,
      // The limit is each script's own and enforced in body.ts, with a problem that names it.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      websocket: sockets.handlers(options.sockets),
      ...(tls && { tls }),
    });
  } catch (error) {
    throw listenError(error, options);
  }
  const server = app.server!;
  connection.origin = server.url.origin;
  // Asking for the peer costs a fifth of a short request, and who reaches a loopback address is this machine.
  const { hostname } = server;
  peerOf =
    hostname === "127.0.0.1" || hostname === "::1"
      ? () => hostname
      : (request) => server.requestIP(request)?.address ?? "";
  return {
    url: connection.origin,
    port: server.port!,
    get inFlight() {
      return server.pendingRequests;
    },
    get sockets() {
      return sockets.size;
    },
    async stop(drainMs) {
      sockets.close();
      // Closes idle connections at once, the others with their answer; settles when there are none left.
      const drained = server.stop(false);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, drainMs);
      await Promise.race([drained, late]);
      clearTimeout(timer);
      await server.stop(true);
    },
  };
}

function readPem(path: string, key: "cert" | "key"): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new StartError(`server.tls.${key}: cannot read ${path}: ${(cause as Error).message}`, { exitCode: 2, cause });
  }
}

function listenError(cause: unknown, { host, port, tls }: HttpServerOptions): StartError {
  const { code, message } = cause as { readonly code?: string; readonly message: string };
  if (code === "EADDRINUSE") {
    const holder = portHolder(port);
    const by = holder === null ? "" : ` by ${holder}`;
    return new StartError(`port ${port} on ${host} is taken${by}; stop that, or choose another with --port`, { cause });
  }
  if (tls !== undefined && code?.startsWith("ERR_OSSL")) {
    const files = `${tls.cert} and ${tls.key}`;
    return new StartError(`server.tls: ${files} are not a certificate and its key in PEM: ${message}`, {
      exitCode: 2,
      cause,
    });
  }
  if (code === "EADDRNOTAVAIL" || code === "EINVAL") {
    const fix = "take one of its own (127.0.0.1), or 0.0.0.0 for all, with --host";
    return new StartError(`cannot listen on ${host}: this machine has no such address; ${fix}`, { cause });
  }
  return new StartError(`cannot listen on ${host}, port ${port}: ${message}`, { cause });
}
