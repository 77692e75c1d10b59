/** `GET /health/live` and `GET /health/ready`: for whoever watches the engine from outside. */
import { access, constants, statfs } from "node:fs/promises";
import { definePlugin, type HealthResult, type Json } from "../sdk/plugin.ts";

/** Anyone may ask, as often as they like: the checks run once for all who ask within this time. */
const FRESH_MS = 1000;

export default definePlugin({
  name: "health",
  version: "1.0.0",
  requires: ["engine"],
  config: {
    minFreeBytes: [
      ["number.integer >= 0", "@", "With less free space below the data folder the engine is not ready."],
      "=",
      16_777_216,
    ],
  },
  setup({ config, paths, use, route, health }) {
    const engine = use("engine");
    let checked: { readonly at: number; readonly results: ReturnType<typeof engine.checks> } | undefined;
    const checks = (): ReturnType<typeof engine.checks> => {
      const now = performance.now();
      if (checked === undefined || now - checked.at >= FRESH_MS) checked = { at: now, results: engine.checks() };
      return checked.results;
    };

    // Live is that this line runs: a check here would have a supervisor kill an engine that only lacks something.
    route("GET /health/live", { summary: "Whether the process runs" }, () => answer(200, { status: "ok" }));
    route("GET /health/ready", { summary: "Whether requests should be sent here" }, async () => {
      const results = await checks();
      const ok = engine.ready && Object.values(results).every((result) => result.ok);
      const degraded = Object.values(results).some((result) => result.degraded === true);
      const { mode, jail, paused } = engine;
      return answer(ok ? 200 : 503, {
        status: !ok ? "unavailable" : degraded ? "degraded" : "ok",
        checks: {
          ...(results as { readonly [name: string]: Readonly<Record<keyof HealthResult, Json>> }),
          isolates: mode,
          held: [...jail.held],
          lacking: [...jail.lacking],
          paused: [...paused],
        },
      });
    });
    health("disk", () => checkDisk(paths.data, config.minFreeBytes));
  },
});

function answer(status: number, body: Json): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

/** Says nothing of where the folder is: anyone may read it. */
async function checkDisk(folder: string, minFreeBytes: number): Promise<HealthResult> {
  try {
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize >= minFreeBytes) return { ok: true };
    return { ok: false, detail: `the data folder has less than ${minFreeBytes} bytes left` };
  } catch {
    return { ok: false, detail: "the data folder cannot be written" };
  }
}
