/** Which addresses and hosts an outgoing request may reach: the decision against server-side request forgery. */
import { domainToASCII } from "node:url";
import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** `public`: anyone's; `private`: the inside of some network; `metadata`: where clouds hand out credentials. */
export type AddressClass = "public" | "private" | "metadata";

/** The only IPv6 space handed out to the public Internet. Naming what is public fails closed for what comes later. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");

/** Link-local IPv4 as a whole, and the services of clouds that sit elsewhere (one of them on a public address). */
const METADATA = [
  "169.254.0.0/16",
  "100.100.100.200/32",
  "168.63.129.16/32",
  "192.0.0.192/32",
  "fd00:ec2::/32",
  "fd20:ce::254/128",
].map((range) => ipaddr.parseCIDR(range));

/** Forms of IPv6 that carry an IPv4 address, and where in the 16 bytes it stands. */
const EMBEDDED = [
  { range: "::ffff:0:0/96", at: 12 }, // IPv4-mapped
  { range: "::ffff:0:0:0/96", at: 12 }, // IPv4-translated
  { range: "::/96", at: 12 }, // IPv4-compatible
  { range: "64:ff9b::/96", at: 12 }, // NAT64
  { range: "64:ff9b:1::/48", at: 12 }, // local NAT64
  { range: "2002::/16", at: 2 }, // 6to4
  { range: "2001::/32", at: 4 }, // Teredo: its server
].map(({ range, at }) => ({ range: ipaddr.IPv6.parseCIDR(range), at }));

/** The address in a URL's host or a resolver's answer; undefined for a name. */
export function parseAddress(text: string): Address | undefined {
  // Longer than any address: the parser's patterns need not look at what a script made up.
  if (text.length > 47) return undefined;
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare);
  if (bare.includes(":") && ipaddr.IPv6.isValid(bare)) return ipaddr.IPv6.parse(bare);
  return undefined;
}

function within(address: Address, range: [Address, number]): boolean {
  return address.kind() === range[0].kind() && address.match(range);
}

function embedded(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const form = EMBEDDED.find(({ range }) => within(address, range));
  return form && new ipaddr.IPv4(address.toByteArray().slice(form.at, form.at + 4));
}

/** The address and the one it carries: a refusal of either refuses both. */
export function readings(address: Address): readonly Address[] {
  const inner = address instanceof ipaddr.IPv6 ? embedded(address) : undefined;
  return inner ? [address, inner] : [address];
}

export function classify(address: Address): AddressClass {
  if (readings(address).some((reading) => METADATA.some((range) => within(reading, range)))) return "metadata";
  if (address.range() !== "unicast") return "private";
  if (address instanceof ipaddr.IPv6 && !within(address, GLOBAL_UNICAST)) return "private";
  return "public";
}

/** One entry of a list of hosts in the config. */
export type HostPattern =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "below"; readonly suffix: string }
  | { readonly kind: "range"; readonly range: [Address, number] };

/**
 * Reads `example.com`, `*.example.com` (everything below it, not itself), `10.1.2.3`, `10.0.0.0/8` or `fd00::/8`.
 * Throws a sentence for anything else: an entry of `denyHosts` that can never match must not pass silently.
 */
export function parseHostPattern(entry: string): HostPattern {
  const text = entry.trim();
  const address = parseAddress(text);
  if (address) return { kind: "range", range: [address, address.kind() === "ipv4" ? 32 : 128] };
  if (text.includes("/")) {
    if (!ipaddr.isValidCIDR(text)) throw new Error(`"${entry}" is no range of addresses; write for example 10.0.0.0/8`);
    return { kind: "range", range: ipaddr.parseCIDR(text) };
  }
  const below = text.startsWith("*.");
  const name = plainName(domainToASCII(below ? text.slice(2) : text));
  // An address in another spelling (`0x7f.1`, `127.1`) would be taken for a name and match nothing.
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name) || /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name)) {
    throw new Error(`"${entry}" is no host; write example.com, *.example.com, 10.1.2.3 or 10.0.0.0/8, without a port`);
  }
  return below ? { kind: "below", suffix: `.${name}` } : { kind: "name", name };
}

/** Lower case, without the dot of the root: `Example.COM.` and `example.com` are one host. */
export function plainName(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : lower;
}

export function matchesName(patterns: readonly HostPattern[], name: string): boolean {
  return patterns.some((pattern) => {
    if (pattern.kind === "name") return name === pattern.name;
    return pattern.kind === "below" && name.endsWith(pattern.suffix);
  });
}

export function matchesAddress(patterns: readonly HostPattern[], address: Address): boolean {
  return patterns.some((pattern) => pattern.kind === "range" && within(address, pattern.range));
}

/** Whether the list names exactly this address: what it takes to open a metadata service. */
export function namesAddress(patterns: readonly HostPattern[], address: Address): boolean {
  const bits = address.kind() === "ipv4" ? 32 : 128;
  return patterns.some((p) => p.kind === "range" && p.range[1] === bits && within(address, p.range));
}
