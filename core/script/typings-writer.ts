/** Keeps the types beside the scripts in step with the plugins that serve; off the way to any answer. */
import { writeTypings, type TypingsOptions } from "./typings.ts";

/** After a start or a change; by then whoever waited for the engine was answered. */
const DELAY_MS = 100;

export interface TypingsWriterOptions {
  readonly scriptsDir: string;
  readonly version: string;
  /** What plugins give to scripts now. */
  readonly given: () => Omit<TypingsOptions, "version">;
  readonly onError: (error: unknown) => void;
}

export class TypingsWriter {
  readonly #options: TypingsWriterOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(options: TypingsWriterOptions) {
    this.#options = options;
  }

  /** Writes them soon; what is asked for meanwhile is done by the same writing. */
  soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const { scriptsDir, version, given, onError } = this.#options;
      this.#written = this.#written.then(() => writeTypings(scriptsDir, { ...given(), version })).catch(onError);
    }, DELAY_MS);
  }

  /** Ends what it began, and begins nothing more. */
  close(): Promise<void> {
    clearTimeout(this.#timer);
    return this.#written;
  }
}
