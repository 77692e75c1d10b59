/** Who listens in this engine. */
import type { Dispose, Json } from "../../sdk/plugin.ts";

type Listener = (message: Json) => void;

export class Topics {
  onFailure: (topic: string, error: unknown) => void = () => {};
  readonly #all = new Map<string, Set<Listener>>();

  add(topic: string, listener: Listener): Dispose {
    // A listener twice is two listeners.
    const own: Listener = (message) => listener(message);
    const all = this.#all.get(topic) ?? new Set();
    this.#all.set(topic, all.add(own));
    return () => {
      all.delete(own);
      if (all.size === 0 && this.#all.get(topic) === all) this.#all.delete(topic);
    };
  }

  /** One that fails keeps no other from hearing it. */
  call(topic: string, message: Json): void {
    for (const listener of [...(this.#all.get(topic) ?? [])]) {
      try {
        listener(message);
      } catch (error) {
        this.onFailure(topic, error);
      }
    }
  }
}
