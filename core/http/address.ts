/** Who calls: the peer's address, or the one that a trusted proxy vouches for. */
import ipaddr from "ipaddr.js";

type Address = ReturnType<typeof ipaddr.parse>;

export interface Caller {
  readonly ip: string;
  /** The peer is a trusted proxy, so that its other headers may be believed as well. */
  readonly trusted: boolean;
  /** The scheme that the client used, where a trusted proxy says so. */
  readonly proto: "http" | "https" | null;
}

/** Addresses of proxies are few; the bound is for IPv6 clients that change theirs at will. */
const MAX_REMEMBERED = 1024;

/**
 * Answers who the caller is, given the peer of the socket and the request's headers. From a trusted peer it is the
 * right-most address of `X-Forwarded-For` that is no trusted proxy itself: everything left of it is the caller's own
 * claim. `Forwarded` is read where `X-Forwarded-For` is absent. Where both are there and disagree, one of them came
 * through from the client, and neither is believed.
 *
 * The peer must be normalised.
 *
 * @param proxies addresses and ranges: `127.0.0.1`, `10.0.0.0/8`, `fd00::/8`
 * @throws {TypeError} when one of them is neither.
 */
export function createCallerLookup(proxies: readonly string[]): (peer: string, headers: Headers) => Caller {
  const ranges = proxies.map(parseRange);
  const remembered = new Map<string, boolean>();
  const isTrusted = (ip: string): boolean => {
    const known = remembered.get(ip);
    if (known !== undefined) return known;
    const address = parseAddress(ip);
    const trusted = address !== null && ranges.some((range) => contains(range, address));
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(ip, trusted);
    return trusted;
  };
  const vouched = (peer: string, hops: readonly string[]): string => {
    let ip = peer;
    for (let i = hops.length - 1; i >= 0 && isTrusted(ip); i--) {
      const hop = parseHop(hops[i]!);
      if (hop === null) break;
      ip = hop;
    }
    return ip;
  };
  return (peer, headers) => {
    if (!isTrusted(peer)) return { ip: peer, trusted: false, proto: null };
    const list = headers.get("x-forwarded-for");
    const forwarded = headers.get("forwarded");
    const byList = list === null ? null : vouched(peer, list.split(","));
    const byForwarded = forwarded === null ? null : vouched(peer, forwardedFor(forwarded));
    const ip =
      byList !== null && byForwarded !== null && byList !== byForwarded ? peer : (byList ?? byForwarded ?? peer);
    return { ip, trusted: true, proto: readProto(headers.get("x-forwarded-proto")) };
  };
}

/** The first of a list is what the outermost proxy saw. */
function readProto(header: string | null): Caller["proto"] {
  const proto = header?.split(",", 1)[0]!.trim().toLowerCase();
  return proto === "http" || proto === "https" ? proto : null;
}

function parseRange(text: string): [Address, number] {
  try {
    if (text.includes("/")) return ipaddr.parseCIDR(text);
    const address = ipaddr.parse(text);
    return [address, address.kind() === "ipv4" ? 32 : 128];
  } catch (cause) {
    throw new TypeError(`server.trustedProxies: "${text}" is neither an IP address nor a range such as "10.0.0.0/8"`, {
      cause,
    });
  }
}

function contains([range, bits]: [Address, number], address: Address): boolean {
  return range.kind() === address.kind() && address.match(range, bits);
}

function parseAddress(text: string): Address | null {
  // ipaddr.js reads "010.1" and "0x7f.1" as addresses too; a peer or a proxy never writes those.
  if (!/^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i.test(text) || !ipaddr.isValid(text)) return null;
  return ipaddr.process(text);
}

/** One hop of a list: an address, perhaps in quotes, brackets or with a port. Anything else (`unknown`, `_hidden`) is none. */
function parseHop(text: string): string | null {
  const found = /^"?(?:\[([0-9a-f:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+)(?::\d+)?|([0-9a-f:.]*:[0-9a-f:.]*))"?$/i.exec(
    text.trim(),
  );
  const address = parseAddress(found?.[1] ?? found?.[2] ?? found?.[3] ?? "");
  return address === null ? null : address.toString();
}

/** The `for` of every element; https://www.rfc-editor.org/rfc/rfc7239#section-4 */
function forwardedFor(header: string): string[] {
  return header.split(",").map((element) => {
    const pair = element.split(";").find((part) => /^\s*for\s*=/i.test(part));
    return pair === undefined ? "unknown" : pair.slice(pair.indexOf("=") + 1);
  });
}

/** A socket that listens on `::` reports IPv4 peers as `::ffff:192.0.2.1`. */
export function normalisePeer(peer: string): string {
  return peer.startsWith("::ffff:") && peer.includes(".") ? peer.slice(7) : peer;
}
