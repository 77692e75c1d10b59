/** What scripts find in this engine besides the language: services, and routes that are taken already. Starts nothing. */
import { join } from "node:path";
import type { Config } from "../config/index.ts";
import { healthRoutes } from "../http/health.ts";
import type { ServiceTypes } from "../script/typings.ts";
import { createKv } from "../service/kv.ts";

export interface Offers {
  /** The methods of each service, by its name. */
  readonly services: { readonly [name: string]: readonly string[] };
  readonly types: readonly ServiceTypes[];
  /** `owner`: who registered it. */
  readonly routes: readonly { readonly method: string; readonly path: string; readonly owner: string }[];
}

export function offersOf(config: Config): Offers {
  // Opens a database when a script calls it, and no script is called.
  const services = [createKv({ dataDir: join(config.dir, "data") })];
  return {
    services: Object.fromEntries(services.map(({ name, methods }) => [name, Object.keys(methods)])),
    types: services.map(({ name, types }) => ({ name, types })),
    routes: healthRoutes(() => ({ ok: true, checks: {} })),
  };
}
