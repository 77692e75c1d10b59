/** Decides where one hop of an outgoing request may connect: the URL, the policy, the name's addresses. */
import { lookup } from "node:dns/promises";
import { ProblemError } from "../../sdk/errors.ts";
import {
  classify,
  matchesAddress,
  matchesName,
  namesAddress,
  parseAddress,
  parseHostPattern,
  plainName,
  readings,
  type HostPattern,
} from "./address.ts";
import { NetworkError } from "./error.ts";

/** The config keys `fetch.*`. Entries: see `parseHostPattern`. */
export interface FetchPolicy {
  /** Private, loopback and link-local addresses may be reached (metadata services still not). */
  readonly allowPrivate: boolean;
  /** Hosts that may be reached although their addresses are private. */
  readonly allowHosts: readonly string[];
  /** Hosts that are never reached, whatever else allows them. */
  readonly denyHosts: readonly string[];
}

/** Gives every address of a name. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** Where to connect. Everything in it comes from one parse of the URL and one look-up of the name. */
export interface Target {
  readonly url: URL;
  readonly secure: boolean;
  readonly port: number;
  /** For the `Host` header: without the dot of the root and without a default port. */
  readonly host: string;
  /** For TLS; undefined where the URL has an address instead of a name. */
  readonly serverName: string | undefined;
  /** Checked; the connection goes to one of these and nowhere else. */
  readonly addresses: readonly string[];
}

const URL_LENGTH = 16_384;

/** Ports of other protocols, which a crafted HTTP request could talk to. https://fetch.spec.whatwg.org/#port-blocking */
const BAD_PORTS = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

export function blocked(reason: string): ProblemError {
  return new ProblemError("fetch_blocked", `fetch: ${reason}`);
}

export function parseUrl(text: string, base?: URL): URL {
  if (text.length > URL_LENGTH) throw new ProblemError("bad_request", `fetch: a URL may have ${URL_LENGTH} characters`);
  const url = URL.parse(text, base?.href);
  if (url === null) throw new ProblemError("bad_request", "fetch: the URL cannot be parsed; write it in full");
  return url;
}

/** The system's resolver; it knows `/etc/hosts`, so its answers are checked like any other. */
export const systemResolve: Resolve = async (host) => {
  const found = await lookup(host, { all: true });
  return found.map((entry) => entry.address);
};

/** Checks a URL against the policy and resolves its name once. Throws `fetch_blocked`, or `NetworkError` without an address. */
export async function resolveTarget(
  url: URL,
  policy: FetchPolicy,
  hosts: readonly string[],
  resolve: Resolve,
): Promise<Target> {
  if (url.protocol !== "http:" && url.protocol !== "https:") throw blocked("only http and https can be fetched");
  if (url.username !== "" || url.password !== "") {
    throw blocked("a URL must not contain a user or password; send an Authorization header instead");
  }
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  if (BAD_PORTS.has(port)) throw blocked(`port ${port} belongs to another protocol`);

  const name = plainName(url.hostname);
  const literal = parseAddress(name);
  // A second dot at the end would leave two spellings of one host, of which a list may hold only one.
  if (name === "" || name.endsWith(".") || name.length > 253) throw blocked("the host's name is not valid");

  const lists = parseLists(policy, hosts);
  // Before the look-up: a name that is not allowed must not reach a resolver either, where it could carry data out.
  const listed = (patterns: readonly HostPattern[]) =>
    literal ? matchesAddress(patterns, literal) : matchesName(patterns, name);
  if (listed(lists.deny)) throw blocked(`the operator denies ${name} (fetch.denyHosts)`);
  if (lists.only.length > 0 && !listed(lists.only)) throw blocked(`${name} is not among this script's hosts`);

  const addresses = literal ? [literal.toString()] : await resolve(name);
  if (addresses.length === 0) throw new NetworkError(`${name} has no address`);
  // All of them, so that an answer that mixes a public with a private address gets nowhere.
  for (const text of addresses) checkAddress(text, name, policy.allowPrivate, lists);

  return {
    url,
    secure,
    port,
    host: url.port === "" ? name : `${name}:${url.port}`,
    serverName: literal ? undefined : name,
    addresses,
  };
}

interface HostLists {
  readonly only: readonly HostPattern[];
  readonly allow: readonly HostPattern[];
  readonly deny: readonly HostPattern[];
}

/** The config refuses bad entries when it is read; one that slipped through must close the door, not open it. */
function parseLists(policy: FetchPolicy, hosts: readonly string[]): HostLists {
  try {
    return {
      only: hosts.map(parseHostPattern),
      allow: policy.allowHosts.map(parseHostPattern),
      deny: policy.denyHosts.map(parseHostPattern),
    };
  } catch (cause) {
    throw new ProblemError("internal", "fetch: a list of hosts in the configuration is not valid", { cause });
  }
}

function checkAddress(text: string, name: string, allowPrivate: boolean, lists: HostLists): void {
  const address = parseAddress(text);
  if (address === undefined) throw blocked(`${name} has no usable address`);
  if (readings(address).some((reading) => matchesAddress(lists.deny, reading)))
    throw blocked(`the operator denies ${name} (fetch.denyHosts)`);
  const kind = classify(address);
  if (kind === "public" || (kind === "metadata" && namesAddress(lists.allow, address))) return;
  if (kind === "private" && (allowPrivate || matchesName(lists.allow, name) || matchesAddress(lists.allow, address))) {
    return;
  }
  // The address stays unsaid: what a name of the inside resolves to is none of the script's business.
  throw blocked(`${name} is not a public address; the operator can open it with fetch.allowHosts`);
}
