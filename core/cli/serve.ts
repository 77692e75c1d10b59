/** `aiwebengine serve`: config, the engine, its banner, and a clean end. */
import { loadConfig, type Config } from "../config/index.ts";
import { startEngine } from "../engine.ts";
import { createLog, type Log } from "../log.ts";
import { createSink, type Sink } from "../log/sink.ts";
import type { ScriptEvent } from "../script/registry.ts";
import { renderBanner } from "./banner.ts";
import type { ServeOptions } from "./index.ts";
import { COLOURED, PLAIN, wantsColours, type Paint } from "./paint.ts";
import { renderBuildProblem } from "./script-error.ts";

export async function serve(options: ServeOptions, version: string): Promise<number> {
  const began = performance.now();
  const { dir, config: file, set, host, port, dev } = options;
  const config = loadConfig({ dir, file, set, flags: { host, port, dev } });
  const format = formatOf(config);
  const paint = wantsColours(process.stdout, process.env) ? COLOURED : PLAIN;
  const sink = createSink({
    fd: 1,
    notice: (lines) => (format === "json" ? `${JSON.stringify({ level: "warn", message: "log lines dropped", lines })}\n` : `${lines} log lines were dropped: the reader is too slow\n`),
  });
  const log = createLog({ level: config.log.level, format, colours: paint === COLOURED, write: (text) => sink.write(text), now: Date.now });
  const ended = Promise.withResolvers<void>();
  const engine = await startEngine({ config, version, log, onScript: (event) => tell(event, log, sink, format, paint) });
  const { url, scripts, mode, jail } = engine;
  const banner = { version, url, dir: config.dir, mode, jail, scripts: scripts(), dev: config.dev, startMs: performance.now() - began };
  if (format === "json") log.info("listening", { url, version, mode, scripts: banner.scripts.length, ms: Math.round(banner.startMs) });
  else sink.write(renderBanner(banner, paint));
  log.flush();
  // The second signal does not wait.
  let signals = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (++signals === 1) ended.resolve();
      else process.exit(1);
    });
  }
  await ended.promise;
  log.info("stopping", {});
  await engine.stop();
  log.flush();
  await sink.drain(1000);
  // A handle that something left open must not keep a stopped engine alive.
  process.exit(0);
}

function formatOf(config: Config): "json" | "pretty" {
  const { format } = config.log;
  if (format !== "auto") return format;
  return config.dev || process.stdout.isTTY === true ? "pretty" : "json";
}

/** What happened to a script: one log line, and for its author the lines around the fault. */
function tell(event: ScriptEvent, log: Log, sink: Sink, format: "json" | "pretty", paint: Paint): void {
  switch (event.kind) {
    case "loaded":
    case "reloaded":
      return log.info(`script ${event.kind}`, { script: event.script, routes: event.routes, ms: Math.round(event.ms) });
    case "removed":
      return log.info("script removed", { script: event.script });
    case "warning":
    case "failed": {
      const failed = event.kind === "failed";
      for (const problem of event.problems) {
        const { code, message, file, line, column, hint } = problem;
        const serving = failed ? { serving: event.serving ? "the last good version" : "nothing" } : {};
        const fields = { script: event.script, code, problem: message, file, line, column, hint, ...serving };
        if (format === "json") log.at(failed ? "error" : "warn", failed ? "script failed" : "script warning", { ...fields, frame: problem.frame });
        else {
          log.at(failed ? "error" : "warn", failed ? "script failed" : "script warning", { script: event.script, ...serving });
          log.flush();
          sink.write(renderBuildProblem(problem, paint));
        }
      }
    }
  }
}
