/** May this request become a WebSocket? The server's half of the handshake. https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1 */
import { ProblemError } from "../../sdk/errors.ts";

const VERSION = "13";
/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** What a refusal says: RFC 9110 wants the protocol named, RFC 6455 its version. */
export const HOW_TO_UPGRADE: { readonly [name: string]: string } = {
  connection: "upgrade",
  upgrade: "websocket",
  "sec-websocket-version": VERSION,
};

/** The client asks for one, well or badly. */
export function wantsWebSocket(headers: Headers): boolean {
  return tokens(headers.get("upgrade")).includes("websocket");
}

/** @throws ProblemError `upgrade_required`, `bad_request` or, for a page of another origin, `forbidden`. */
export function checkHandshake(
  { method, headers }: { readonly method: string; readonly headers: Headers },
  host: string,
  allowOrigin: ((origin: string) => boolean) | undefined,
): void {
  if (method !== "GET" || !wantsWebSocket(headers) || !tokens(headers.get("connection")).includes("upgrade")) {
    throw new ProblemError("upgrade_required", "This path speaks WebSocket: connect with a GET that asks to upgrade.");
  }
  if (headers.get("sec-websocket-version")?.trim() !== VERSION) {
    throw new ProblemError("upgrade_required", `Sec-WebSocket-Version must be ${VERSION} (RFC 6455).`);
  }
  if (!KEY.test(headers.get("sec-websocket-key")?.trim() ?? "")) {
    throw new ProblemError("bad_request", "Sec-WebSocket-Key must be 16 bytes in base64 (RFC 6455).");
  }
  const origin = headers.get("origin");
  // Browsers send cookies along, whoever's page it is, and ask nobody before: CORS does not guard WebSockets.
  if (origin === null || sameHost(origin, host) || allowOrigin?.(origin)) return;
  throw new ProblemError("forbidden", `Pages of the origin "${origin.slice(0, 100)}" may not connect here.`);
}

/** By host and port: behind a proxy that ends TLS and is not in `server.trustedProxies` the scheme is not known. */
function sameHost(origin: string, host: string): boolean {
  return URL.parse(origin)?.host === host;
}

/** The first that the server speaks and the client offers; undefined for none. */
export function agreeOn(spoken: readonly string[], offered: string | null): string | undefined {
  const list = offered?.split(",").map((one) => one.trim()) ?? [];
  return spoken.find((one) => list.includes(one));
}

function tokens(list: string | null): readonly string[] {
  return list?.split(",").map((one) => one.trim().toLowerCase()) ?? [];
}
