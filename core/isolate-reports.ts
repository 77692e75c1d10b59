/** What isolates report, and where it goes: the log, and the problems that callers get. */
import { join } from "node:path";
import { problemBody, ProblemError } from "../sdk/errors.ts";
import type { LiveConfig } from "./config/index.ts";
import { problemResponse } from "./errors.ts";
import { httpFailure } from "./http-failure.ts";
import { LEVELS } from "./isolate/frames.ts";
import type { Log } from "./log.ts";
import type { Generation } from "./plugin/generation.ts";
import type { Chains } from "./plugin/hook.ts";
import type { ReadFailure } from "./pool/answer.ts";
import type { ScriptEvent } from "./script/entry.ts";
import { placeOfFailure, type FailurePlace } from "./pool/failure-place.ts";
import type { Flight } from "./pool/flight.ts";
import type { IsolatesOptions, PooledRoute } from "./pool/isolates.ts";
import { labelOf } from "./script/types.ts";
import type { Service } from "./plugin/service.ts";

function routeOf(flight: Flight): string {
  return labelOf(flight.invocation.route.registration);
}

/** What every log line of an invocation says. */
function invocationOf(flight: Flight): {
  readonly id: string;
  readonly parentId?: string;
  readonly kind: string;
  readonly route: string;
} {
  const { invocation } = flight;
  const route = routeOf(flight);
  if (invocation.method !== null) return { id: invocation.id, kind: "http", route };
  const { id, parentId } = invocation;
  return { id, ...(parentId === undefined ? {} : { parentId }), kind: invocation.route.registration.point, route };
}

export function isolateDeps(
  config: LiveConfig,
  log: Log,
  plugins: {
    readonly services: () => ReadonlyMap<string, Service>;
    readonly chains: () => Pick<Chains, "fetch">;
    readonly placeOf: Generation["placeOf"];
  },
  onScript: (event: ScriptEvent) => void,
): IsolatesOptions["deps"] {
  const { dir, dev: inDev } = config.current;
  const scriptsDir = join(dir, "scripts");
  const placeOf = (flight: Flight, failure: ReadFailure): FailurePlace | null =>
    placeOfFailure((flight.invocation.route as PooledRoute).pool, scriptsDir, failure);
  return {
    services: plugins.services,
    fetchPolicy: () => config.current.fetch,
    fetchHook: () => plugins.chains().fetch,
    onServiceError: (script, what, error, id) =>
      log.error("a service failed", { id, script, what, error: reasonOf(error), ...plugins.placeOf(error) }),
    onFetch(flight, { method, url, ms, outcome }) {
      const { script } = flight.invocation.route;
      // Paths and queries hold secrets more often than they help.
      const origin = URL.parse(url)?.origin;
      const fields = { script, ...invocationOf(flight), method, origin, ms: Math.round(ms) };
      if (typeof outcome === "number") return log.debug("fetch", { ...fields, status: outcome });
      const code = outcome instanceof ProblemError ? outcome.code : "network";
      const detail = outcome instanceof ProblemError ? outcome.detail : outcome.message;
      log.at(code === "fetch_blocked" ? "warn" : "debug", "fetch failed", { ...fields, code, detail });
    },
    onFailure(flight, failure) {
      const { script } = flight.invocation.route;
      const error = failure.stack || `${failure.name}: ${failure.message}`;
      const place = placeOf(flight, failure);
      onScript({ kind: "threw", script, invocation: invocationOf(flight), error, place });
    },
    problem(flight, error) {
      const { id, route } = flight.invocation;
      if (error.status >= 500 && error.code !== "script_failed") {
        const { type: _, title: __, ...fields } = problemBody(error, id);
        log.warn("invocation refused", { ...fields, script: route.script, ...invocationOf(flight) });
      }
      if (!inDev || !error.dev) return problemResponse(error, id, false);
      const dev = { ...error.dev, ...placeOf(flight, error.cause as ReadFailure) };
      const { errors, limit, retryAfterSeconds } = error;
      return problemResponse(
        new ProblemError(error.code, error.detail, { errors, limit, retryAfterSeconds, dev }),
        id,
        true,
      );
    },
    onBroken(flight, error) {
      const { script } = flight.invocation.route;
      const { code, detail, limit } = error;
      log.warn("answer broken off", { script, ...invocationOf(flight), code, detail, limit });
    },
    httpFailure,
    log: (script, level, message, data, flight) =>
      log.at(LEVELS[level] ?? "info", message, {
        script,
        source: "script",
        ...(flight && invocationOf(flight)),
        data,
      }),
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${reasonOf(error.cause)})`;
}

export function isolateEvents(log: Log): IsolatesOptions["events"] {
  return {
    onKill: (script, kill, flights) =>
      log.warn("isolate killed", {
        script,
        id: kill.culprit?.invocation.id,
        cause: kill.cause,
        detail: kill.detail,
        limit: kill.limit,
        invocations: flights,
      }),
    onPause: (script, ms) => log.warn("script paused", { script, ms }),
    onLoadFailure(script, failure) {
      const why = typeof failure === "string" ? failure : failure.stack || failure.message;
      log.error("isolate did not load", { script, error: why });
    },
    onSpareFailure: (error) => log.error("no isolate could be started", { error: reasonOf(error) }),
    onFault: (script, error) =>
      log.error("the engine failed beside a script", {
        script,
        error: error instanceof Error ? error.stack : String(error),
      }),
  };
}
