/** Where and when the documents are served: who may see them, what caches keep, and that nothing of a script is markup. */
import { afterEach, describe, expect, test } from "bun:test";
import apiDocs from "../../../plugins/api-docs/index.ts";
import type { RouteInfo } from "../../../sdk/plugin.ts";
import { serve, type Served } from "../harness.ts";

let served: Served | undefined;
let routes: RouteInfo[];

afterEach(async () => {
  await served?.close();
  served = undefined;
});

function route(path: string, options: RouteInfo["options"] = {}): RouteInfo {
  return { method: "GET", path, owner: "shop", ofPlugin: false, options, schemas: {} };
}

async function start(config: object = { public: true }, dev = false): Promise<Served> {
  routes = [route("/notes")];
  const engine = { dev, routes: () => routes, endpoints: () => [] };
  served = await serve([apiDocs], { config: { "api-docs": config }, given: { engine } });
  return served;
}

const statuses = async (one: Served, paths: readonly string[]): Promise<number[]> =>
  Promise.all(paths.map(async (path) => (await one.ask(path)).status));

describe("who may see them", () => {
  const PLACES = ["/docs", "/openapi.json", "/llms.txt"];
  test("nobody by default; everyone where the operator says so, and who develops", async () => {
    expect(await statuses(await start({}), PLACES)).toEqual([404, 404, 404]);
    expect(served!.host.current.chains.request).toBeNull();
    await served!.close();
    expect(await statuses(await start({ public: true }), PLACES)).toEqual([200, 200, 200]);
    await served!.close();
    expect(await statuses(await start({}, true), PLACES)).toEqual([200, 200, 200]);
  });
  test("their places may be others", async () => {
    const config = { public: true, path: "/a/docs", document: "/a/api.json", index: "/a/llms.txt" };
    const one = await start(config);
    expect(await statuses(one, [...PLACES, "/a/docs", "/a/api.json", "/a/llms.txt"])).toEqual([
      404, 404, 404, 200, 200, 200,
    ]);
    expect(await (await one.ask("/a/docs")).text()).toContain('content="/a/api.json"');
  });
  test("two at one place are refused: the later one would hide the other", async () => {
    const failed = await start({ path: "/openapi.json" }).catch((error: Error) => error);
    expect(String((failed as Error).message)).toContain("two of them are the same");
  });
  test("a script's own route goes first, and only GET and HEAD are answered", async () => {
    const one = await start();
    expect((await one.ask("/docs", { route: route("/docs") })).status).toBe(404);
    expect((await one.ask("/docs", { method: "POST" })).status).toBe(404);
  });
  test("a file of a script goes first, too", async () => {
    const engine = { dev: true, routes: () => [], endpoints: () => [] };
    served = await serve([apiDocs], { given: { engine }, answer: () => new Response("own file") });
    expect(await (await served.ask("/docs")).text()).toBe("own file");
  });
});

describe("caches", () => {
  test("an ETag, no body for HEAD, 304 while nothing changed, another ETag when a script did", async () => {
    const one = await start();
    const first = await one.ask("/openapi.json");
    const etag = first.headers.get("etag") ?? "";
    expect([first.headers.get("content-type"), first.headers.get("cache-control")]).toEqual([
      "application/json",
      "no-cache",
    ]);
    const text = await first.text();
    const head = await one.ask("/openapi.json", { method: "HEAD" });
    expect([head.headers.get("etag"), head.headers.get("content-length"), await head.text()]).toEqual([
      etag,
      String(Buffer.byteLength(text)),
      "",
    ]);
    const ask = () => one.ask("/openapi.json", { headers: { "if-none-match": `"x", W/${etag}` } });
    expect([(await ask()).status, await (await ask()).text()]).toEqual([304, ""]);
    routes = [route("/notes"), route("/more")];
    expect((await ask()).status).toBe(304);
    one.scripts([]); // the engine says that something changed
    expect(Object.keys(((await (await ask()).json()) as { paths: object }).paths)).toEqual(["/more", "/notes"]);
    expect(await (await one.ask("/llms.txt")).text()).toContain("`GET /more`");
  });
});

describe("the page", () => {
  test("loads nothing from elsewhere, and may run its own script only", async () => {
    const answer = await (await start()).ask("/docs");
    const policy = answer.headers.get("content-security-policy") ?? "";
    const html = await answer.text();
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*|script-src[^;]*'self'/);
    expect(html).not.toMatch(/(?:src|href)="?(?:https?:)?\/\//);
    const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text]) => text ?? "");
    expect(scripts).toHaveLength(4);
    for (const text of scripts) {
      expect(policy).toContain(`'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`);
    }
  });
  test("has nothing of a script in it, and of the config text only", async () => {
    const title = `<img src=x onerror="alert(1)">`;
    const one = await start({ public: true, title, description: title, version: title });
    routes = [route("/evil", { summary: title })];
    const html = await (await one.ask("/docs")).text();
    expect(html).not.toContain("<img");
    expect(html).not.toContain("/evil");
    expect(html.match(/&#60;img src=x onerror=&#34;alert\(1\)&#34;&#62;/g)).toHaveLength(4);
  });
});
