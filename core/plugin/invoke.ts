/** Puts the plugins' `invoke` hooks around every call into a script: requests that it answers, and points' handlers. */
import type { InvokeEvent, Json } from "../../sdk/plugin.ts";
import { ProblemError } from "../../sdk/errors.ts";
import type { Dispatcher, Invocation } from "../http/dispatch.ts";
import type { CallInput, CallValue } from "../pool/data-call.ts";
import type { ScriptPool } from "../pool/pool.ts";
import type { BuiltPointRegistration } from "../script/types.ts";
import type { Chains } from "./hook.ts";
import type { CallHandler } from "./points.ts";

/** @param chain the hooks of this moment; null where there are none, which costs nothing */
export function hookedDispatcher(inner: Dispatcher, chain: () => Chains["invoke"]): Dispatcher {
  return {
    dispatch(invocation) {
      const hooks = chain();
      if (hooks === null) return inner.dispatch(invocation);
      return through(hooks, invocation, inner);
    },
  };
}

async function through(
  hooks: NonNullable<Chains["invoke"]>,
  invocation: Invocation,
  inner: Dispatcher,
): Promise<Response> {
  const given = await hooks(new RequestInvocation(invocation), async () => inner.dispatch(invocation));
  if (given instanceof Response) return given;
  throw new ProblemError("internal", "An invoke hook gave something else than the Response that next() gives.");
}

class RequestInvocation implements InvokeEvent {
  readonly kind = "http";
  readonly parentId = undefined;
  readonly user: Json = null;
  readonly input = undefined;
  readonly #invocation: Invocation;

  constructor(invocation: Invocation) {
    this.#invocation = invocation;
  }

  get id(): string {
    return this.#invocation.id;
  }
  get script(): string {
    return this.#invocation.route.script;
  }
  get registration(): number {
    return this.#invocation.route.registration.id;
  }
  get state(): Map<string, unknown> {
    return this.#invocation.state;
  }
  get signal(): AbortSignal {
    return this.#invocation.signal;
  }
}

/** The same for handlers of points. */
export function hookedCall(inner: { readonly call: CallHandler }, chain: () => Chains["invoke"]): CallHandler {
  return async (pool, registration, input) => {
    const hooks = chain();
    if (hooks === null) return inner.call(pool, registration, input);
    const { id = Bun.randomUUIDv7() } = input;
    const event = new CallInvocation(pool, registration, { ...input, id });
    return (await hooks(event, () => inner.call(pool, registration, { ...input, id }))) as CallValue;
  };
}

const NEVER = new AbortController().signal;

class CallInvocation implements InvokeEvent {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly script: string;
  readonly kind: string;
  readonly registration: number;
  readonly user: Json;
  readonly input: Json | undefined;
  readonly state = new Map<string, unknown>();
  readonly signal: AbortSignal;

  constructor(pool: ScriptPool, registration: BuiltPointRegistration, input: CallInput & { readonly id: string }) {
    this.id = input.id;
    this.parentId = input.parentId;
    this.script = pool.script.name;
    this.kind = registration.point;
    this.registration = registration.id;
    this.user = input.user ?? null;
    this.input = input.payload ?? input.args;
    this.signal = input.signal ?? NEVER;
  }
}
