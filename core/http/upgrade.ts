/** The end of a request that wants to be a WebSocket: it becomes one, or the plugin hears that it did not. */
import { agreeOn } from "./handshake.ts";
import type { RequestPlugins } from "./dispatch.ts";
import type { Connection, Exchange } from "./exchange.ts";
import { EngineSocket, SERVICE_RESTART } from "./socket.ts";

const SWITCHING_PROTOCOLS = 101;

/**
 * @param answer after all hooks: another status than 101 is somebody's veto
 * @throws ProblemError where the connection cannot be made one after all.
 */
export function settleUpgrade(
  exchange: Exchange,
  request: Request,
  connection: Connection,
  plugins: RequestPlugins,
  answer: Response,
  onFailure: (error: unknown) => void,
): void {
  const options = exchange.upgrade!;
  exchange.upgrade = null;
  const { protocols = [], maxMessageBytes = connection.maxMessageBytes, lasting = false } = options;
  const socket = new EngineSocket({
    ip: exchange.ip,
    protocol: agreeOn(protocols, exchange.headers.get("sec-websocket-protocol")) ?? "",
    maxMessageBytes,
    handlers: options,
    onFailure,
  });
  if (answer.status !== SWITCHING_PROTOCOLS) return socket.ended();
  try {
    connection.upgrade(request, socket, answer.headers);
  } catch (error) {
    socket.ended();
    throw error;
  }
  if (!lasting) endWith(socket, plugins.ended);
}

function endWith(socket: EngineSocket, ended: AbortSignal): void {
  const end = (): void => socket.close(SERVICE_RESTART, "The plugin was reloaded.");
  if (ended.aborted) return end();
  ended.addEventListener("abort", end, { once: true });
  socket.onEnd(() => ended.removeEventListener("abort", end));
}
