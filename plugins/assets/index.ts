/**
 * A script's `assets/` folder over HTTP, below `/<script>/` or wherever config mounts it. Registered routes win.
 * https://www.rfc-editor.org/rfc/rfc9110
 */
import { definePlugin, type RequestEvent } from "../../sdk/plugin.ts";
import { look } from "./file.ts";
import { Mounts, type Mounted } from "./mounts.ts";
import { folderUrl, readPath, type AssetPath } from "./path.ts";
import { respond } from "./respond.ts";
import { Store } from "./store.ts";

export default definePlugin({
  name: "assets",
  version: "1.0.0",
  requires: ["engine"],
  after: ["*"], // who may ask, and how often, is decided before a disk is read
  config: {
    mounts: [
      [{ "[string]": "string" }, "@", 'Where a script\'s assets stand instead of `/<script>`: `site = "/"`.'],
      "=",
      () => ({}),
    ],
    cacheBytes: [["number.integer >= 0", "@", "Memory for small files and their compressed forms."], "=", 33554432],
  },
  setup({ config, hook, use, defer }) {
    const engine = use("engine");
    const mounts = new Mounts(config.mounts, () => engine.scripts());
    defer(engine.onChange(() => mounts.forget()));
    const store = new Store(config.cacheBytes);
    hook("request", (event, next) => {
      if (event.route !== undefined || (event.method !== "GET" && event.method !== "HEAD")) return next();
      const path = readPath(event.path);
      if (path === null) return next();
      const places = [...mounts.find(path.segments)];
      return places.length === 0 ? next() : answer(event, path, places, store, next);
    });
  },
});

async function answer(
  event: RequestEvent,
  path: AssetPath,
  places: readonly Mounted[],
  store: Store,
  next: () => Response | PromiseLike<Response>,
): Promise<Response> {
  for (const { root, rest } of places) {
    const found = look(root, rest);
    const file = found === "folder" ? look(root, [...rest, "index.html"]) : path.folder ? null : found;
    if (file === null || file === "folder") continue;
    if (found === "folder" && !path.folder) return toFolder(folderUrl(path.segments, event.url.search));
    const given = await respond(event, file, store);
    if (given !== undefined) return given;
  }
  const given = await next();
  if (given.status !== 404 || !(event.request.headers.get("accept") ?? "").includes("text/html")) return given;
  for (const { root } of places) {
    const page = look(root, ["404.html"]);
    if (page !== null && page !== "folder") return (await respond(event, page, store, 404)) ?? given;
  }
  return given;
}

/** Else what a page names relatively would be looked for one level above it. */
function toFolder(location: string): Response {
  return new Response(null, { status: 308, headers: { location, "cache-control": "no-cache" } });
}
