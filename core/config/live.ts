/** The config that holds now. Whoever keeps a part of it sees the old one after a change: ask each time. */
import type { Config } from "./schema.ts";

export class LiveConfig {
  #current: Config;

  constructor(config: Config) {
    this.#current = config;
  }

  get current(): Config {
    return this.#current;
  }

  /** Only what `restartNeeded` allows may differ. */
  replace(next: Config): void {
    this.#current = next;
  }
}
