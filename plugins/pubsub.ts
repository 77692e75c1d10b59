/**
 * The capability `pubsub`: messages to all engines that serve the same application. This one knows no other engine; a
 * dropped plugin of the same name takes its place where there are several.
 */
import { definePlugin, type Dispose, type Json } from "../sdk/plugin.ts";

export interface Pubsub {
  /** Calls the listeners of a topic in every engine, this one included. Rejects when others cannot be reached. */
  publish(topic: string, message: Json): Promise<void>;
  subscribe(topic: string, listener: (message: Json) => void): Dispose;
}

declare module "../sdk/plugin.ts" {
  interface Capabilities {
    pubsub: Pubsub;
  }
}

export default definePlugin({
  name: "pubsub",
  version: "1.0.0",
  setup({ provide, keep }) {
    // Listeners of a generation that is on its way out still hear what is published meanwhile.
    const topics = keep("topics", () => new Map<string, Set<(message: Json) => void>>());
    provide("pubsub", {
      async publish(topic, message) {
        for (const listener of [...(topics.get(topic) ?? [])]) listener(message);
      },
      subscribe(topic, listener) {
        // A listener twice is two listeners.
        const own = (message: Json): void => listener(message);
        const all = topics.get(topic) ?? new Set();
        topics.set(topic, all.add(own));
        return () => {
          all.delete(own);
          if (all.size === 0 && topics.get(topic) === all) topics.delete(topic);
        };
      },
    });
  },
});
