/**
 * `@aiwebengine/sdk/client`: calls the routes of scripts, typed by what the scripts export. Runs in browsers, Bun, Deno
 * and Node, and needs nothing but `fetch`.
 *
 * ```ts
 * import { ApiError, createClient } from "@aiwebengine/sdk/client";
 *
 * const api = createClient<typeof import("./scripts/notes")>("https://notes.example");
 * const note = await api("POST /notes/:id", { params: { id: "1" }, body: { text: "milk" } });
 * ```
 */
import type { Client } from "./client/types.js";
export { ApiError } from "./client/error.js";
export type { Client, InputOf, RouteOf, OutputOf } from "./client/types.js";
type HeaderRecord = {
  readonly [name: string]: string;
};
export interface ClientOptions {
  /** Sent with each call: a record, or a function that is asked each time (a token that changes). */
  readonly headers?: HeaderRecord | (() => HeaderRecord | Promise<HeaderRecord>);
  /** In place of the global `fetch`: to send cookies elsewhere, to retry, to test. */
  readonly fetch?: (request: Request) => Promise<Response>;
}
/**
 * Makes the function that calls. The type argument is the script's module (`typeof import("./scripts/notes")`); several
 * scripts are one client with `&`. A route can be called when its registration is exported.
 *
 * A call gives what the handler answered: JSON as data, text as a string, 204 as undefined, anything else as a Blob.
 * `api.response(…)` takes the same and gives the Response unread.
 *
 * A call rejects with an `ApiError` for a status from 300, with a TypeError where nobody could be reached, and with the
 * reason of `signal` when that was aborted.
 *
 * @param url where the engine listens; a path in it stands before every route's. In a browser it may be relative.
 */
export declare function createClient<Scripts>(url: string | URL, options?: ClientOptions): Client<Scripts>;
