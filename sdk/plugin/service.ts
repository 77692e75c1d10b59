/** Services: what plugins give scripts to call. */
import type { Json } from "../schema.ts";

/** Who calls a service. */
export interface ServiceCall {
  /** The invocation's id (UUIDv7). */
  readonly invocation: string;
  readonly script: string;
  readonly user: Json;
  /** Aborts when the call is over before it was answered: its invocation ended, or the isolate did. */
  readonly signal: AbortSignal;
  /** Aborts when the invocation ends, also after this call was answered: for what is held open between calls. */
  readonly ended: AbortSignal;
  /**
   * Sends a request as the script would: under its `hosts` and limits, through the `fetch` hooks, never to an address that
   * the script may not reach. It counts in `limits.subrequests`, and ends with the invocation. Rejects with a
   * `ProblemError` (`fetch_blocked`, `subrequests_exceeded`, `response_too_large`, …), and as the script's own `fetch` does
   * where the network fails; what the service lets through, the script sees.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
}

/** Async functions for scripts, as `context[name]` and as an export of the SDK. */
export interface ServiceSpec {
  /** Arguments come from a hostile script: data of any shape. Throw a `ProblemError` for what the script should read. */
  readonly methods: {
    readonly [method: string]: (call: ServiceCall, ...args: Json[]) => Promise<Json | undefined | void>;
  };
  /**
   * TypeScript declarations for script authors, of an `interface` whose name is the service's with a capital
   * (`interface Teapot { boil(): Promise<number> }` for `teapot`).
   */
  readonly types: string;
  /** Methods that scripts also have under a name of their own: `{ sendMessage: "send" }`. */
  readonly functions?: { readonly [fn: string]: string };
  /**
   * Methods that answer with an object: `{ open: ["read", "close"] }`. The method gives its key (JSON), and the script gets
   * an object with these methods, which are called with the key before the script's own arguments. The script may have
   * made the key up. They are no methods of the service itself. An object with `close` can stand in `await using`.
   */
  readonly objects?: { readonly [method: string]: readonly string[] };
  /** Methods that change something: an invocation that called one is not sent again after its isolate was lost. */
  readonly mutates?: readonly string[];
  /** Lets go of what is held of a script: it was removed, and its data is about to be moved away. */
  release?(script: string): void;
}
