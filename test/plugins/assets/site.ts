/** A project with assets of scripts, for the tests of the plugin. */
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import assets from "../../../plugins/assets/index.ts";
import { serve, type Served, type ServeOptions } from "../harness.ts";

/** Years ago, so that nothing was written just now. */
const LONG_AGO = new Date("2020-01-01T00:00:00Z");

export interface Site extends Served {
  /** Writes `scripts/site/assets/<file>`; `at` is its time of change. */
  put(file: string, content: string | Uint8Array, at?: Date): string;
  /** `200 text` of a GET. */
  get(path: string, headers?: Record<string, string>): Promise<string>;
}

export async function openSite(
  files: { readonly [file: string]: string | Uint8Array },
  options: Pick<ServeOptions, "answer" | "scripts"> & { readonly config?: object } = {},
): Promise<Site> {
  const { config = {}, ...rest } = options;
  const served = await serve([assets], { scripts: ["site"], ...rest, config: { assets: config } });
  const put: Site["put"] = (file, content, at = LONG_AGO) => {
    const path = join(served.dir, "scripts/site/assets", file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    utimesSync(path, at, at);
    return path;
  };
  for (const [file, content] of Object.entries(files)) put(file, content);
  return {
    ...served,
    put,
    async get(path, headers = {}) {
      const answer = await served.ask(path, { headers });
      return `${answer.status} ${await answer.text()}`;
    },
  };
}
