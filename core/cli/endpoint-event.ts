/** Addresses that come with a script's first tool or field, and go with its last: said when they do. */
import type { Engine } from "../engine.ts";
import type { Log } from "../log.ts";

/** What the banner named is known. The answer is called after each change of scripts or plugins. */
export function tellEndpoints(engine: Pick<Engine, "url" | "endpoints">, log: Pick<Log, "info">): () => void {
  let known = addressesOf(engine);
  return () => {
    const now = addressesOf(engine);
    for (const [url, title] of now) if (!known.has(url)) log.info("endpoint opened", { title, url });
    for (const [url, title] of known) if (!now.has(url)) log.info("endpoint closed", { title, url });
    known = now;
  };
}

function addressesOf({ url, endpoints }: Pick<Engine, "url" | "endpoints">): ReadonlyMap<string, string> {
  return new Map(endpoints().map(({ title, path }) => [url + path, title]));
}
