/** The smallest plugin that has everything: config, a route, a hook, a service for scripts, a health check. */
import { definePlugin, ProblemError } from "@aiwebengine/sdk/plugin";

export default definePlugin({
  name: "teapot",
  version: "1.0.0",
  after: ["access-log"],
  config: { strength: "1 <= number.integer <= 5 = 3" },
  setup({ config, route, hook, service, health, keep, log }) {
    // Shared by every generation of this plugin: a save of the file keeps the count.
    const pot = keep("pot", () => ({ cups: 0 }));

    route("GET /tea/:kind", ({ params }) => Response.json({ kind: params.kind, strength: config.strength }));

    hook("request", async (event, next) => {
      if (event.path.startsWith("/coffee")) return new Response("I'm a teapot", { status: 418 });
      return next();
    });

    service("teapot", {
      methods: {
        async brew({ script }, cups) {
          if (typeof cups !== "number") throw new ProblemError("bad_request", "brew(cups): cups is a number.");
          log.info("brewing", { script, cups });
          return (pot.cups += cups);
        },
      },
      mutates: ["brew"],
      types: `export interface Teapot {
  /** Brews, and gives the number of cups since the engine started. */
  brew(cups: number): Promise<number>;
}`,
    });

    health("teapot", () => ({ ok: pot.cups < 1000, detail: `${pot.cups} cups` }));
  },
});
