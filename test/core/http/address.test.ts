/** Who the caller is: a trusted proxy is believed, and nobody else. */
import { describe, expect, test } from "bun:test";
import { createCallerLookup } from "../../../core/http/address.ts";

const look = createCallerLookup(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);
const ip = (peer: string, headers: Record<string, string>) => look(peer, new Headers(headers)).ip;

test("a stranger's headers are its own claim", () => {
  const caller = look("203.0.113.9", new Headers({ "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https" }));
  expect(caller).toEqual({ ip: "203.0.113.9", trusted: false, proto: null });
});

describe("from a trusted proxy the caller is the right-most address that is none", () => {
  const claims: [string, Record<string, string>, string][] = [
    ["127.0.0.1", {}, "127.0.0.1"],
    ["127.0.0.1", { "x-forwarded-for": "1.2.3.4" }, "1.2.3.4"],
    ["127.0.0.1", { "x-forwarded-for": "6.6.6.6, 1.2.3.4" }, "1.2.3.4"],
    ["127.0.0.1", { "x-forwarded-for": "6.6.6.6, 1.2.3.4, 10.1.2.3" }, "1.2.3.4"],
    ["127.0.0.1", { "x-forwarded-for": "10.9.9.9, 10.1.2.3" }, "10.9.9.9"],
    ["fd00::7", { "x-forwarded-for": "2001:db8::1" }, "2001:db8::1"],
    ["10.0.0.1", { "x-forwarded-for": "1.2.3.4:5678" }, "1.2.3.4"],
    ["10.0.0.1", { "x-forwarded-for": "[2001:db8::1]:443" }, "2001:db8::1"],
    ["10.0.0.1", { "x-forwarded-for": "::ffff:1.2.3.4" }, "1.2.3.4"],
    ["10.0.0.1", { forwarded: 'for="[2001:db8::1]:4711";proto=https' }, "2001:db8::1"],
    ["10.0.0.1", { forwarded: "for=6.6.6.6, proto=http;For=1.2.3.4" }, "1.2.3.4"],
    ["10.0.0.1", { forwarded: "for=1.2.3.4", "x-forwarded-for": "1.2.3.4" }, "1.2.3.4"],
  ];
  for (const [peer, headers, expected] of claims) {
    test(`${peer} ${JSON.stringify(headers)}`, () => expect(ip(peer, headers)).toBe(expected));
  }
});

describe("what is no address ends the search at the proxy that passed it on", () => {
  for (const hop of [
    "unknown",
    "_hidden",
    "",
    "evil.example",
    "1.2.3",
    "999.1.1.1",
    "0x7f.0.0.1",
    "017700000001",
    "<b>",
  ]) {
    test(JSON.stringify(hop), () =>
      expect(ip("127.0.0.1", { "x-forwarded-for": `1.2.3.4, ${hop}` })).toBe("127.0.0.1"),
    );
  }
});

test("two headers that disagree are both not believed", () => {
  expect(ip("10.0.0.1", { forwarded: "for=6.6.6.6", "x-forwarded-for": "1.2.3.4" })).toBe("10.0.0.1");
});

test("the scheme comes from the outermost proxy, when it is one", () => {
  const proto = (value: string) => look("127.0.0.1", new Headers({ "x-forwarded-proto": value })).proto;
  expect(proto("https")).toBe("https");
  expect(proto("HTTPS, http")).toBe("https");
  expect(proto("javascript")).toBeNull();
});

test("a proxy that is no address is refused by name", () => {
  expect(() => createCallerLookup(["10.0.0.0/99"])).toThrow(/"10.0.0.0\/99" is neither/);
  expect(() => createCallerLookup(["proxy.example"])).toThrow(/"proxy.example" is neither/);
});
