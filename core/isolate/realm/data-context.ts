/** The context of a point's handler. What only an HTTP request has is undefined in it. */
import { BODY_NONE } from "../frames.ts";
import { Context } from "./context.ts";
import { REQUEST_NAMES } from "./sdk-names.ts";
import type { Live } from "./state.ts";

/** The head of INVOKE, as JSON. */
export interface DataHead {
  readonly id: string;
  /** The point's name. */
  readonly kind: string;
  readonly payload?: unknown;
  readonly args?: unknown;
  readonly user?: unknown;
  /** The option that holds the function to call, instead of the handler. */
  readonly handler?: string;
  /** What of the call of such a function is held against the schemas. */
  readonly check?: "payload" | "args";
  /** The caller takes a stream of values. */
  readonly stream?: true;
  /** The head of the request that causes this call (core/pool/head.ts). */
  readonly request?: string;
}

const { defineProperty } = Object;

/** Of a call that a request causes: it has all of that request but a body. */
export class RequestedContext extends Context {
  readonly #data: DataHead;

  constructor(live: Live, data: DataHead) {
    super(live, data.request ?? "", BODY_NONE, undefined, false);
    this.#data = data;
  }

  override get id(): string {
    return this.#data.id;
  }
  override get kind(): string {
    return this.#data.kind;
  }
  override get user(): unknown {
    return this.#data.user ?? null;
  }
  override get payload(): unknown {
    return this.#data.payload;
  }
  override get args(): unknown {
    return this.#data.args;
  }
}

/** Of any other call. */
export class DataContext extends RequestedContext {}

for (let i = 0; i < REQUEST_NAMES.length; i++) {
  const get = (): undefined => undefined;
  defineProperty(DataContext.prototype, REQUEST_NAMES[i] as string, { get, configurable: true });
}
