/** The capability `pubsub`: messages to all engines that serve the same application, through Redis where there are several. */
import { definePlugin, ProblemError, type Dispose, type HealthResult, type Json } from "../../sdk/plugin.ts";
import { readAddress } from "./address.ts";
import type { Link, LinkEvents } from "./link.ts";
import { Topics } from "./topics.ts";

export interface Pubsub {
  /**
   * Calls the listeners of a topic in this engine, and sends the message to the others. Each hears it at most once; who
   * cannot be reached does not. Rejects with `bad_request` for a message that is too long to be sent.
   */
  publish(topic: string, message: Json): Promise<void>;
  subscribe(topic: string, listener: (message: Json) => void): Dispose;
}

declare module "../../sdk/plugin.ts" {
  interface Capabilities {
    pubsub: Pubsub;
  }
}

/** It may hold a password: what shows config hides what is `writeOnly`. */
const REDIS = {
  description:
    "Redis that joins the engines: `redis://user:password@host:6379`, `rediss://` over TLS. Empty: this engine is alone.",
  writeOnly: true,
};

export default definePlugin({
  name: "pubsub",
  version: "1.1.0",
  requires: ["engine", "redaction"],
  config: {
    redis: [["string", "@", REDIS], "=", ""],
    channel: [
      ["string > 0", "@", "Engines that have it in common hear each other: one for each application."],
      "=",
      "aiwebengine",
    ],
    maxMessageBytes: [
      ["number.integer > 0", "@", "The longest message that is sent to other engines, or taken from them."],
      "=",
      1_048_576,
    ],
    queueBytes: [
      ["number.integer > 0", "@", "What may wait for Redis, for 10 s at most; the oldest messages go."],
      "=",
      1_048_576,
    ],
  },
  async setup({ config, log, provide, keep, use, defer, health }) {
    const engine = use("engine");
    // Listeners of a generation that is on its way out still hear what is published meanwhile.
    const topics = keep("topics", () => new Topics());
    topics.onFailure = (topic, error) => log.error("a listener failed", { topic, error });
    // What speaks to Redis is loaded by engines that have one.
    const link = config.redis === "" ? undefined : linkTo(config.redis, (await import("./link.ts")).Link);

    function linkTo(redis: string, Way: typeof Link): Link {
      const address = readAddress(redis);
      for (const secret of [redis, address.password, encodeURIComponent(address.password ?? "")]) {
        if (secret !== undefined && secret !== "" && address.password !== undefined)
          defer(use("redaction").add(secret));
      }
      const { channel, maxMessageBytes, queueBytes } = config;
      // One that goes elsewhere is another one; this one is kept while all of it stays as it is.
      const key = new Bun.CryptoHasher("sha256").update(JSON.stringify(config)).digest("hex");
      const made = keep(
        `link ${key}`,
        () => new Way({ address, channel, maxMessageBytes, queueBytes }),
        (last) => last.close(),
      );
      const events: LinkEvents = {
        onMessage: (topic, message) => topics.call(topic, message),
        onDown: (reason) =>
          log.warn("Redis cannot be reached: other engines hear nothing of this one, nor it of them", {
            redis: address.shown,
            reason,
          }),
        onUp: (lost) => log.info("the engine is joined to others by Redis", { redis: address.shown, channel, lost }),
        onStrange: (count) =>
          log.warn("the channel holds what no engine wrote, or is too long; it was not taken", { channel, count }),
      };
      made.events = events;
      // The commands of plugins, too, set them up: they have nothing to hear.
      const openWhenReady = (): void => {
        if (engine.ready) made.open();
      };
      defer(engine.onChange(openWhenReady));
      openWhenReady();
      return made;
    }

    provide("pubsub", {
      async publish(topic, message) {
        topics.call(topic, message);
        if (link?.publish(topic, message) === false) {
          throw new ProblemError(
            "bad_request",
            `pubsub: the message is too long for other engines; plugins.pubsub.maxMessageBytes allows ${config.maxMessageBytes} bytes`,
          );
        }
      },
      subscribe: (topic, listener) => topics.add(topic, listener),
    });

    if (link !== undefined) {
      health("pubsub", (): HealthResult => {
        const { trouble } = link;
        // Without it the engine serves all that it has; were it not ready, nobody would serve while Redis is away.
        return trouble === null ? { ok: true } : { ok: true, degraded: true, detail: "Redis cannot be reached" };
      });
    }
  },
});
