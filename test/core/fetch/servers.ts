/** Servers on loopback and requests to them, for the tests of the guarded fetch. */
import net, { type AddressInfo, type Socket } from "node:net";
import { guardedFetch, type FetchContext, type OutboundRequest } from "../../../core/fetch/fetch.ts";

export const OPEN = { allowPrivate: true, allowHosts: [], denyHosts: [] } as const;
export const CLOSED = { allowPrivate: false, allowHosts: [], denyHosts: [] } as const;

export function context(changes: Partial<FetchContext> = {}): FetchContext {
  return {
    policy: OPEN,
    hosts: [],
    signal: new AbortController().signal,
    maxResponseBytes: 10_000_000,
    timeoutMs: 5000,
    ...changes,
  };
}

export function request(url: string, changes: Partial<OutboundRequest> = {}): OutboundRequest {
  return { method: "GET", url, headers: [], redirect: "follow", body: null, ...changes };
}

export function go(url: string, changes?: Partial<OutboundRequest>, where?: Partial<FetchContext>) {
  return guardedFetch(request(url, changes), context(where));
}

/** What a promise is rejected with; fails where it is not. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string; detail?: string }> {
  const caught = await promise.then(
    () => new Error("it was accepted"),
    (reason: unknown) => reason,
  );
  if (!(caught instanceof Error) || caught.message === "it was accepted") throw caught;
  return caught;
}

export async function text(body: ReadableStream<Uint8Array> | null): Promise<string> {
  return body === null ? "" : new Response(body).text();
}

export function header(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((entry, i) => i % 2 === 0 && entry === name);
  return at === -1 ? undefined : headers[at + 1];
}

/** A TCP server that counts connections and hands each to `serve`. */
export interface RawServer {
  readonly port: number;
  readonly connections: () => number;
  readonly close: () => void;
}

export async function rawServer(serve: (socket: Socket) => void, host = "127.0.0.1"): Promise<RawServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A test's client may leave at any moment; that is not the server's failure.
    socket.on("error", () => undefined);
    serve(socket);
  });
  await new Promise<void>((ready) => server.listen(0, host, ready));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Answers every connection with the same bytes once a request's first bytes came. */
export function answering(bytes: string | Uint8Array, host?: string): Promise<RawServer> {
  return rawServer((socket) => socket.once("data", () => socket.end(bytes)), host);
}
