/** The runner as a plugin of its own engine: a point where steps are registered, and a service that they ask. */
import { definePlugin, ProblemError, type BuiltInPlugin, type FetchEvent, type Json } from "../../sdk/plugin.ts";
import { REGISTER, RUNNER, type WireAnswer, type WireRequest } from "../isolate/testing/seam.ts";

export interface RunnerDesk {
  /** Of the script under test, through the whole engine. */
  request(request: WireRequest, signal: AbortSignal): Promise<WireAnswer>;
  /** What plugins take for now; null is the real time. */
  setClock(epochMs: number | null): void;
  /** Nothing leaves the machine: what services ask for neither. */
  readonly offline: boolean;
}

/** Only the engine of a test has it. */
export function runnerPlugin(desk: RunnerDesk): BuiltInPlugin {
  const plugin = definePlugin({
    name: RUNNER,
    version: "1.0.0",
    setup({ point, service, hook }) {
      if (desk.offline) hook("fetch", refuseFetch);
      point(RUNNER, { functions: { [REGISTER]: { args: ["data", "handler"] } }, types: "", change() {} });
      service(RUNNER, {
        types: "",
        methods: {
          async request({ signal }, request) {
            return (await desk.request(readRequest(request), signal)) as unknown as Json;
          },
          async clock(_call, epochMs) {
            if (typeof epochMs !== "number" && epochMs !== null) throw refuse();
            desk.setClock(epochMs);
          },
        },
      });
    },
  });
  return {
    name: RUNNER,
    version: "1.0.0",
    requires: [],
    provides: [],
    schema: { type: "object" },
    load: async () => ({ default: plugin }),
  };
}

function refuseFetch({ method, url: { origin, pathname } }: FetchEvent): never {
  const asked = `${method} ${origin}${pathname}`;
  const detail = `In tests nothing is fetched: answer what asks for ${asked} with stubService(…).`;
  throw new ProblemError("fetch_blocked", detail);
}

function refuse(): ProblemError {
  return new ProblemError("bad_request", "The test runner was asked for what it does not do.");
}

/** A script under test is as hostile as any. */
function readRequest(value: Json | undefined): WireRequest {
  const { method, target, headers, body } = (value ?? {}) as { readonly [key: string]: Json | undefined };
  if (typeof method !== "string" || typeof target !== "string" || !target.startsWith("/") || !Array.isArray(headers))
    throw refuse();
  if (body !== undefined && typeof body !== "string") throw refuse();
  const pairs = headers.map((pair): readonly [string, string] => {
    const [name, text] = Array.isArray(pair) ? pair : [];
    if (typeof name !== "string" || typeof text !== "string") throw refuse();
    return [name, text];
  });
  return { method, target, headers: pairs, ...(body === undefined ? {} : { body }) };
}
