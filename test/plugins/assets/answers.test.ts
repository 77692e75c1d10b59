/** How assets are answered: types, validators, parts, codings, folders, mounts. */
import { afterEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { brotliDecompressSync, gzipSync, zstdDecompressSync } from "node:zlib";
import { openSite, type Site } from "./site.ts";

let site: Site | undefined;

afterEach(async () => {
  await site?.close();
  site = undefined;
});

async function open(...given: Parameters<typeof openSite>): Promise<Site> {
  return (site = await openSite(...given));
}

const CSS = "body { color: rebeccapurple }\n".repeat(200);
const etagOf = (answer: Response): string => answer.headers.get("etag") ?? "";

describe("files", () => {
  test("text says its charset, unknown endings are bytes, and nobody keeps them without asking again", async () => {
    const { ask } = await open({
      "a.html": "<p>",
      "a.css": "",
      "a.js": "1",
      "a.md": "#",
      "a.svg": "<svg/>",
      "a.zz": "z",
    });
    const types = ["a.html", "a.css", "a.js", "a.md", "a.svg", "a.zz"].map(async (file) => {
      const { status, headers } = await ask(`/site/${file}`);
      expect([status, headers.get("cache-control")]).toEqual([200, "no-cache"]);
      return headers.get("content-type");
    });
    expect(await Promise.all(types)).toEqual([
      "text/html;charset=utf-8",
      "text/css;charset=utf-8",
      "text/javascript;charset=utf-8",
      "text/markdown;charset=utf-8",
      "image/svg+xml",
      "application/octet-stream",
    ]);
  });

  test("a name with its content's hash in it is kept for ever; a date, a word or a number is no hash", async () => {
    const names = ["app.3f2a9c1b.js", "app-0123456789abcdef.css", "photo-20241122.jpg", "app.facade.js", "v2.js"];
    const { ask } = await open(Object.fromEntries(names.map((name) => [name, "x"])));
    const kept = await Promise.all(
      names.map(async (name) => (await ask(`/site/${name}`)).headers.get("cache-control")?.includes("immutable")),
    );
    expect(kept).toEqual([true, true, false, false, false]);
  });

  test("HEAD says what GET would", async () => {
    const { ask } = await open({ "a.css": CSS });
    const headers = { "accept-encoding": "gzip" };
    const [get, head] = await Promise.all([
      ask("/site/a.css", { headers }),
      ask("/site/a.css", { headers, method: "HEAD" }),
    ]);
    expect(head.headers.get("content-length")).toBe(String((await get.bytes()).length));
    expect(await head.text()).toBe("");
    for (const name of ["etag", "content-type", "content-encoding", "vary", "last-modified"]) {
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
  });

  test("a changed file is another one at once, with the same length and time too", async () => {
    const { ask, get, put } = await open({ "a.txt": "one" });
    const first = etagOf(await ask("/site/a.txt"));
    put("a.txt", "two");
    expect(await get("/site/a.txt")).toBe("200 two");
    expect(etagOf(await ask("/site/a.txt"))).not.toBe(first);
    put("a.txt", "");
    expect(await get("/site/a.txt")).toBe("200 ");
  });
});

describe("conditions", () => {
  const DATE = "Wed, 01 Jan 2020 00:00:00 GMT";
  const BEFORE = "Tue, 31 Dec 2019 23:59:59 GMT";

  test("RFC 9110, section 13: which come first, which are compared weakly, which are ignored", async () => {
    const { ask } = await open({ "a.txt": "hello" });
    const etag = etagOf(await ask("/site/a.txt"));
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    const table: readonly (readonly [Record<string, string>, number])[] = [
      [{ "if-none-match": etag }, 304],
      [{ "if-none-match": `W/${etag}` }, 304],
      [{ "if-none-match": `"other", W/"x", ${etag}` }, 304],
      [{ "if-none-match": "*" }, 304],
      [{ "if-none-match": '"other"' }, 200],
      [{ "if-none-match": etag.slice(1, -1) }, 200],
      [{ "if-none-match": '"other"', "if-modified-since": DATE }, 200],
      [{ "if-modified-since": DATE }, 304],
      [{ "if-modified-since": BEFORE }, 200],
      [{ "if-modified-since": "2020-01-02" }, 200],
      [{ "if-match": etag }, 200],
      [{ "if-match": "*" }, 200],
      [{ "if-match": `W/${etag}` }, 412],
      [{ "if-match": '"other"' }, 412],
      [{ "if-unmodified-since": BEFORE }, 412],
      [{ "if-unmodified-since": DATE }, 200],
      [{ "if-match": etag, "if-unmodified-since": BEFORE }, 200],
      [{ "if-match": '"other"', "if-none-match": etag }, 412],
    ];
    for (const [headers, status] of table) {
      const answer = await ask("/site/a.txt", { headers });
      expect([headers, answer.status]).toEqual([headers, status]);
      if (status === 304) {
        expect(await answer.text()).toBe("");
        expect(answer.headers.get("etag")).toBe(etag);
        expect(answer.headers.get("cache-control")).toBe("no-cache");
      }
    }
  });

  test("a date in the future is not sent", async () => {
    const { ask, put } = await open({});
    put("a.txt", "x", new Date(Date.now() + 86_400_000));
    expect(Date.parse((await ask("/site/a.txt")).headers.get("last-modified") ?? "")).toBeLessThanOrEqual(Date.now());
  });
});

describe("parts", () => {
  test("RFC 9110, section 14: one part, or the whole, or 416 that says how long it is", async () => {
    const { ask } = await open({ "a.txt": "0123456789" });
    const table: readonly (readonly [string, number, string, string | null])[] = [
      ["bytes=0-0", 206, "0", "bytes 0-0/10"],
      ["bytes=2-4", 206, "234", "bytes 2-4/10"],
      ["bytes=7-", 206, "789", "bytes 7-9/10"],
      ["bytes=7-99", 206, "789", "bytes 7-9/10"],
      ["bytes=-3", 206, "789", "bytes 7-9/10"],
      ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
      ["BYTES=1-2", 206, "12", "bytes 1-2/10"],
      ["bytes=0-2,3-4", 206, "01234", "bytes 0-4/10"],
      ["bytes=3-4, 0-3", 206, "01234", "bytes 0-4/10"],
      ["bytes=0-1,99-", 206, "01", "bytes 0-1/10"],
      ["bytes=0-1,5-6", 200, "0123456789", null],
      ["bytes=10-", 416, "", "bytes */10"],
      ["bytes=99-100,200-", 416, "", "bytes */10"],
      ["bytes=-0", 416, "", "bytes */10"],
      ["bytes=4-2", 200, "0123456789", null],
      ["bytes=a-b", 200, "0123456789", null],
      ["bytes=", 200, "0123456789", null],
      ["bytes=-", 200, "0123456789", null],
      ["bytes=0x1-2", 200, "0123456789", null],
      ["lines=1-2", 200, "0123456789", null],
      [`bytes=${"0-1,".repeat(500)}`, 200, "0123456789", null],
      [`bytes=0-${"9".repeat(500)}`, 206, "0123456789", "bytes 0-9/10"],
    ];
    for (const [range, status, text, contentRange] of table) {
      const answer = await ask("/site/a.txt", { headers: { range } });
      expect([range, answer.status, await answer.text(), answer.headers.get("content-range")]).toEqual([
        range,
        status,
        text,
        contentRange,
      ]);
    }
  });

  test("an empty file has no part; HEAD has none either", async () => {
    const { ask } = await open({ "empty.txt": "", "a.txt": "0123" });
    expect((await ask("/site/empty.txt", { headers: { range: "bytes=0-" } })).status).toBe(416);
    const head = await ask("/site/a.txt", { method: "HEAD", headers: { range: "bytes=0-0" } });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "4"]);
  });

  test("If-Range: a part of these very bytes, else the whole", async () => {
    const { ask, get } = await open({ "a.txt": "0123456789" });
    const etag = etagOf(await ask("/site/a.txt"));
    const range = "bytes=0-1";
    expect(await get("/site/a.txt", { range, "if-range": etag })).toBe("206 01");
    expect(await get("/site/a.txt", { range, "if-range": "Wed, 01 Jan 2020 00:00:00 GMT" })).toBe("206 01");
    for (const other of [`W/${etag}`, '"other"', "Thu, 02 Jan 2020 00:00:00 GMT", "yesterday"]) {
      expect(await get("/site/a.txt", { range, "if-range": other })).toBe("200 0123456789");
    }
  });

  test("a condition goes before a range", async () => {
    const { ask } = await open({ "a.txt": "0123456789" });
    const etag = etagOf(await ask("/site/a.txt"));
    const answer = await ask("/site/a.txt", { headers: { range: "bytes=0-1", "if-none-match": etag } });
    expect(answer.status).toBe(304);
  });
});

describe("large files, over a socket", () => {
  const large = Uint8Array.from({ length: (1 << 20) + 5 }, (_, i) => i % 251);

  async function overSocket(headers: Record<string, string>, method = "GET"): Promise<Response> {
    const { ask } = await open({ "large.bin": large });
    using server = Bun.serve({
      port: 0,
      fetch: ({ headers: sent, method: asked }) => ask("/site/large.bin", { headers: sent, method: asked }),
    });
    const answer = await fetch(server.url, { headers, method });
    return new Response(method === "HEAD" ? null : await answer.bytes(), answer);
  }

  test("whole: streamed, with its length, without the name that it has on disk", async () => {
    const answer = await overSocket({});
    expect(await answer.bytes()).toEqual(large);
    expect(answer.headers.get("content-length")).toBe(String(large.length));
    expect(answer.headers.get("content-disposition")).toBe("inline");
    expect((await overSocket({}, "HEAD")).headers.get("content-length")).toBe(String(large.length));
  });

  test("a part", async () => {
    const answer = await overSocket({ range: "bytes=1048570-1048575" });
    expect(answer.status).toBe(206);
    expect(answer.headers.get("content-range")).toBe(`bytes 1048570-1048575/${large.length}`);
    expect(await answer.bytes()).toEqual(large.slice(1048570, 1048576));
  });

  test("a range that is not heeded gives the whole, and the server does not heed it behind our back", async () => {
    for (const headers of [
      { range: "bytes=0-1", "if-range": '"other"' },
      { range: "bytes=0-1,9-10", "if-range": "" },
    ]) {
      const answer = await overSocket(headers);
      expect(answer.status).toBe(200);
      expect(await answer.bytes()).toEqual(large);
    }
  });
});

describe("codings", () => {
  test("text is compressed as the client likes it best, and caches are told that it depends on that", async () => {
    const { ask } = await open({ "a.css": CSS, "a.png": new Uint8Array(5000), "tiny.css": "a{}" });
    const table: readonly (readonly [string | null, string | null])[] = [
      ["gzip, deflate, br, zstd", "br"],
      ["gzip, zstd", "zstd"],
      ["gzip", "gzip"],
      ["x-gzip", "gzip"],
      ["GZIP;Q=0.5, BR;Q=0.1", "gzip"],
      ["br;q=0, gzip;q=0.2", "gzip"],
      ["*", "br"],
      ["*;q=0.5, br;q=0", "zstd"],
      ["gzip;q=0.5, identity", null],
      ["gzip;q=0", null],
      ["gzip;q=x", null],
      ["deflate", null],
      ["identity;q=0", null],
      ["", null],
      [null, null],
    ];
    for (const [accept, coding] of table) {
      const { headers } = await ask("/site/a.css", accept === null ? {} : { headers: { "accept-encoding": accept } });
      expect([accept, headers.get("content-encoding")]).toEqual([accept, coding]);
      expect(headers.get("vary")).toBe("Accept-Encoding");
    }
    const image = await ask("/site/a.png", { headers: { "accept-encoding": "br" } });
    expect([image.headers.get("content-encoding"), image.headers.get("vary")]).toEqual([null, null]);
    const tiny = await ask("/site/tiny.css", { headers: { "accept-encoding": "br" } });
    expect([tiny.headers.get("content-encoding"), tiny.headers.get("vary")]).toEqual([null, "Accept-Encoding"]);
  });

  test("each coding unpacks to the file, and has a validator of its own", async () => {
    const { ask } = await open({ "a.css": CSS });
    const unpack = {
      br: brotliDecompressSync,
      zstd: zstdDecompressSync,
      gzip: (bytes: Uint8Array<ArrayBuffer>) => Bun.gunzipSync(bytes),
    };
    const etags = new Set([etagOf(await ask("/site/a.css"))]);
    for (const [coding, open] of Object.entries(unpack)) {
      const headers = { "accept-encoding": coding };
      const answer = await ask("/site/a.css", { headers });
      expect(Buffer.from(open(await answer.bytes())).toString()).toBe(CSS);
      etags.add(etagOf(answer));
      const again = await ask("/site/a.css", { headers: { ...headers, "if-none-match": etagOf(answer) } });
      expect([again.status, again.headers.get("vary")]).toEqual([304, "Accept-Encoding"]);
    }
    expect(etags.size).toBe(4);
  });

  test("a part is one of the plain file", async () => {
    const { ask } = await open({ "a.css": CSS });
    const answer = await ask("/site/a.css", { headers: { "accept-encoding": "br", range: "bytes=0-3" } });
    expect([answer.status, answer.headers.get("content-encoding"), await answer.text()]).toEqual([206, null, "body"]);
  });

  test("a compressed file that lies beside it is sent, unless it is older", async () => {
    const { ask, put } = await open({ "a.css": CSS });
    put("a.css.gz", gzipSync("prepared"), new Date("2020-01-02"));
    const headers = { "accept-encoding": "br, gzip" };
    const answer = await ask("/site/a.css", { headers });
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    expect(answer.headers.get("content-type")).toBe("text/css;charset=utf-8");
    expect(Buffer.from(Bun.gunzipSync(await answer.bytes())).toString()).toBe("prepared");
    put("a.css", CSS, new Date("2020-01-03"));
    expect((await ask("/site/a.css", { headers })).headers.get("content-encoding")).toBe("br");
    expect((await ask("/site/none.css", { headers })).status).toBe(404);
  });

  test("memory is capped, and without any the files are served all the same", async () => {
    const files = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i}.css`, CSS + i]));
    const small = await open(files, { config: { cacheBytes: 20_000 } });
    for (const name of [...Object.keys(files), ...Object.keys(files)]) {
      expect((await small.ask(`/site/${name}`, { headers: { "accept-encoding": "br" } })).status).toBe(200);
    }
    await small.close();
    const none = await open({ "a.css": CSS }, { config: { cacheBytes: 0 } });
    const answer = await none.ask("/site/a.css", { headers: { "accept-encoding": "br" } });
    expect([answer.headers.get("content-encoding"), await answer.text()]).toEqual([null, CSS]);
  });
});

describe("folders", () => {
  test("index.html stands for its folder, which ends in a slash", async () => {
    const { ask, get } = await open({ "index.html": "home", "docs/index.html": "docs", "docs/a b/index.html": "ab" });
    expect(await get("/site/")).toBe("200 home");
    expect(await get("/site/docs/")).toBe("200 docs");
    for (const [path, location] of [
      ["/site", "/site/"],
      ["/site/docs", "/site/docs/"],
      ["/site/docs?a=1&b=%20", "/site/docs/?a=1&b=%20"],
      ["/site/docs/a%20b", "/site/docs/a%20b/"],
    ] as const) {
      const answer = await ask(path);
      expect([answer.status, answer.headers.get("location")]).toEqual([308, location]);
    }
  });

  test("no redirect leads to another host", async () => {
    const files = { "index.html": "home", "evil.example/index.html": "x", "@evil.example/index.html": "x" };
    const { ask } = await open(files, { config: { mounts: { site: "/" } } });
    for (const path of [
      "//evil.example",
      "//evil.example/%2e%2e",
      "/\\evil.example",
      "/%5cevil.example",
      "/%2fevil.example",
      "/%2f%2fevil.example",
      "/evil.example",
      "/@evil.example",
      "/%09/evil.example",
    ]) {
      const location = (await ask(path)).headers.get("location");
      expect(new URL(location ?? "/", "http://app.example").origin).toBe("http://app.example");
    }
  });

  test("404.html is for who wants a page, and never in the place of another failure", async () => {
    const options = { config: { mounts: { site: "/" } } };
    const { ask, get, put } = await open({ "404.html": "nothing here" }, options);
    const accept = "text/html,*/*";
    expect(await get("/none", { accept })).toBe("404 nothing here");
    expect(await get("/none")).toStartWith("404 {");
    expect((await ask("/none", { headers: { accept, range: "bytes=0-1", "if-none-match": "*" } })).status).toBe(404);
    rmSync(put("404.html", "x"));
    expect(await get("/none", { accept })).toStartWith("404 {");
    const busy = await openSite({ "404.html": "x" }, { answer: () => new Response("no", { status: 405 }), ...options });
    expect(await busy.get("/none", { accept })).toBe("405 no");
    await busy.close();
  });
});

describe("mounts", () => {
  test("a whole site at the root, and another script's assets before it", async () => {
    const options = { config: { mounts: { site: "/" } }, scripts: ["site", "docs"] };
    const { get, write } = await open(
      { "index.html": "home", "docs/only.txt": "of site", "docs/both.txt": "x" },
      options,
    );
    write("scripts/docs/assets/both.txt", "of docs");
    expect(await get("/")).toBe("200 home");
    expect(await get("/docs/both.txt")).toBe("200 of docs");
    expect(await get("/docs/only.txt")).toBe("200 of site");
    expect(await get("/site/index.html")).toStartWith("404");
  });

  test("below a path of some depth", async () => {
    const { get } = await open({ "a.txt": "a" }, { config: { mounts: { site: "/static/v1/" } } });
    expect(await get("/static/v1/a.txt")).toBe("200 a");
    expect(await get("/static/a.txt")).toStartWith("404");
  });

  test("a mount that is no path, and one that two scripts share, are refused with a sentence", async () => {
    for (const path of ["docs", "/../x", "/a//b", "/.hidden", "/%zz"]) {
      const said = await openSite({}, { config: { mounts: { site: path } } }).catch(String);
      expect(said).toContain(`mounts.site is "${path}"; write a path without dots, such as "/docs"`);
    }
    const said = await openSite({}, { config: { mounts: { a: "/x", b: "/x/" } } }).catch(String);
    expect(said).toContain('mounts.b and mounts.a are both "/x/"; change one');
  });
});
