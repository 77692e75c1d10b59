/** `GET /health/live` and `GET /health/ready`: for whoever watches the engine from outside. */
import type { PluginRoute } from "./dispatch.ts";
import type { RouteEntry } from "./router.ts";
import type { Json } from "../script/types.ts";

export interface Readiness {
  /** False: 503, and a load balancer sends nothing here. */
  readonly ok: boolean;
  /** What was looked at, by name; nothing secret: anyone may read it. */
  readonly checks: { readonly [name: string]: Json };
}

export function healthRoutes(readiness: () => Readiness | Promise<Readiness>): RouteEntry<PluginRoute>[] {
  return [
    // Live is that this line runs: a check here would have a supervisor kill an engine that only lacks something.
    entry("/health/live", ({ id }) => answer(200, { status: "ok" }, id)),
    entry("/health/ready", async ({ id }) => {
      const { ok, checks } = await readiness();
      return answer(ok ? 200 : 503, { status: ok ? "ok" : "unavailable", checks }, id);
    }),
  ];
}

function entry(path: string, handle: PluginRoute["handle"]): RouteEntry<PluginRoute> {
  return {
    method: "GET",
    path,
    owner: "engine",
    value: { info: { method: "GET", path, owner: "engine", options: {} }, handle },
  };
}

function answer(status: number, body: Json, id: string): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", "x-request-id": id } });
}
