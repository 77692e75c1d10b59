/** An engine that serves, on a console: what it says when it does, what it tells of changes, and the config that it follows. */
import type { BuiltInPlugin } from "../../sdk/plugin.ts";
import type { Config, ConfigInput, LiveConfig, LoadedConfig } from "../config/index.ts";
import { startEngine, type Engine } from "../engine.ts";
import { settingsOf } from "../plugin/settings.ts";
import { renderBanner } from "./banner.ts";
import { followConfig, type ConfigWatcher } from "./config-change.ts";
import type { Console } from "./console.ts";
import { tellEndpoints } from "./endpoint-event.ts";
import { tellPlugin } from "./plugin-event.ts";
import { tellScript } from "./script-event.ts";

export interface ServingOptions {
  readonly input: ConfigInput;
  /** What the config files were before they were read. */
  readonly since: readonly string[];
  readonly loaded: LoadedConfig;
  readonly config: LiveConfig;
  readonly out: Console;
  readonly builtIns: readonly BuiltInPlugin[];
  readonly version: string;
}

export interface Serving {
  readonly engine: Engine;
  /**
   * Prints the banner, or its line of JSON, and takes over what changes from now on.
   *
   * @param startMs how long the start took
   */
  follow(startMs: number): void;
  stop(): Promise<void>;
}

export async function startServing(options: ServingOptions): Promise<Serving> {
  const { input, since, loaded, config, out, builtIns, version } = options;
  const following: { config?: ConfigWatcher; endpoints?: () => void } = {};
  const engine = await startEngine({
    config,
    pluginSettings: settingsOf(loaded, builtIns),
    version,
    log: out.log,
    scriptLogs: out.scriptLogs,
    redaction: out.secrets,
    builtIns,
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
  return {
    engine,
    follow(startMs) {
      greet(engine, config.current, version, startMs, out);
      following.endpoints = tellEndpoints(engine, out.log);
      following.config = followConfig(input, config, builtIns, engine, out, since);
    },
    async stop() {
      following.config?.close();
      await engine.stop();
    },
  };
}

function greet(
  engine: Engine,
  config: Config,
  version: string,
  startMs: number,
  { log, sink, format, paint }: Console,
): void {
  const { url, mode, jail } = engine;
  const scripts = engine.scripts();
  const plugins = engine.plugins();
  const endpoints = engine.endpoints();
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
