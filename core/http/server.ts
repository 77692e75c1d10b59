/** Listens and hands each request to the handler. The only file that knows Elysia. */
import { readFileSync } from "node:fs";
import { setMaxHeaderBytes } from "./header-limit.ts";
import { Elysia } from "elysia";
import { StartError } from "../errors.ts";
import { createHandler, type HandlerOptions } from "./handler.ts";
import { portHolder } from "./port-holder.ts";

export type { AccessRecord } from "./exchange.ts";
export type { EngineRoute } from "./handler.ts";

export interface HttpServerOptions extends HandlerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Request line and headers together; one value for the whole process. */
  readonly maxHeaderBytes: number;
  /** Paths of PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** A connection on which nothing moves is closed after this. Bun allows at most 255. */
  readonly idleTimeoutSeconds?: number;
}

export interface HttpServer {
  /** Without a trailing slash: `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  /** Requests whose answer is not complete. */
  readonly inFlight: number;
  /** Takes no new connections, lets requests under way finish for `drainMs`, then closes what is left. */
  stop(drainMs: number): Promise<void>;
}

/** Longer than any answer stays silent by default (`limits.streamIdleMs`, `limits.wallMs`). */
const IDLE_SECONDS = 75;
const DRAIN_CHECK_MS = 5;

/** @throws {StartError} when the port is taken or a TLS file cannot be read. */
export function startServer(options: HttpServerOptions): HttpServer {
  const handle = createHandler(options);
  const tls = options.tls && { cert: readPem(options.tls.cert, "cert"), key: readPem(options.tls.key, "key") };
  setMaxHeaderBytes(options.maxHeaderBytes);
  const app = new Elysia().onRequest(({ request, server }) =>
    handle(request, server!.requestIP(request)?.address ?? "", origin),
  );
  let origin = "";
  try {
    app.listen({
      hostname: options.host,
      port: options.port,
      // Elysia's own default is true: a second engine would then share the port instead of being refused.
      reusePort: false,
      idleTimeout: options.idleTimeoutSeconds ?? IDLE_SECONDS,
      // The limit is each script's own and enforced in body.ts, with a problem that names it.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      ...(tls && { tls }),
    });
  } catch (error) {
    throw listenError(error, options);
  }
  const server = app.server!;
  origin = server.url.origin;
  return {
    url: origin,
    port: server.port!,
    get inFlight() {
      return server.pendingRequests;
    },
    async stop(drainMs) {
      const deadline = performance.now() + drainMs;
      void server.stop(false);
      while (server.pendingRequests > 0 && performance.now() < deadline) await Bun.sleep(DRAIN_CHECK_MS);
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

function listenError(error: unknown, { host, port }: HttpServerOptions): unknown {
  if ((error as { code?: unknown }).code !== "EADDRINUSE") return error;
  const holder = portHolder(port);
  return new StartError(
    `port ${port} on ${host} is taken${holder ? ` by ${holder}` : ""}; stop that, or choose another with --port`,
    { cause: error },
  );
}
