import { test } from "bun:test";
import { expectAsHere, expectOutcomes, openRealm } from "./harness.ts";

const realm = openRealm(true);
const type = new TypeError();
const range = new RangeError();

test("a Response holds what it was made of", () =>
  expectOutcomes(realm, [
    [
      `const r = new Response(); return [r.status, r.ok, r.statusText, r.body, r.bodyUsed, [...r.headers], r.type, r.url, r.redirected]`,
      [200, true, "", null, false, [], "default", "", false],
    ],
    [`return await new Response("hé").text()`, "hé"],
    [`return [...new Response("x").headers]`, [["content-type", "text/plain;charset=UTF-8"]]],
    [`return new Response("x", { headers: { "Content-Type": "a/b" } }).headers.get("content-type")`, "a/b"],
    [`return [...(await new Response("é").bytes())]`, [0xc3, 0xa9]],
    [`return (await new Response("abc").arrayBuffer()).byteLength`, 3],
    [`return await new Response('{"a":[1]}').json()`, { a: [1] }],
    [`return await new Response("{").json()`, new SyntaxError()],
    [`return await new Response("").json()`, new SyntaxError()],
    [
      `const b = await new Response("abc", { headers: { "content-type": "text/x" } }).blob(); return [b.size, b.type, await b.text()]`,
      [3, "text/x", "abc"],
    ],
    [`return await new Response(new Uint8Array([104, 105]).subarray(1)).text()`, "i"],
    [`return await new Response(new Uint8Array([104, 105]).buffer).text()`, "hi"],
    [`return await new Response(new DataView(new Uint8Array([104, 105]).buffer, 1)).text()`, "i"],
    [`const u = new Uint8Array([104]); const r = new Response(u); u[0] = 0; return await r.text()`, "h"],
    [
      `const r = new Response(new URLSearchParams({ a: "1 2" })); return [r.headers.get("content-type"), await r.text()]`,
      ["application/x-www-form-urlencoded;charset=UTF-8", "a=1+2"],
    ],
    [
      `const r = new Response(new Blob(["x"], { type: "A/B" })); return [r.headers.get("content-type"), await r.text()]`,
      ["a/b", "x"],
    ],
    [`return new Response(new Blob(["x"])).headers.get("content-type")`, null],
    [`return (await new Response("x", { headers: { "content-type": "Text/X; a=B" } }).blob()).type`, "text/x;a=B"],
    [
      `return [(await new Response("x").blob()).type, (await new Response(new Uint8Array(1)).blob()).type]`,
      ["text/plain;charset=UTF-8", ""],
    ],
    [`return await new Response(12).text()`, "12"],
    [`return await new Response({}).text()`, "[object Object]"],
    [`return await new Response("\\ufeffx").text()`, "x"],
    [`return await new Response("\\ud800").text()`, "\ufffd"],
    [`return await new Response(null).text()`, ""],
    [`const r = new Response("x"); await r.text(); return r.bodyUsed`, true],
    [`const r = new Response("x"); await r.text(); await r.text()`, type],
    [`const r = new Response("x"); r.text(); r.clone()`, type],
    [`const r = new Response("x"); const c = r.clone(); return [await r.text(), await c.text()]`, ["x", "x"]],
    [`const r = new Response("x"); r.body; const c = r.clone(); return [await r.text(), await c.text()]`, ["x", "x"]],
    [
      `const r = new Response("x", { headers: { a: "1" } }); const c = r.clone(); c.headers.set("a", "2"); return r.headers.get("a")`,
      "1",
    ],
    [
      `const r = new Response("x"); r.body.getReader(); return [r.bodyUsed, await r.text().catch((e) => e.name)]`,
      [false, "TypeError"],
    ],
    [`const r = new Response("x"); return r.body === r.body`, true],
    [`const r = new Response("x"); await r.text(); return [r.body.locked, r.bodyUsed]`, [true, true]],
    [`const s = new Response("x").body; return await new Response(s).text()`, "x"],
    [`const s = new Response("x").body; s.getReader(); new Response(s)`, type],
    [
      `return await new Response(new ReadableStream({ start(c) { c.enqueue("no bytes but text"); c.close(); } })).text()`,
      "no bytes but text",
    ],
    [`return await new Response(new ReadableStream({ start(c) { c.enqueue(1); } })).text()`, type],
    [`return await new Response(new ReadableStream({ start(c) { c.error(new RangeError()); } })).text()`, range],
    [
      `const r = new Response("x", { status: 299, statusText: "OK é" }); return [r.status, r.statusText, r.ok]`,
      [299, "OK é", true],
    ],
    [`return new Response(null, { status: 204 }).status`, 204],
    [
      `return new Response(new Response("x").body, new Response("y", { status: 201, headers: { a: "b" } })).headers.get("a")`,
      "b",
    ],
    [`return String(new Response())`, "[object Response]"],
  ]));

test("a Response that HTTP cannot carry is refused", () =>
  expectOutcomes(realm, [
    ...[0, 99, 100, 101, 199, 600, 1000, NaN, -1].map((s) => [`new Response(null, { status: ${s} })`, range] as const),
    ...[204, 205, 304].map((s) => [`new Response("x", { status: ${s} })`, type] as const),
    [`new Response("", { status: 204 })`, type],
    [`new Response(null, { statusText: "a\\nb" })`, type],
    [`new Response(null, { statusText: "🎉" })`, type],
    [`new Response(null, 1)`, type],
    [`new Response(Symbol())`, type],
    [`Response()`, type],
    [`Response.prototype.status`, type],
    [`await Response.prototype.text.call({})`, type],
  ]));

test("Response.json, redirect and error make what they say", () =>
  expectOutcomes(realm, [
    [
      `const r = Response.json({ a: 1 }, { status: 201 }); return [r.status, [...r.headers], await r.text()]`,
      [201, [["content-type", "application/json"]], '{"a":1}'],
    ],
    [`return Response.json(1, { headers: { "content-type": "x/y" } }).headers.get("content-type")`, "x/y"],
    [`Response.json(undefined)`, type],
    [`Response.json()`, type],
    [`Response.json(1n)`, type],
    [`Response.json({}, { status: 204 })`, type],
    [`const a = []; a.push(a); Response.json(a)`, type],
    [
      `const r = Response.redirect("http://x.example/a b", 307); return [r.status, r.headers.get("location")]`,
      [307, "http://x.example/a%20b"],
    ],
    [`return Response.redirect(new URL("http://x/")).status`, 302],
    [`return Response.redirect("/login?next=1").headers.get("location")`, "/login?next=1"],
    [`Response.redirect("http://x/", 200)`, range],
    [`Response.redirect("http://:This is not a url")`, type],
    [`Response.redirect("/a\\r\\nSet-Cookie: b")`, type],
    [`Response.redirect("http://x/").headers.set("a", "b")`, type],
    [`const r = Response.error(); return [r.type, r.status, r.body]`, ["error", 0, null]],
  ]));

test("a Request holds what it was made of", () =>
  expectOutcomes(realm, [
    [
      `const r = new Request("http://X.example/a b"); return [r.url, r.method, r.body, r.bodyUsed, r.redirect, r.mode, r.credentials, r.cache, r.referrer, r.destination, r.integrity, r.keepalive, r.duplex]`,
      [
        "http://x.example/a%20b",
        "GET",
        null,
        false,
        "follow",
        "cors",
        "same-origin",
        "default",
        "about:client",
        "",
        "",
        false,
        "half",
      ],
    ],
    [
      `return ["get", "pOsT", "patch", "Delete", "x-y"].map((method) => new Request("http://x/", { method }).method)`,
      ["GET", "POST", "patch", "DELETE", "x-y"],
    ],
    [
      `const r = new Request("http://x/", { method: "PUT", body: "é" }); return [r.headers.get("content-type"), await r.text(), r.bodyUsed]`,
      ["text/plain;charset=UTF-8", "é", true],
    ],
    [
      `const r = new Request(new URL("http://x/y"), { headers: [["a", "b"]] }); return [r.url, [...r.headers]]`,
      ["http://x/y", [["a", "b"]]],
    ],
    [
      `const a = new Request("http://x/", { method: "POST", body: "b", headers: { k: "v" }, redirect: "manual" }); const b = new Request(a); return [b.method, b.redirect, b.headers.get("k"), await b.text(), a.bodyUsed]`,
      ["POST", "manual", "v", "b", true],
    ],
    [
      `const a = new Request("http://x/", { method: "POST", body: "b" }); const b = new Request(a, { body: "c" }); return [a.bodyUsed, await a.text(), await b.text()]`,
      [false, "b", "c"],
    ],
    [
      `const a = new Request("http://x/", { headers: { a: "1" } }); return [...new Request(a, { headers: { b: "2" } }).headers]`,
      [["b", "2"]],
    ],
    [
      `const a = new Request("http://x/", { method: "POST", body: "b" }); const c = a.clone(); return [await a.text(), await c.text(), c.method]`,
      ["b", "b", "POST"],
    ],
    [
      `const a = new Request("http://x/", { method: "POST", body: "b" }); try { new Request(a, { method: "GET" }); } catch {}
       const before = a.bodyUsed; const seen = a.body; const b = new Request(a); return [before, a.bodyUsed, a.body === seen, seen.locked, b.body === seen, await b.text()]`,
      [false, true, true, true, false, "b"],
    ],
    [
      `const c = new AbortController(); const r = new Request("http://x/", { signal: c.signal }); const own = r.signal !== c.signal; c.abort(7); return [own, r.signal.aborted, r.signal.reason]`,
      [true, true, 7],
    ],
    [
      `const c = new AbortController(); const r = new Request(new Request("http://x/", { signal: c.signal })); c.abort(7); return r.signal.reason`,
      7,
    ],
    [
      `const r = new Request("http://x/"); return [r.signal instanceof AbortSignal, r.signal === r.signal]`,
      [true, true],
    ],
    [
      `return await new Request("http://x/", { method: "POST", body: new ReadableStream({ start(c) { c.enqueue(new Uint8Array([65])); c.close(); } }), duplex: "half" }).text()`,
      "A",
    ],
  ]));

test("a Request that cannot be sent is refused", () =>
  expectOutcomes(
    realm,
    [
      `new Request()`,
      `new Request("/relative")`,
      `new Request("")`,
      `new Request("http://u:p@x/")`,
      `new Request("http://x/", { method: "CONNECT" })`,
      `new Request("http://x/", { method: "trace" })`,
      `new Request("http://x/", { method: "a b" })`,
      `new Request("http://x/", { method: "" })`,
      `new Request("http://x/", { method: "GET\\r\\nX: y" })`,
      `new Request("http://x/", { body: "x" })`,
      `new Request("http://x/", { method: "HEAD", body: "" })`,
      `new Request("http://x/", { redirect: "never" })`,
      `new Request("http://x/", { mode: "navigate" })`,
      `new Request("http://x/", { cache: "x" })`,
      `new Request("http://x/", { cache: "only-if-cached" })`,
      `new Request("http://x/", { mode: "no-cors", method: "PUT" })`,
      `new Request("http://x/", { priority: "x" })`,
      `new Request("http://x/", { signal: {} })`,
      `new Request("http://x/", { window: "x" })`,
      `new Request("http://x/", { duplex: "full" })`,
      `new Request("http://x/", { headers: { "a b": "c" } })`,
      `const r = new Request("http://x/", { method: "POST", body: "b" }); await r.text(); new Request(r)`,
      `const r = new Request("http://x/", { method: "POST", body: "b" }); new Request(r, { method: "GET" })`,
    ].map((code) => [code, type] as const),
  ));

test("a form goes through multipart and back", () =>
  expectOutcomes(realm, [
    [
      `const f = new FormData(); f.append("a\\"b\\nc", "one\\ntwo"); f.append("é", "ü🎉"); f.append("e", "");
       f.append("f", new File(["x\\r\\n--y", new Uint8Array([0, 255])], 'na"me é.txt', { type: "Text/Plain" }));
       f.append("g", new Blob([]));
       const g = await new Response(f).formData(); const file = g.get("f");
       return [[...g.keys()], g.get("a\\"b\\r\\nc"), g.get("é"), g.get("e"), file.name, file.type, [...(await file.bytes())].length, g.get("g").name, g.get("g").size]`,
      [['a"b\r\nc', "é", "e", "f", "g"], "one\r\ntwo", "ü🎉", "", 'na"me é.txt', "text/plain", 8, "blob", 0],
    ],
    [
      `const r = new Response("a=1&b=%20+x&a=2", { headers: { "content-type": "application/x-www-form-urlencoded; charset=x" } }); return [...(await r.formData())]`,
      [
        ["a", "1"],
        ["b", "  x"],
        ["a", "2"],
      ],
    ],
    [`return await new Response("a=1").formData()`, type],
    [`return await new Response("a=1", { headers: { "content-type": "multipart/form-data" } }).formData()`, type],
    ...[
      "",
      "x",
      "--b",
      "--b\r\n",
      "--b\r\n\r\n",
      "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx",
      "--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--",
      "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
      "--b\r\nno colon\r\n\r\nx\r\n--b--",
      "--b\nContent-Disposition: form-data; name=a\n\nx\n--b--",
    ].map(
      (body) =>
        [
          `return await new Response(${JSON.stringify(body)}, { headers: { "content-type": "multipart/form-data; boundary=b" } }).formData()`,
          type,
        ] as const,
    ),
    ...[
      ['--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n', [["a", "x"]]],
      ["preamble\r\n--b\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n--b--", [["a", ""]]],
      ["--b--", []],
      [
        '--b  \r\nContent-Disposition:form-data;name="a;b=c"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; x="q"; name=""\r\nX: y\r\n\r\ny\r\n--b--',
        [
          ["a;b=c", "x"],
          ["", "y"],
        ],
      ],
    ].map(
      ([body, form]) =>
        [
          `return [...(await new Response(${JSON.stringify(body)}, { headers: { "content-type": "multipart/form-data; boundary=\\"b\\"" } }).formData())]`,
          form,
        ] as const,
    ),
  ]));

test("FormData is a list of names with texts and files", () =>
  expectAsHere(realm, [
    `const f = new FormData(); f.append("a", "1"); f.append("b", 2); f.append("a", "3"); f.set("a", "x"); return [...f]`,
    `const f = new FormData(); f.set("a", "x"); f.delete("b"); return [f.has("a"), f.has("b"), f.get("b"), f.getAll("a")]`,
    `const f = new FormData(); f.append("a", new Blob(["x"]), "n.txt"); return [f.get("a").name, f.get("a") instanceof File]`,
    `const f = new FormData(); f.append("a", new File(["x"], "one")); return f.get("a").name`,
    `const f = new FormData(); f.append("a")`,
    `const out = []; const f = new FormData(); f.append("a", "b"); f.forEach((v, k) => out.push(k, v)); return out`,
    `return Object.prototype.toString.call(new FormData())`,
  ]));

test("the engine opens and makes requests and responses without the public methods", () =>
  expectOutcomes(realm, [
    [
      `return engine.openResponse(new Response("x", { status: 201, headers: [["Set-Cookie", "a"], ["set-cookie", "b"]] }))`,
      {
        status: 201,
        headers: ["set-cookie", "a", "set-cookie", "b", "content-type", "text/plain;charset=UTF-8"],
        body: "x",
      },
    ],
    [`return engine.openResponse(new Response())`, { status: 200, headers: [], body: null }],
    [`const r = new Response("x"); engine.openResponse(r); return [engine.openResponse(r), r.bodyUsed]`, [null, true]],
    [`const r = new Response("x"); r.body.getReader(); return engine.openResponse(r)`, null],
    [`return engine.isStream(engine.openResponse(new Response(new Response("x").body)).body)`, true],
    [
      `return [engine.isResponse(new Response()), engine.isResponse(Object.create(Response.prototype)), engine.isResponse(null), engine.isResponse(new Proxy(new Response(), {}))]`,
      [true, false, false, false],
    ],
    [
      `return engine.makeFetchArgs("http://x/", { method: "post", body: "b", headers: { A: "1" }, redirect: "error" })`,
      {
        method: "POST",
        url: "http://x/",
        headers: ["a", "1", "content-type", "text/plain;charset=UTF-8"],
        redirect: "error",
        body: "b",
        signal: null,
      },
    ],
    [
      `const r = new Request("http://x/", { method: "POST", body: "b" }); await r.text(); return engine.openRequest(r)`,
      null,
    ],
    [`engine.makeFetchArgs("/x")`, type],
    [
      `const r = engine.makeResponse({ status: 404, statusText: "No", url: "http://x/", redirected: true, headers: ["a", "1"], body: new Response("gone").body });
       return [r.status, r.ok, r.statusText, r.url, r.redirected, r.type, r.headers.get("a"), await r.text()]`,
      [404, false, "No", "http://x/", true, "basic", "1", "gone"],
    ],
    [
      `let made = 0; const { signal } = engine.makeAbort();
       const r = engine.makeRequest({ method: "POST", url: "http://x/p", headers: () => { made++; return engine.makeHeaders(["content-type", "application/json"]); }, body: engine.utf8Encode('{"a":1}'), signal });
       const before = made; const h = r.headers; return [before, h === r.headers, made, r.url, r.signal === signal, await r.json(), r instanceof Request]`,
      [0, true, 1, "http://x/p", true, { a: 1 }, true],
    ],
    [
      `let pulls = 0; const r = engine.makeRequest({ method: "POST", url: "http://x/p", headers: () => engine.makeHeaders([]), signal: engine.makeAbort().signal,
         body: () => engine.makeByteStream({ pull(p) { pulls++; p.enqueue(new Uint8Array([65])); p.close(); }, cancel() {} }).stream });
       const before = pulls; return [before, await r.text(), r.bodyUsed]`,
      [0, "A", true],
    ],
    [
      `let made = 0; const make = () => engine.makeRequest({ method: "POST", url: "http://x/p", headers: () => engine.makeHeaders([]), signal: engine.makeAbort().signal,
         body: () => { made++; return new Response("A").body; } });
       const a = make(); const t = await a.text(); a.body; const b = make(); const c = new Request(b); b.body; const d = make(); const e = d.clone();
       return [t, a.bodyUsed, await c.text(), b.bodyUsed, await d.text(), await e.text(), made]`,
      ["A", true, "A", true, "A", "A", 3],
    ],
    [
      `const r = engine.newResponse("<p>", { headers: { a: "b" } }, "text/html;charset=utf-8"); return [...r.headers]`,
      [
        ["a", "b"],
        ["content-type", "text/html;charset=utf-8"],
      ],
    ],
  ]));
