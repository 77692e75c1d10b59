/** The `kv` service: a key-value store per script, in `data/scripts/<name>/kv`, with expiry and atomic updates. */
import { definePlugin } from "../../sdk/plugin.ts";
import { createKv } from "./service.ts";

/** What script authors see as `ctx.kv`. */
const TYPES = `/** A key-value store of this script alone. Values are JSON data of up to 1 MiB; null stands for an absent entry. */
export interface Kv {
  /** The value, or null where there is none or it has expired. */
  get<T = unknown>(key: string): Promise<T | null>;
  /** Writes a value. Without \`ttlMs\` it never expires. Setting null deletes the entry. */
  set(key: string, value: unknown, options?: { ttlMs?: number }): Promise<void>;
  /** Whether there was an entry. */
  delete(key: string): Promise<boolean>;
  /** Entries in the order of their keys' bytes. Go on with \`after: next\` while there is a \`next\`. */
  list<T = unknown>(options?: { prefix?: string; limit?: number; after?: string }): Promise<{ entries: { key: string; value: T }[]; next?: string }>;
  /** Adds atomically and gives the new value; an absent entry counts as 0. \`ttlMs\` starts with the first increment. */
  increment(key: string, by?: number, options?: { ttlMs?: number }): Promise<number>;
  /** Writes only if the present value equals \`expected\` (null: only if there is none). Whether it wrote. */
  compareAndSet(key: string, expected: unknown, value: unknown, options?: { ttlMs?: number }): Promise<boolean>;
}`;

export default definePlugin({
  name: "kv",
  version: "1.0.0",
  setup({ paths, log, keep, service, health }) {
    // Open databases outlive generations: a plugin that changes elsewhere must not close them.
    const kv = keep(
      "databases",
      () =>
        createKv({
          dataDir: paths.data,
          onError: (error, script) => log.error("kv failed", { script, error: String(error) }),
        }),
      (held) => held.dispose(),
    );
    service("kv", {
      types: TYPES,
      methods: kv.methods,
      mutates: ["set", "delete", "increment", "compareAndSet"],
      release: (script) => kv.close(script),
    });
    health("kv", () => kv.health());
  },
});
