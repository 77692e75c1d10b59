/** One request and its answer's head over one fresh connection to a checked address. */
import http, { type ClientRequest, type IncomingMessage } from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import { parseAddress } from "./address.ts";
import { sendBody, type OutboundBody } from "./body.ts";
import { NetworkError, networkError } from "./error.ts";
import { outgoing, type HeaderList } from "./headers.ts";
import type { Target } from "./target.ts";

export interface Exchange {
  readonly method: string;
  readonly headers: HeaderList;
  readonly body: OutboundBody;
  /** Ends the exchange at any point up to the answer's head. */
  readonly signal: AbortSignal;
  /** Certificates to trust instead of the system's, PEM. */
  readonly ca?: string | undefined;
}

export interface Answer {
  readonly message: IncomingMessage;
  /** Ends the connection; harmless when it has ended. */
  readonly release: () => void;
}

/** A name may have many addresses; a script must not make the engine knock on all of them. */
const MAX_ADDRESSES = 3;

/** How long an address that does not answer holds up the next one. */
const CONNECT_MS = 3000;

/**
 * Sends the request to the first of the target's addresses that takes a connection.
 *
 * node:http and not the global fetch: the latter goes through a proxy when the environment names one, follows a pool
 * of connections keyed by address and port (pinned connections of two names would be mixed), and cannot tell which
 * address it reached. A connection is never reused, so none can carry anything from one script to another.
 */
export async function exchange(target: Target, request: Exchange): Promise<Answer> {
  const addresses = target.addresses.slice(0, MAX_ADDRESSES);
  for (const [i, address] of addresses.entries()) {
    const isLast = i + 1 === addresses.length;
    const attempt = connect(target, address, request);
    const timer = isLast ? undefined : setTimeout(attempt.giveUp, CONNECT_MS);
    try {
      await attempt.connected;
    } catch (error) {
      request.signal.throwIfAborted();
      // Nothing of the body was sent yet, so another address may be tried.
      if (!isLast) continue;
      throw networkError(target.host, error);
    } finally {
      clearTimeout(timer);
    }
    return attempt.answer;
  }
  throw new NetworkError(`${target.host}: no address`);
}

function bodyBytes(body: OutboundBody): number | null | undefined {
  if (body === null) return null;
  return body instanceof Uint8Array ? body.byteLength : undefined;
}

interface Attempt {
  readonly connected: Promise<void>;
  readonly giveUp: () => void;
  readonly answer: Promise<Answer>;
}

function connect(target: Target, address: string, { method, headers, body, signal, ca }: Exchange): Attempt {
  const connected = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Answer>();
  // Whoever awaits one of the two hears of a failure; the other must not count as unhandled.
  answer.promise.catch(() => undefined);

  const outbound: ClientRequest = (target.secure ? https : http).request({
    host: address,
    port: target.port,
    method,
    path: target.url.pathname + target.url.search,
    headers: outgoing(headers, target.host, method, bodyBytes(body)),
    setHost: false,
    agent: false,
    maxHeaderSize: 32_768,
    ...(target.secure && {
      // Explicit, so that no variable of the environment can switch the check off.
      rejectUnauthorized: true,
      servername: target.serverName ?? "",
      ...(ca !== undefined && { ca }),
    }),
  });

  const upload = new AbortController();
  const fail = (error: unknown) => {
    upload.abort();
    connected.reject(error);
    answer.reject(signal.aborted ? signal.reason : networkError(target.host, error));
  };
  const abort = () => outbound.destroy(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
  const settle = () => signal.removeEventListener("abort", abort);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();

  outbound.on("error", fail);
  outbound.once("close", () => {
    settle();
    fail(new NetworkError(`${target.host}: the connection was closed without an answer`));
  });
  outbound.once("socket", (socket: Socket) => {
    socket.once(target.secure ? "secureConnect" : "connect", () => {
      if (!reached(socket, address)) return void outbound.destroy(new NetworkError("connected to another address"));
      connected.resolve();
      void sendBody(outbound, body, upload.signal);
    });
  });
  outbound.once("upgrade", (_message, socket: Socket) => {
    // The request has let go of its socket here: an error of it would be nobody's, and end the process.
    socket.on("error", () => undefined).destroy();
    fail(new NetworkError(`${target.host}: the server changed the protocol unasked`));
  });
  outbound.once("response", (message) => {
    settle();
    // Whoever reads the body hears of errors there; one that comes when nobody reads must not end the process.
    message.on("error", () => undefined);
    const release = () => {
      upload.abort();
      outbound.destroy();
    };
    answer.resolve({ message, release });
  });
  const giveUp = () => void outbound.destroy(new NetworkError(`${target.host}: the connection timed out`));
  return { connected: connected.promise, giveUp, answer: answer.promise };
}

/** The last word on pinning: the kernel's own account of where the connection goes. */
function reached(socket: Socket, address: string): boolean {
  const remote = socket.remoteAddress;
  return remote !== undefined && parseAddress(remote)?.toString() === parseAddress(address)?.toString();
}
