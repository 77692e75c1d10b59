import { expect, test } from "bun:test";
import { expectAsHere, expectOutcomes, openRealm } from "./harness.ts";

const realm = openRealm();
const text = JSON.stringify;

const URLS = [
  "http://example.com",
  "https://user:pass@example.com:8443/a/b/../c?x=1&y=2#frag",
  "http://user@example.com/",
  "http://:pw@example.com/",
  "http://us%40er:p%3Aw@example.com/",
  "http://EXAMPLE.com:80/%7Efoo/../a b",
  "http://[::1]:3000/x?y",
  "http://[2001:db8::1]/",
  "http://192.168.0.1.:8080/",
  "http://0x7f.1/",
  "http://münchen.de/ä?ö#ü",
  "http://example.com?",
  "http://example.com#",
  "http://example.com/?#",
  "http://example.com/a?b?c#d?e#f",
  "http://example.com/a#b?c",
  "ftp://example.com:21/x",
  "ws://example.com:80/",
  "wss://example.com/",
  "file:///etc/passwd",
  "file://host/share",
  "mailto:me@example.com?subject=a:b",
  "data:text/plain,hello world#x",
  "javascript:alert(1)//x?y",
  "about:blank",
  "blob:https://example.com:8443/uuid",
  "blob:nothing",
  "urn:isbn:0451450523",
  "non-special://host/path?q#f",
  "non-special://user:pw@host:99/p",
  "non-special:/.//path",
  "web+demo:/.//not-a-host/",
  "web+demo:////x",
  "foo:/a/b",
  "foo:a/b?c#d",
  "http://example.com/@:?@:#@:",
  "http://example.com/a;b=c,d/e!$&'()*+,;=:@",
  "http://ex ample.com/",
  "http://",
  "http://a:99999/",
  "//no-scheme",
  "no-scheme",
  "",
  "  http://trimmed.example/  ",
  "http://exa\tmple.com/\n",
  "http://a\\b\\c",
  "\ud800:x",
  "http://x/\ud800",
];
const READ = `[u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search,
  u.hash, String(u), JSON.stringify(u), [...u.searchParams]]`;

test("a URL has the parts that Bun's own has", () =>
  expectAsHere(
    realm,
    URLS.map((url) => `const u = new URL(${text(url)}); return ${READ}`),
  ));

test("a URL is resolved against a base", () =>
  expectAsHere(
    realm,
    ["x", "/x", "//h/x", "?q", "#f", "../../x", "", "http:x", "https:x", ".", "a?b#c", "\\x"].flatMap((url) =>
      ["http://b.example/one/two?three#four", "foo:opaque", "file:///a/b", "bad"].map(
        (base) => `const u = new URL(${text(url)}, ${text(base)}); return ${READ}`,
      ),
    ),
  ));

test("each setter changes a URL as Bun's does", () =>
  expectAsHere(
    realm,
    ["href", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"].flatMap(
      (part) =>
        [
          "",
          "x",
          "https",
          "http://y.example/z",
          "a b",
          "1:2",
          "8080",
          "80",
          "?a=b",
          "#c",
          "/p/../q",
          "ä",
          "[::1]:9",
        ].flatMap((value) =>
          ["http://a:b@h.example:81/p?q#f", "mailto:x", "file:///a", "foo://h/p"].map(
            (url) => `const u = new URL(${text(url)}); u[${text(part)}] = ${text(value)}; return ${READ}`,
          ),
        ),
    ),
  ));

test("canParse and parse say what the constructor would", () =>
  expectAsHere(
    realm,
    URLS.flatMap((url) => [
      `return URL.canParse(${text(url)})`,
      `return URL.parse(${text(url)}, "http://base.example/")?.href ?? null`,
    ]),
  ));

test("searchParams and search are one thing seen from two sides", () =>
  expectOutcomes(realm, [
    [`const u = new URL("http://x/?a=1"); u.searchParams.append("b", "2 3"); return u.href`, "http://x/?a=1&b=2+3"],
    [`const u = new URL("http://x/?a=1"); u.searchParams.delete("a"); return u.href`, "http://x/"],
    [`const u = new URL("http://x/?a=1"); const p = u.searchParams; u.search = "?c=3"; return [...p]`, [["c", "3"]]],
    [
      `const u = new URL("http://x/?a=1"); const p = u.searchParams; u.href = "http://y/?d"; return [...p]`,
      [["d", ""]],
    ],
    [`const u = new URL("http://x/"); return u.searchParams === u.searchParams`, true],
    [
      `const p = new URLSearchParams("a=1&b=2"); const seen = []; for (const [k] of p) { seen.push(k); p.delete(k); } return seen`,
      ["a"],
    ],
  ]));

const QUERIES = [
  "a=1&b=2&a=3",
  "?a=1",
  "??a",
  "a",
  "=b",
  "a=",
  "&&a&&b=&=c&",
  "a=b=c",
  "a+b=c+d",
  "%61=%62",
  "a=%",
  "a=%zz",
  "a=%C3%A4",
  "a=%C3",
  "a=%ff%41",
  "a=%00",
  "%EF%BB%BFa=b",
  "ä=ö",
  "a=\ud800",
  "a=🎉&b=%F0%9F%8E%89",
  "a=*-._~!'()",
  "a=%2B+%20",
];

test("a query is parsed and written as Bun does it", () =>
  expectAsHere(
    realm,
    QUERIES.flatMap((query) => [
      `const p = new URLSearchParams(${text(query)}); return [p.size, [...p], String(p), [...p.keys()], [...p.values()]]`,
      `const p = new URLSearchParams(${text(query)}); p.sort(); p.set("a", "new"); return String(p)`,
    ]),
  ));

test("URLSearchParams takes records, sequences and itself, and refuses the rest", () =>
  expectAsHere(realm, [
    `return String(new URLSearchParams({ a: 1, b: null, c: "x y" }))`,
    `return String(new URLSearchParams([["a", "1"], ["a", "2"]]))`,
    `return String(new URLSearchParams(new Map([["m", "1"]])))`,
    `return String(new URLSearchParams(new URLSearchParams("a=1&b=2")))`,
    `return String(new URLSearchParams())`,
    `return new URLSearchParams([["a"]])`,
    `return new URLSearchParams([1])`,
    `return new URLSearchParams("a=1&a=2").getAll("a")`,
    `return [new URLSearchParams("a=1").get("b"), new URLSearchParams("a=1").has("a", "2"), new URLSearchParams("a=1").has("a", "1")]`,
    `const p = new URLSearchParams("a=1&a=2"); p.delete("a", "1"); return String(p)`,
    `const p = new URLSearchParams(); p.append("a")`,
    `const out = []; new URLSearchParams("a=1&b=2").forEach((v, k, p) => out.push(k + v + p.size)); return out`,
    `return Object.prototype.toString.call(new URLSearchParams().entries())`,
    `return URL.prototype.href`,
  ]));

test("10,000 random URLs and queries are read as Bun reads them", () => {
  const outcome = realm.evaluate(
    `(url) => { try { const u = new URL(url); return JSON.stringify(${READ}); } catch (e) { return e.name; } }`,
  );
  const here = (url: string): string => {
    try {
      const u = new URL(url);
      return JSON.stringify([u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash, String(u), JSON.stringify(u), [...u.searchParams]]); // prettier-ignore
    } catch (error) {
      return (error as Error).name;
    }
  };
  let seed = 42;
  const pick = (list: readonly string[]): string => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return list[Math.floor((seed / 2 ** 31) * list.length)] as string;
  };
  const bits = ["a", "b.c", ":", "/", "//", "@", "?", "#", "%41", "%", "[::1]", "80", "&", "=", "+", " ", "..", ".", "ä", "\\", "%C3%A4", "%ff"]; // prettier-ignore
  for (let i = 0; i < 10_000; i++) {
    let url = pick(["http://", "https://h", "foo:", "foo:/", "file://", "http://u:p@h:8", "ws:"]);
    for (let n = 0; n < 6; n++) url += pick(bits);
    // Bun's own fault: it takes the first two characters off a path that begins with "/." where there is no host.
    if (/^foo:[/\\ ]*\./.test(url)) continue;
    expect(`${url} ${(outcome as (url: string) => string)(url)}`).toBe(`${url} ${here(url)}`);
  }
});
