/** Starts the engine and ends it: lock, children, scripts, server, in that order and back. */
import { join } from "node:path";
import { mkdirSync } from "node:fs";
import { limitsFor, type Config } from "./config/index.ts";
import { BUILDER, compose, ISOLATES, REGISTRY, SERVICES } from "./container.ts";
import { StartError } from "./errors.ts";
import { healthRoutes } from "./http/health.ts";
import { startServer } from "./http/server.ts";
import type { JailReport } from "./isolate/jail/lockdown.ts";
import { ownCommand } from "./isolate/jail/probe.ts";
import { lockDataDir } from "./lock.ts";
import type { Log } from "./log.ts";
import type { ScriptEvent, ScriptStatus } from "./script/registry.ts";
import { startSpawner } from "./script/spawner.ts";
import { writeTypings } from "./script/typings.ts";
import { checkIsolation } from "./script/check-isolation.ts";
import { processVessel, type Vessel } from "./script/vessel.ts";
import { threadVessel } from "./script/thread-vessel.ts";

export interface EngineOptions {
  readonly config: Config;
  readonly version: string;
  readonly log: Log;
  readonly onScript: (event: ScriptEvent) => void;
}

export interface Engine {
  readonly url: string;
  readonly mode: "process" | "thread";
  readonly jail: JailReport;
  scripts(): readonly ScriptStatus[];
  /** Finishes what is under way, up to `server.shutdownTimeoutMs`. */
  stop(): Promise<void>;
}

/** Builds that take longer go on while the engine already serves. */
const START_PATIENCE_MS = 3000;

/** `auto`: a process wherever one can be had. */
export function isolateMode(config: Config): "process" | "thread" {
  if (config.isolates.mode !== "auto") return config.isolates.mode as "process" | "thread";
  return process.platform === "win32" ? "thread" : "process";
}

/** @throws StartError with a sentence for the operator. */
export async function startEngine({ config, version, log, onScript }: EngineOptions): Promise<Engine> {
  const mode = isolateMode(config);
  const scriptsDir = join(config.dir, "scripts");
  const lock = lockDataDir(join(config.dir, "data"));
  const undo: (() => void | Promise<void>)[] = [() => lock.release()];
  const unwind = async (): Promise<void> => {
    for (const step of undo.reverse()) await step();
  };
  try {
    const command = ownCommand();
    const spawner = await startSpawner({ command, jail: true });
    undo.push(() => spawner.dispose());
    const openVessel = mode === "thread" ? threadVessel : async (): Promise<Vessel> => processVessel(await spawner.spawn("isolate"));
    let ready = false;
    const root = compose({
      config,
      log,
      version,
      spawner,
      openVessel,
      onScript,
      engineRoutes: healthRoutes(() => ({
        ok: ready,
        checks: { isolates: mode, held: [...jail.held], lacking: jail.lacking.map(({ part }) => part), paused: [...isolates.paused] },
      })),
    });
    const isolates = root.resolve(ISOLATES);
    undo.push(() => isolates.dispose());
    undo.push(() => root.resolve(BUILDER).dispose());
    const registry = root.resolve(REGISTRY);
    undo.push(() => registry.close());
    const services = root.resolve(SERVICES);
    undo.push(async () => {
      for (const service of services.values()) await service.dispose?.();
    });
    prepareScripts(scriptsDir);
    const typings = writeTypings(scriptsDir, { services: [...services.values()].map(({ name, types }) => ({ name, types })), version });
    const checked = checkIsolation(mode, config.isolates.require, () => (mode === "thread" ? threadVessel(["--self-test"]) : spawner.spawn("isolate", ["--self-test"]).then(processVessel)));
    const [jail] = await Promise.all([checked, registry.start(START_PATIENCE_MS)]);
    isolates.warm();
    await typings.catch((error: unknown) => log.warn("types could not be written beside the scripts", { error: String(error) }));
    const server = startServer({
      host: config.server.host,
      port: config.server.port,
      maxHeaderBytes: config.server.maxHeaderBytes,
      requestTimeoutMs: config.server.requestTimeoutMs,
      trustedProxies: config.server.trustedProxies,
      ...(config.server.tls.cert && config.server.tls.key ? { tls: { cert: config.server.tls.cert, key: config.server.tls.key } } : {}),
      requestBytes: (route) => limitsFor(config, route.script).requestBytes,
      dev: config.dev,
      routes: () => registry.routes,
      dispatcher: isolates,
      onRequestLog: (record) => log.access({ ...record, script: record.script ?? undefined }),
      onFailure: (error, id) => log.error("request failed", { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    });
    lock.announce(server.url);
    registry.watch();
    ready = true;
    const stop = async (): Promise<void> => {
      ready = false;
      await server.stop(config.server.shutdownTimeoutMs);
      await unwind();
    };
    return { url: server.url, mode, jail, scripts: () => registry.status, stop };
  } catch (error) {
    await unwind();
    throw error;
  }
}

function prepareScripts(scriptsDir: string): void {
  try {
    mkdirSync(scriptsDir, { recursive: true });
  } catch (error) {
    throw new StartError(`The folder for scripts, ${scriptsDir}, cannot be made: ${error instanceof Error ? error.message : String(error)}.`, { cause: error });
  }
}

