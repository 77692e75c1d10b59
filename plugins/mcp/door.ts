/** Who may knock: a page that a browser shows must not reach an engine on the same machine (DNS rebinding). */

export interface DoorOptions {
  /** Host names beside the local ones and addresses, without ports. */
  readonly allowedHosts: readonly string[];
  /** Origins beside the local ones and the server's own: `https://app.example`. */
  readonly allowedOrigins: readonly string[];
}

const LOCAL = ["localhost", "127.0.0.1", "[::1]"];

/** A sentence that says why not; null for those who may. */
export function refusal(headers: Headers, { allowedHosts, allowedOrigins }: DoorOptions): string | null {
  const host = headers.get("host") ?? "";
  const name = hostnameOf(`http://${host}`);
  // Rebinding takes a name: an address in the Host header is where the client really went.
  const known =
    name !== undefined &&
    (LOCAL.includes(name) || isAddress(name) || allowedHosts.some((one) => one.toLowerCase() === name));
  if (!known) return `The host "${host.slice(0, 100)}" is not served here: add it to plugins.mcp.allowedHosts.`;
  const origin = headers.get("origin");
  if (origin === null || allowedOrigins.includes(origin)) return null;
  const from = hostnameOf(origin);
  if (from !== undefined && (LOCAL.includes(from) || URL.parse(origin)?.host === host)) return null;
  return `Pages of the origin "${origin.slice(0, 100)}" may not speak to this server: add it to plugins.mcp.allowedOrigins.`;
}

function hostnameOf(url: string): string | undefined {
  return URL.parse(url)?.hostname || undefined;
}

function isAddress(hostname: string): boolean {
  // A URL parser leaves no number in another form than these.
  return hostname.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}
