/** The route table: which route answers, which is refused, and that both hold for any set of routes. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { checkPattern, compileRoutes, RouteClash, type RouteEntry } from "../../../core/http/router.ts";

function table(...routes: string[]) {
  return compileRoutes(
    routes.map((route): RouteEntry<string> => {
      const [method, path] = route.split(" ") as [string, string];
      return { method, path, value: route, owner: "test" };
    }),
  );
}

function ask(routes: string[], request: string): unknown {
  const [method, path] = request.split(" ") as [string, string];
  const found = table(...routes).find(method, path);
  if (found === null) return null;
  return "allow" in found ? found.allow.join() : [found.value, { ...found.params }];
}

describe("the most specific route wins", () => {
  const routes = ["GET /a/b", "GET /a/:x", "GET /a/*", "GET /:p/b", "GET /*", "GET /"];
  const claims: [string, string, Record<string, string>][] = [
    ["/a/b", "GET /a/b", {}],
    ["/a/c", "GET /a/:x", { x: "c" }],
    ["/a/c/d", "GET /a/*", { "*": "c/d" }],
    ["/a/", "GET /a/*", { "*": "" }],
    ["/a", "GET /a/*", { "*": "" }],
    ["/z/b", "GET /:p/b", { p: "z" }],
    ["/z/c", "GET /*", { "*": "z/c" }],
    ["/", "GET /", {}],
    ["//", "GET /*", { "*": "/" }],
    ["/A/b", "GET /:p/b", { p: "A" }],
  ];
  for (const [path, value, params] of claims) {
    test(`${path} goes to ${value}`, () => expect(ask(routes, `GET ${path}`)).toEqual([value, params]));
  }
});

test("a static branch that leads nowhere is left again", () => {
  const routes = ["GET /shop/cart/pay", "GET /shop/:id/edit", "GET /:any/:id/edit", "GET /shop/*"];
  expect(ask(routes, "GET /shop/cart/edit")).toEqual(["GET /shop/:id/edit", { id: "cart" }]);
  expect(ask(routes, "GET /shop/cart/zzz")).toEqual(["GET /shop/*", { "*": "cart/zzz" }]);
  expect(ask(routes, "GET /other/cart/edit")).toEqual(["GET /:any/:id/edit", { any: "other", id: "cart" }]);
});

test("a less specific route answers a method that the most specific one lacks", () => {
  expect(ask(["POST /a/b", "GET /a/:x"], "GET /a/b")).toEqual(["GET /a/:x", { x: "b" }]);
  expect(ask(["POST /a/b", "GET /a/:x"], "PUT /a/b")).toBe("GET,HEAD,OPTIONS,POST");
});

describe("methods", () => {
  test("HEAD is answered by GET", () => expect(ask(["GET /a"], "HEAD /a")).toEqual(["GET /a", {}]));
  test("an own HEAD goes before GET", () => expect(ask(["GET /a", "HEAD /a"], "HEAD /a")).toEqual(["HEAD /a", {}]));
  test("a method's own route goes before ANY", () => {
    expect(ask(["ANY /a", "GET /a"], "GET /a")).toEqual(["GET /a", {}]);
    expect(ask(["ANY /a", "GET /a"], "HEAD /a")).toEqual(["GET /a", {}]);
    expect(ask(["ANY /a", "GET /a"], "PATCH /a")).toEqual(["ANY /a", {}]);
    expect(ask(["ANY /:x"], "OPTIONS /a")).toEqual(["ANY /:x", { x: "a" }]);
  });
  test("another method gets what is allowed, with HEAD and OPTIONS", () => {
    expect(ask(["GET /a/:x", "DELETE /a/:y"], "POST /a/1")).toBe("DELETE,GET,HEAD,OPTIONS");
    expect(ask(["POST /a"], "OPTIONS /a")).toBe("OPTIONS,POST");
  });
  test("an unknown path gets nothing at all", () => expect(ask(["GET /a"], "POST /b")).toBeNull());
  test("methods are case-sensitive", () => expect(ask(["GET /a"], "get /a")).toBe("GET,HEAD,OPTIONS"));
});

describe("optional parameters", () => {
  test("may be left out at the end", () => {
    expect(ask(["GET /x/:a?"], "GET /x")).toEqual(["GET /x/:a?", {}]);
    expect(ask(["GET /x/:a?"], "GET /x/1")).toEqual(["GET /x/:a?", { a: "1" }]);
    expect(ask(["GET /x/:a?"], "GET /x/1/2")).toBeNull();
    expect(ask(["GET /:a?"], "GET /")).toEqual(["GET /:a?", {}]);
  });
  test("may be left out in the middle", () => {
    expect(ask(["GET /:lang?/about"], "GET /about")).toEqual(["GET /:lang?/about", {}]);
    expect(ask(["GET /:lang?/about"], "GET /de/about")).toEqual(["GET /:lang?/about", { lang: "de" }]);
  });
  test("are filled from the left", () => {
    expect(ask(["GET /:a?/:b?"], "GET /1")).toEqual(["GET /:a?/:b?", { a: "1" }]);
    expect(ask(["GET /:a?/:b?"], "GET /1/2")).toEqual(["GET /:a?/:b?", { a: "1", b: "2" }]);
  });
});

describe("paths", () => {
  test("a trailing slash is another route", () => {
    expect(ask(["GET /a"], "GET /a/")).toBeNull();
    expect(ask(["GET /a/", "GET /a"], "GET /a/")).toEqual(["GET /a/", {}]);
    expect(ask(["GET /a/:x"], "GET /a/")).toBeNull();
    expect(ask(["GET /a/:x"], "GET /a/1/")).toBeNull();
  });
  test("are decoded once, segment by segment", () => {
    expect(ask(["GET /f/:x"], "GET /f/a%2Fb")).toEqual(["GET /f/:x", { x: "a/b" }]);
    expect(ask(["GET /f/:x"], "GET /f/%252F")).toEqual(["GET /f/:x", { x: "%2F" }]);
    expect(ask(["GET /f/*"], "GET /f/a%20b/%C3%A9")).toEqual(["GET /f/*", { "*": "a b/é" }]);
    expect(ask(["GET /f/b"], "GET /f%2Fb")).toBeNull();
    expect(ask(["GET /café"], "GET /caf%C3%A9")).toEqual(["GET /café", {}]);
    expect(ask(["GET /caf%c3%a9"], "GET /caf%C3%A9")).toEqual(["GET /caf%c3%a9", {}]);
    expect(ask(["GET /plain"], "GET /pl%61in")).toEqual(["GET /plain", {}]);
    expect(ask(["GET /v1/users%3Abatch"], "GET /v1/users:batch")).toEqual(["GET /v1/users%3Abatch", {}]);
  });
  for (const path of ["/%", "/%zz", "/%ff", "/x/%C3/%A9", "/%ED%A0%80"]) {
    test(`${path} is malformed, whatever routes there are`, () => {
      expect(() => table("GET /*").find("GET", path)).toThrow(URIError);
      expect(() => table("GET /a").find("GET", path)).toThrow(URIError);
    });
  }
  test("hold no way to a prototype", () => {
    expect(ask(["GET /a"], "GET /__proto__")).toBeNull();
    expect(ask(["GET /a"], "GET /constructor")).toBeNull();
    const found = table("GET /:__proto__").find("GET", "/evil");
    if (found === null || "allow" in found) throw new Error("no match");
    expect(Object.getPrototypeOf(found.params)).toBeNull();
    expect(Object.keys(found.params)).toEqual(["__proto__"]);
    const shared = table("GET /a").find("GET", "/a");
    if (shared === null || "allow" in shared) throw new Error("no match");
    expect(Object.getPrototypeOf(shared.params)).toBeNull();
    expect(Object.isFrozen(shared.params)).toBe(true);
  });
});

describe("a clash names the holder", () => {
  const clashes: [string, string][] = [
    ["GET /x", "GET /x"],
    ["GET /:a", "GET /:b"],
    ["GET /x/:a?", "GET /x"],
    ["GET /x/:a?", "GET /x/:b"],
    ["GET /a/*", "GET /a/*"],
    ["GET /caf%C3%A9", "GET /café"],
    ["ANY /x", "ANY /x"],
  ];
  for (const [held, wanted] of clashes) {
    test(`${held} and ${wanted}`, () => {
      const [entryHeld, entryWanted] = [held, wanted].map((route, index) => {
        const [method, path] = route.split(" ") as [string, string];
        return { method, path, value: null, owner: index === 0 ? "shop" : "notes" };
      }) as [RouteEntry<null>, RouteEntry<null>];
      let clash: unknown;
      try {
        compileRoutes([entryHeld, entryWanted]);
      } catch (error) {
        clash = error;
      }
      expect(clash).toBeInstanceOf(RouteClash);
      expect(clash).toMatchObject({ code: "route_taken", holder: "shop", owner: "notes" });
      expect((clash as Error).message).toContain(`"shop" holds it with ${held}`);
    });
  }
  test("but not where one is more specific", () => {
    expect(table("GET /:a", "POST /:b", "GET /a", "ANY /a", "GET /*", "HEAD /a").size).toBe(6);
  });
  test("a route registered twice by one script says so", () => {
    expect(() => table("GET /x", "GET /x")).toThrow(/has registered GET \/x already/);
  });
  test("a plugin is named as one, also where a script has its name", () => {
    const held = { method: "GET", path: "/x", value: null, owner: "health", ofPlugin: true };
    const wanted = { method: "GET", path: "/x", value: null, owner: "health" };
    let clash: unknown;
    try {
      compileRoutes([held, wanted]);
    } catch (error) {
      clash = error;
    }
    expect(clash).toMatchObject({ holder: "health", heldByPlugin: true, owner: "health" });
    expect((clash as Error).message).toStartWith('"health" cannot have GET /x: the plugin "health" holds it');
  });
});

describe("a malformed pattern is refused with a sentence", () => {
  const refused: [string, RegExp][] = [
    ["a", /must start with/],
    ["", /must start with/],
    ["/a//b", /empty segment/],
    ["/a/*/b", /only the last segment/],
    ["/a*", /"%2A"/],
    ["/:id.json", /whole segment/],
    ["/a:b", /"%3A"/],
    ["/:", /whole segment/],
    ["/:1a", /whole segment/],
    ["/:a/:a", /twice/],
    ["/a?b=1", /no query/],
    ["/a#b", /percent-encoded/],
    ["/a b", /percent-encoded/],
    ["/a\r\nb", /percent-encoded/],
    ["/a\\b", /percent-encoded/],
    ["/%zz", /percent-encoded/],
    ["/a/../b", /no URL keeps/],
    ["/%2e", /no URL keeps/],
    ["/:a?/:b?/:c?/:d?/:e?", /more than 4 optional/],
    [`/${"a/".repeat(40)}`, /more than 32 segments/],
    [`/${"a".repeat(600)}`, /longer than 512/],
  ];
  for (const [path, sentence] of refused) {
    test(JSON.stringify(path.slice(0, 30)), () => {
      expect(checkPattern(path)).toMatch(sentence);
      expect(() => table(`GET ${path.replaceAll(" ", "\u0000")}`)).toThrow(SyntaxError);
    });
  }
  for (const path of [
    "/",
    "/a",
    "/a/",
    "/:a",
    "/:a?",
    "/:a_1/b/*",
    "/*",
    "/.well-known/x",
    "/a%2Fb",
    "/@me/~x;v=1,2",
  ]) {
    test(`${path} is well formed`, () => expect(checkPattern(path)).toBeNull());
  }
});

test("any table answers as a naive matcher does", () => {
  const segment = fc.constantFrom("a", "b", "c", ":x", ":y");
  const pattern = fc
    .tuple(fc.array(segment, { maxLength: 4 }), fc.constantFrom("", "/*", "/"))
    .map(([segments, end]) => `/${segments.join("/")}${segments.length === 0 ? end.slice(1) : end}`)
    .filter((path) => checkPattern(path) === null);
  const entry = fc.record({ method: fc.constantFrom("GET", "POST", "ANY"), path: pattern });
  const path = fc
    .array(fc.constantFrom("a", "b", "c", "d", ""), { maxLength: 5 })
    .map((parts) => `/${parts.join("/")}`);
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 12 }),
      path,
      fc.constantFrom("GET", "POST", "HEAD", "PUT"),
      (drawn, asked, method) => {
        const seen = new Set<string>();
        const entries = drawn
          .filter(({ method: own, path: at }) => {
            const key = `${own} ${at.replaceAll(/:\w/g, ":")}`;
            return seen.has(key) ? false : seen.add(key);
          })
          .map((route) => ({ ...route, value: `${route.method} ${route.path}`, owner: "test" }));
        const found = compileRoutes(entries).find(method, asked);
        expect(found === null ? null : "allow" in found ? "allow" : found.value).toEqual(naive(entries, method, asked));
      },
    ),
    { numRuns: 2000 },
  );
});

/** Scores every route alone: 3 for a static segment, 2 for a parameter, 1 for the tail; compares left to right. */
function naive(entries: readonly RouteEntry<string>[], method: string, path: string): string | null {
  const parts = path.slice(1).split("/");
  let best: { value: string; score: string } | null = null;
  let known = false;
  for (const { method: own, path: pattern, value } of entries) {
    const pieces = pattern.slice(1).split("/");
    const tail = pieces.at(-1) === "*";
    const fixed = tail ? pieces.slice(0, -1) : pieces;
    if (tail ? parts.length < fixed.length : parts.length !== fixed.length) continue;
    if (!fixed.every((piece, i) => (piece.startsWith(":") ? parts[i] !== "" : piece === parts[i]))) continue;
    known = true;
    const rank = own === method ? 3 : own === "GET" && method === "HEAD" ? 2 : own === "ANY" ? 1 : 0;
    if (rank === 0) continue;
    const score = `${fixed.map((piece) => (piece.startsWith(":") ? 2 : 3)).join("")}${tail ? (parts.length > fixed.length ? 1 : 0) : 4}`;
    const full = `${score.padEnd(8, "0")}${rank}`;
    if (best === null || full > best.score) best = { value, score: full };
  }
  return best?.value ?? (known ? "allow" : null);
}
