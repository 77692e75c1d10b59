/** `aiwebengine serve`: config, the engine, its banner, and a clean end. */
import { configFiles, configStates, LiveConfig, readConfig, type Config } from "../config/index.ts";
import { startEngine, type Engine } from "../engine.ts";
import { renderBanner } from "./banner.ts";
import type { Call } from "./command.ts";
import { followConfig, type ConfigWatcher } from "./config-change.ts";
import { configInput } from "./config-input.ts";
import { closeConsole, openConsole, type Console } from "./console.ts";
import { settingsOf } from "../plugin/settings.ts";
import { tellPlugin } from "./plugin-event.ts";
import { tellEndpoints } from "./endpoint-event.ts";
import { tellScript } from "./script-event.ts";

/** Serves until the engine ends. */
export async function run({ flags, version, builtIns }: Call): Promise<number> {
  // A start runs once, and is not worth compiling.
  Bun.unsafe.setJITPolicy(10);
  const input = configInput(flags);
  const since = configStates(configFiles(input.dir, input.file));
  const loaded = readConfig(input);
  const config = new LiveConfig(loaded.config);
  const out = openConsole(config);
  const { log, scriptLogs } = out;
  const faults = watchForFaults(out);
  try {
    const signals = listenForSignals();
    const plugins = await builtIns();
    const following: { config?: ConfigWatcher; endpoints?: () => void } = {};
    const engine = await startEngine({
      config,
      pluginSettings: settingsOf(loaded, plugins),
      version,
      log,
      scriptLogs,
      redaction: out.secrets,
      builtIns: plugins,
      onScript(event) {
        tellScript(event, out);
        following.endpoints?.();
      },
      onPlugin(event) {
        tellPlugin(event, out);
        if (event.kind !== "changed") return;
        following.config?.retry();
        following.endpoints?.();
      },
    });
    const stopped = signals.first();
    Bun.unsafe.setJITPolicy(1);
    faults.serving(engine);
    greet(engine, config.current, version, out);
    following.endpoints = tellEndpoints(engine, log);
    following.config = followConfig(input, config, plugins, engine, out, since);
    await stopped;
    following.config.close();
    log.info("stopping", {});
    await engine.stop();
  } finally {
    await closeConsole(out);
  }
  // A handle that something left open must not keep a stopped engine alive.
  process.exit(0);
}

/**
 * A fault that nothing caught. While it starts the engine ends with it. Once it serves it goes on: the fault is of one
 * callback, mostly of one request's, and to end would take every script down for what a single one may have provoked.
 */
function watchForFaults({ log, sink }: Console): { serving(engine: Engine): void } {
  let serving: Engine | null = null;
  const report = (error: unknown): void => {
    if (serving !== null) {
      const place = serving.placeOf(error);
      const whose =
        place.plugin === undefined ? "the engine failed and goes on: please report this" : "a plugin failed";
      return log.error(whose, { error, ...place });
    }
    log.error("the engine failed, and ends: please report this", { error });
    log.flush();
    sink.flushSync();
    process.exit(1);
  };
  process.on("uncaughtException", report);
  process.on("unhandledRejection", report);
  return {
    serving(engine) {
      serving = engine;
    },
  };
}

function greet(engine: Engine, config: Config, version: string, { log, sink, format, paint }: Console): void {
  const { url, mode, jail } = engine;
  const scripts = engine.scripts();
  const plugins = engine.plugins();
  const endpoints = engine.endpoints();
  // Since the process began, not since this line.
  const startMs = performance.now();
  const building = engine.unbuilt();
  if (building > 0)
    void engine.built.then(() => log.info("all scripts are built", { ms: Math.round(performance.now()) }));
  if (format === "json") {
    const failed = scripts.filter(({ problem }) => problem !== undefined).length;
    log.info("listening", {
      url,
      version,
      mode,
      plugins: plugins.length,
      scripts: scripts.length,
      failed,
      ...(building > 0 && { building }),
      ms: Math.round(startMs),
    });
    return log.flush();
  }
  log.flush();
  sink.write(
    renderBanner(
      { version, url, dir: config.dir, mode, jail, plugins, scripts, endpoints, dev: config.dev, startMs },
      paint,
    ),
  );
}

/** The first signal to stop is waited for; the second one, or one before the engine serves, ends the process at once. */
function listenForSignals(): { first(): Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let serving = false;
  let signals = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (++signals > 1) process.exit(1);
      // The lock and the children go with the process.
      if (!serving) process.exit(0);
      resolve();
    });
  }
  return {
    first() {
      serving = true;
      return promise;
    },
  };
}
