/** Which addresses are public, and what lists of hosts match. */
import { describe, expect, test } from "bun:test";
import {
  classify,
  matchesAddress,
  matchesName,
  namesAddress,
  parseAddress,
  parseHostPattern,
  type AddressClass,
} from "../../../core/fetch/address.ts";

const ADDRESSES: [string, AddressClass, string][] = [
  ["1.1.1.1", "public", "an ordinary address"],
  ["8.8.8.8", "public", "an ordinary address"],
  ["172.15.255.255", "public", "the last before 172.16.0.0/12"],
  ["172.32.0.0", "public", "the first after 172.16.0.0/12"],
  ["2606:4700:4700::1111", "public", "an ordinary IPv6 address"],
  ["0.0.0.0", "private", "unspecified: reaches this machine"],
  ["0.1.2.3", "private", "this network"],
  ["10.0.0.1", "private", "private"],
  ["100.64.0.1", "private", "carrier-grade NAT"],
  ["127.0.0.1", "private", "loopback"],
  ["127.255.255.254", "private", "the far end of loopback"],
  ["172.16.0.1", "private", "private"],
  ["172.31.255.255", "private", "private"],
  ["192.168.1.1", "private", "private"],
  ["192.0.0.8", "private", "protocol assignments"],
  ["192.0.2.1", "private", "documentation"],
  ["192.88.99.1", "private", "6to4 relays"],
  ["198.18.0.1", "private", "benchmarks"],
  ["198.51.100.1", "private", "documentation"],
  ["203.0.113.1", "private", "documentation"],
  ["224.0.0.1", "private", "multicast"],
  ["240.0.0.1", "private", "reserved"],
  ["255.255.255.255", "private", "broadcast"],
  ["169.254.169.254", "metadata", "AWS, Azure, Google"],
  ["169.254.170.2", "metadata", "ECS"],
  ["169.254.1.1", "metadata", "link-local"],
  ["100.100.100.200", "metadata", "Alibaba"],
  ["168.63.129.16", "metadata", "Azure, on a public address"],
  ["192.0.0.192", "metadata", "Oracle"],
  ["fd00:ec2::254", "metadata", "AWS over IPv6"],
  ["fd20:ce::254", "metadata", "Google over IPv6"],
  ["::", "private", "unspecified"],
  ["::1", "private", "loopback"],
  ["fe80::1", "private", "link-local"],
  ["fec0::1", "private", "site-local"],
  ["fc00::1", "private", "unique local"],
  ["fdff::1", "private", "unique local"],
  ["ff02::1", "private", "multicast"],
  ["2001:db8::1", "private", "documentation"],
  ["3fff::1", "private", "documentation"],
  ["100::1", "private", "discard"],
  ["4000::1", "private", "not handed out yet"],
  ["::ffff:8.8.8.8", "private", "IPv4-mapped, even of a public address"],
  ["::ffff:127.0.0.1", "private", "IPv4-mapped loopback"],
  ["::127.0.0.1", "private", "IPv4-compatible loopback"],
  ["::ffff:0:127.0.0.1", "private", "IPv4-translated loopback"],
  ["64:ff9b::7f00:1", "private", "NAT64 of loopback"],
  ["64:ff9b:1::1", "private", "local NAT64"],
  ["2002:7f00:1::", "private", "6to4 of loopback"],
  ["2001:0:7f00:1::", "private", "Teredo of loopback"],
  ["::ffff:169.254.169.254", "metadata", "IPv4-mapped metadata"],
  ["64:ff9b::a9fe:a9fe", "metadata", "NAT64 of metadata"],
  ["2002:a9fe:a9fe::1", "metadata", "6to4 of metadata"],
];

for (const [address, kind, what] of ADDRESSES) {
  test(`${address} is ${kind}: ${what}`, () => {
    expect(classify(parseAddress(address)!)).toBe(kind);
  });
}

test("names, and spellings that only old resolvers know, are no addresses", () => {
  for (const text of [
    "example.com",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "1.2.3.4.",
    "",
    "::g",
    "1".repeat(99),
  ]) {
    expect(parseAddress(text)).toBeUndefined();
  }
});

describe("lists of hosts", () => {
  test("a name matches itself in any case and nothing around it", () => {
    const list = [parseHostPattern("API.Example.com.")];
    expect(matchesName(list, "api.example.com")).toBe(true);
    for (const name of ["example.com", "x.api.example.com", "api.example.com.evil.test", "xapi.example.com"]) {
      expect(matchesName(list, name)).toBe(false);
    }
  });

  test("a star matches everything below and not the name itself", () => {
    const list = [parseHostPattern("*.example.com")];
    expect(matchesName(list, "a.example.com")).toBe(true);
    expect(matchesName(list, "a.b.example.com")).toBe(true);
    expect(matchesName(list, "example.com")).toBe(false);
    expect(matchesName(list, "aexample.com")).toBe(false);
  });

  test("a name in another script matches as URLs spell it", () => {
    expect(matchesName([parseHostPattern("bücher.example")], new URL("http://BÜCHER.example").hostname)).toBe(true);
  });

  test("addresses and ranges match addresses of their own kind", () => {
    const list = [parseHostPattern("10.1.2.3"), parseHostPattern("10.9.0.0/16"), parseHostPattern("fd00::/8")];
    const matches = (text: string) => matchesAddress(list, parseAddress(text)!);
    expect(["10.1.2.3", "10.9.200.1", "fd12::1"].map(matches)).toEqual([true, true, true]);
    expect(["10.1.2.4", "10.10.0.1", "fe80::1", "::ffff:10.1.2.3"].map(matches)).toEqual([false, false, false, false]);
  });

  test("only an entry of one address names it", () => {
    const address = parseAddress("169.254.169.254")!;
    expect(namesAddress([parseHostPattern("169.254.169.254")], address)).toBe(true);
    expect(namesAddress([parseHostPattern("169.254.0.0/16")], address)).toBe(false);
  });

  const faults = [
    "",
    "*",
    "*.",
    "a b",
    "http://a",
    "a:80",
    "10.0.0.0/33",
    "a/b",
    "127.1",
    "0x7f.1",
    "1",
    "a..b",
    "*.*.a",
  ];
  for (const entry of faults) {
    test(`the entry ${JSON.stringify(entry)} is refused with a sentence that shows it`, () => {
      expect(() => parseHostPattern(entry)).toThrow(JSON.stringify(entry));
    });
  }
});
