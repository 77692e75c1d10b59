import { test } from "bun:test";
import { expectAsHere, expectOutcomes, openRealm } from "./harness.ts";

const realm = openRealm();

test("headers are read, combined and ordered as the Fetch standard says", () =>
  expectOutcomes(realm, [
    [
      `return [...new Headers({ b: "1", A: "2", "Set-Cookie": "x" })]`,
      [
        ["a", "2"],
        ["b", "1"],
        ["set-cookie", "x"],
      ],
    ],
    [`const h = new Headers([["a", "1"], ["A", "2"]]); return [h.get("a"), [...h]]`, ["1, 2", [["a", "1, 2"]]]],
    [
      `const h = new Headers(); h.append("set-cookie", "a=1"); h.append("x", "y"); h.append("Set-Cookie", "b=2");
       return [h.get("set-cookie"), h.getSetCookie(), [...h]]`,
      [
        "a=1, b=2",
        ["a=1", "b=2"],
        [
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
          ["x", "y"],
        ],
      ],
    ],
    [`const h = new Headers({ a: "1" }); h.set("A", "2"); h.delete("b"); return [...h]`, [["a", "2"]]],
    [
      `const h = new Headers([["a", "1"], ["b", "2"], ["a", "3"]]); h.set("a", "x"); return [...h]`,
      [
        ["a", "x"],
        ["b", "2"],
      ],
    ],
    [`return new Headers({ a: "  x\\t" }).get("a")`, "x"],
    [`return new Headers({ a: "\\n x\\r\\n" }).get("a")`, "x"],
    [`return new Headers({ a: "" }).get("a")`, ""],
    [`return new Headers().get("a")`, null],
    [`return new Headers({ a: "caf\\u00e9" }).get("a")`, "café"],
    [`return [...new Headers(new Headers({ a: "1" }))]`, [["a", "1"]]],
    [
      `const h = new Headers({ a: "1" }); h[Symbol.iterator] = function* () { yield ["b", "2"]; }; return [...new Headers(h)]`,
      [["b", "2"]],
    ],
    [`return [...new Headers(new Map([["k", "v"]]))]`, [["k", "v"]]],
    [`return [...new Headers(undefined)]`, []],
    [
      `return [...new Headers({ a: 1, b: null })]`,
      [
        ["a", "1"],
        ["b", "null"],
      ],
    ],
    [`const out = []; new Headers({ b: "1", a: "2" }).forEach((v, k) => out.push(k + v)); return out`, ["a2", "b1"]],
    [
      `const h = new Headers({ a: "1", b: "2" }); const seen = []; for (const [k] of h) { seen.push(k); h.delete("b"); } return seen`,
      ["a"],
    ],
    [`return [[...new Headers({ a: "1" }).keys()], [...new Headers({ a: "1" }).values()]]`, [["a"], ["1"]]],
    [`return Headers.prototype.entries === Headers.prototype[Symbol.iterator]`, true],
    [
      `return [String(new Headers()), Headers.name, String(new Headers().keys())]`,
      ["[object Headers]", "Headers", "[object Headers Iterator]"],
    ],
  ]));

test("a name that is no token and a value that could break out of its line are refused", () =>
  expectOutcomes(
    realm,
    [
      ...["", " ", "a b", "a:", "ä", "a\\nb", "a\\0", "(a)", "a,b", "[x]"].flatMap((name) =>
        ["append", "set"]
          .map((method) => `new Headers().${method}("${name}", "x")`)
          .concat(`new Headers().get("${name}")`),
      ),
      ...["a\\nb", "a\\rb", "a\\r\\nSet-Cookie: x", "a\\0b", "\\u0100", "🎉"].map(
        (value) => `new Headers({ a: "${value}" })`,
      ),
      `new Headers(null)`,
      `new Headers(1)`,
      `new Headers("a")`,
      `new Headers([["a"]])`,
      `new Headers([["a", "b", "c"]])`,
      `new Headers({ [Symbol()]: "a" })`,
      `new Headers([1])`,
      `new Headers().append("a")`,
      `new Headers().get()`,
      `new Headers().forEach()`,
      `Headers()`,
      `Headers.prototype.get.call({}, "a")`,
      `Headers.prototype.keys.call({})`,
      `Headers.prototype[Symbol.iterator].call(new Map())`,
    ].map((code) => [code, new TypeError()] as const),
  ));

test("reading headers from odd objects goes the way of Bun's own", () =>
  expectAsHere(realm, [
    `const log = []; const p = new Proxy({ a: "1", b: "2" }, { ownKeys(t) { log.push("keys"); return Reflect.ownKeys(t); }, get(t, k) { log.push(String(k)); return t[k]; } }); new Headers(p); return log.includes("keys")`,
    `return [...new Headers(Object.create({ inherited: "x" }, { own: { value: "1", enumerable: true }, hidden: { value: "2" } }))]`,
    `return [...new Headers({ get a() { return "got"; } })]`,
    `new Headers({ get a() { throw new RangeError(); } })`,
    `return [...new Headers(function* () { yield ["a", "1"]; yield ["b", "2"]; }())]`,
  ]));
