/** AbortController and AbortSignal. https://dom.spec.whatwg.org/#aborting-ongoing-activities */
import { floor } from "../primordials.ts";
import { startTimer } from "../timers.ts";
import { isObject, need, toSequence } from "./convert.ts";
import { INTERNAL, named, once } from "./define.ts";
import { makeDomException } from "./dom-exception.ts";
import { events } from "./event.ts";

/** Number.MAX_SAFE_INTEGER, as [EnforceRange] unsigned long long has it. */
const MAX_DELAY = 2 ** 53 - 1;

export type AbortHandle = { readonly signal: AbortSignal; readonly abort: (reason: unknown) => void };

let branded: ((value: object) => boolean) | undefined;

export function isAbortSignal(value: unknown): value is AbortSignal {
  return branded !== undefined && isObject(value) && branded(value);
}

export const abortParts = once(() => {
  const { EventTarget, send, listen } = events();
  let abort!: (signal: AbortSignal, reason: unknown) => void;
  let follow!: (sources: readonly AbortSignal[]) => AbortSignal;

  class AbortSignal extends EventTarget {
    #aborted = false;
    #reason: unknown = undefined;
    #onabort: ((...args: never[]) => unknown) | null = null;
    #listening = false;
    /** Signals that abort with this one. They are kept alive by it: a realm has no weak references. */
    #dependents: AbortSignal[] = [];
    /** Undefined for a signal that follows no other. */
    #sources: readonly AbortSignal[] | undefined = undefined;

    constructor(token: unknown) {
      if (token !== INTERNAL) throw new TypeError("Illegal constructor");
      super();
    }
    get aborted(): boolean {
      return this.#aborted;
    }
    get reason(): unknown {
      return this.#reason;
    }
    get onabort(): unknown {
      return this.#onabort;
    }
    set onabort(value: unknown) {
      this.#onabort = typeof value === "function" ? (value as (...args: never[]) => unknown) : null;
      if (this.#listening) return;
      this.#listening = true;
      listen(this, "abort", (event: never) => this.#onabort?.(event));
    }
    throwIfAborted(): void {
      if (this.#aborted) throw this.#reason;
    }
    static abort(reason?: unknown): AbortSignal {
      const signal = new AbortSignal(INTERNAL);
      abort(signal, reason);
      return signal;
    }
    static timeout(milliseconds: unknown): AbortSignal {
      need(arguments.length, 1, "AbortSignal.timeout");
      const delay = +(milliseconds as number);
      if (!(delay >= 0 && delay <= MAX_DELAY)) throw new TypeError("AbortSignal.timeout: not a number of milliseconds");
      const signal = new AbortSignal(INTERNAL);
      startTimer(() => abort(signal, makeDomException("The operation timed out.", "TimeoutError")), floor(delay));
      return signal;
    }
    static any(signals: unknown): AbortSignal {
      need(arguments.length, 1, "AbortSignal.any");
      const list = toSequence(signals, "AbortSignal.any");
      for (let i = 0; i < list.length; i++) {
        if (!isAbortSignal(list[i])) throw new TypeError("AbortSignal.any: not a sequence of signals");
      }
      return follow(list as AbortSignal[]);
    }
    static {
      branded = (value) => #aborted in value;
      abort = (signal, reason) => {
        if (signal.#aborted) return;
        signal.#aborted = true;
        signal.#reason = reason === undefined ? makeDomException("The operation was aborted.", "AbortError") : reason;
        const { length } = signal.#dependents;
        const ended: AbortSignal[] = [];
        // All know it before any listener runs, so that no listener sees a half-told state.
        for (let i = 0; i < length; i++) {
          const dependent = signal.#dependents[i] as AbortSignal;
          if (dependent.#aborted) continue;
          dependent.#aborted = true;
          dependent.#reason = signal.#reason;
          ended[ended.length] = dependent;
        }
        signal.#dependents = [];
        send(signal, "abort");
        for (let i = 0; i < ended.length; i++) send(ended[i] as AbortSignal, "abort");
      };
      follow = (sources) => {
        const signal = new AbortSignal(INTERNAL);
        for (let i = 0; i < sources.length; i++) {
          const source = sources[i] as AbortSignal;
          if (!source.#aborted) continue;
          signal.#aborted = true;
          signal.#reason = source.#reason;
          return signal;
        }
        // A signal that follows others stands for them, so that chains stay one step long.
        const roots: AbortSignal[] = [];
        for (let i = 0; i < sources.length; i++) {
          const source = sources[i] as AbortSignal;
          if (source.#sources === undefined) attach(signal, source, roots);
          else
            for (let k = 0; k < source.#sources.length; k++) attach(signal, source.#sources[k] as AbortSignal, roots);
        }
        signal.#sources = roots;
        return signal;
      };
      const attach = (signal: AbortSignal, root: AbortSignal, roots: AbortSignal[]) => {
        for (let i = 0; i < roots.length; i++) if (roots[i] === root) return;
        roots[roots.length] = root;
        root.#dependents[root.#dependents.length] = signal;
      };
    }
  }
  named(AbortSignal, "AbortSignal");

  class AbortController {
    readonly #signal = new AbortSignal(INTERNAL);
    get signal(): AbortSignal {
      return this.#signal;
    }
    abort(reason?: unknown): void {
      abort(this.#signal, reason);
    }
  }
  named(AbortController, "AbortController");

  return { AbortSignal, AbortController, abort, follow };
});

/** A signal and the function that aborts it, without a controller that a script could reach. */
export function makeAbort(): AbortHandle {
  const { AbortSignal, abort } = abortParts();
  const signal = new AbortSignal(INTERNAL);
  return { signal: signal as unknown as AbortHandle["signal"], abort: (reason) => abort(signal, reason) };
}

/** A signal that aborts with the first of `sources`. */
export function followSignals(sources: readonly AbortSignal[]): AbortSignal {
  return abortParts().follow(sources as never) as unknown as AbortSignal;
}
