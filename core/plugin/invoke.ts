/** Puts the plugins' `invoke` hooks around every request that a script answers. */
import type { InvokeEvent, Json } from "../../sdk/plugin.ts";
import { ProblemError } from "../../sdk/errors.ts";
import type { Dispatcher, Invocation } from "../http/dispatch.ts";
import type { Chains } from "./hook.ts";

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
