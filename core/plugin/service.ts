/** A service: async functions given to scripts as `ctx[name]`. The same shape is the plugin API's `service()`. */
import type { ServiceCall } from "../../sdk/plugin.ts";
import type { Json } from "../script/types.ts";

export type { ServiceCall } from "../../sdk/plugin.ts";

export interface Service {
  /** The name in the context and in the SDK: `kv`. */
  readonly name: string;
  /** TypeScript text of the declaration that script authors see; see `core/script/typings.ts`. */
  readonly types: string;
  /** Methods that scripts also have under a name of their own. */
  readonly functions?: { readonly [fn: string]: string };
  /** Methods whose answer is the key of an object, with the methods that it has; they are called with the key first. */
  readonly objects?: { readonly [method: string]: readonly string[] };
  /** Methods that change something: an invocation that called one is not sent again after a kill. */
  readonly mutates: readonly string[];
  readonly methods: { readonly [method: string]: (call: ServiceCall, ...args: Json[]) => Promise<Json | undefined> };
  /** Lets go of what it holds of a script: its data is about to be moved away. */
  close?(script: string): void;
}
