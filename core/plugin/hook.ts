/** The onion: named chains of functions around one core, the first plugin's outermost. */
import { ProblemError } from "../../sdk/errors.ts";
import type { FetchEvent, Hooks, InvokeEvent, RequestEvent } from "../../sdk/plugin.ts";

type Awaitable<T> = T | PromiseLike<T>;

/** One plugin's hook. */
export interface Hooked<Handler> {
  readonly plugin: string;
  readonly handler: Handler;
}

/** What the hooks of a generation came to; null where it has none, which costs nothing. */
export interface Chains {
  readonly match: Hooks["match"] | null;
  readonly request: ((event: RequestEvent, core: () => Awaitable<Response>) => Awaitable<Response>) | null;
  readonly invoke: ((event: InvokeEvent, core: () => Promise<unknown>) => Promise<unknown>) | null;
  readonly fetch: ((event: FetchEvent) => Promise<void>) | null;
}

/** `failed` makes the answer of a request whose hook threw, and tells of it with the plugin's name. */
export function makeChains(
  hooks: { readonly [Name in keyof Hooks]: readonly Hooked<Hooks[Name]>[] },
  failed: (plugin: string, error: unknown, event: RequestEvent) => Response,
): Chains {
  return {
    match: chainMatch(hooks.match),
    request: hooks.request.length === 0 ? null : (event, core) => runRequest(hooks.request, 0, event, core, failed),
    invoke: hooks.invoke.length === 0 ? null : (event, core) => runInvoke(hooks.invoke, 0, event, core),
    fetch: hooks.fetch.length === 0 ? null : (event) => runFetch(hooks.fetch, event),
  };
}

function chainMatch(hooks: readonly Hooked<Hooks["match"]>[]): Hooks["match"] | null {
  if (hooks.length === 0) return null;
  return (url, request) => {
    for (const { handler } of hooks) url = handler(url, request);
    return url;
  };
}

/** A hook that throws is answered where it stands: those around it see an answer, as of any other failure. */
function runRequest(
  hooks: readonly Hooked<Hooks["request"]>[],
  at: number,
  event: RequestEvent,
  core: () => Awaitable<Response>,
  failed: (plugin: string, error: unknown, event: RequestEvent) => Response,
): Awaitable<Response> {
  const hook = hooks[at];
  if (hook === undefined) return core();
  let inner: Awaitable<Response> | undefined;
  try {
    const given = hook.handler(event, () => (inner = runRequest(hooks, at + 1, event, core, failed)));
    // What it hands on as it got it was looked at before.
    if (given instanceof Response || given === inner) return given;
    const fail = (error: unknown): Response => failed(hook.plugin, error, event);
    return given.then((answer) => (answer instanceof Response ? answer : fail(noResponse(answer))), fail);
  } catch (error) {
    return failed(hook.plugin, error, event);
  }
}

function noResponse(value: unknown): TypeError {
  return new TypeError(`its request hook gave ${value === null ? "null" : typeof value} instead of a Response`);
}

function runInvoke(
  hooks: readonly Hooked<Hooks["invoke"]>[],
  at: number,
  event: InvokeEvent,
  core: () => Promise<unknown>,
): Promise<unknown> {
  const hook = hooks[at];
  return hook === undefined ? core() : hook.handler(event, () => runInvoke(hooks, at + 1, event, core));
}

async function runFetch(hooks: readonly Hooked<Hooks["fetch"]>[], event: FetchEvent): Promise<void> {
  for (const { plugin, handler } of hooks) {
    try {
      await handler(event);
    } catch (error) {
      if (error instanceof ProblemError) throw error;
      throw new Error(`the fetch hook of the plugin "${plugin}" failed`, { cause: error });
    }
  }
}
