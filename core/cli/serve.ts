/** `aiwebengine serve`: config, the engine, its banner, and a clean end. */
import { configFiles, configStates, LiveConfig, readConfig } from "../config/index.ts";
import type { Engine } from "../engine.ts";
import type { Call } from "./command.ts";
import { configInput } from "./config-input.ts";
import { closeConsole, openConsole, type Console } from "./console.ts";
import { startServing } from "./serving.ts";

/** Serves until the engine ends. */
export async function run({ flags, version, builtIns }: Call): Promise<number> {
  // A start runs once, and is not worth compiling.
  Bun.unsafe.setJITPolicy(10);
  const input = configInput(flags);
  const since = configStates(configFiles(input.dir, input.file));
  const loaded = readConfig(input);
  const config = new LiveConfig(loaded.config);
  const out = openConsole(config);
  const { log } = out;
  const faults = watchForFaults(out);
  try {
    const signals = listenForSignals();
    const plugins = await builtIns();
    const serving = await startServing({ input, since, loaded, config, out, builtIns: plugins, version });
    const stopped = signals.first();
    Bun.unsafe.setJITPolicy(1);
    faults.serving(serving.engine);
    // Since the process began, not since this line.
    serving.follow(performance.now());
    await stopped;
    log.info("stopping", {});
    await serving.stop();
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
