/** Standard output, as a log and as text for a person, and what is kept of it for each script. */
import { join } from "node:path";
import type { LiveConfig } from "../config/index.ts";
import { createLog, droppedNotice, resolveFormat, type Log } from "../log.ts";
import { createScriptLogs, type ScriptLogs } from "../log/script-logs.ts";
import { createSecrets, type Secrets } from "../log/secrets.ts";
import { createSink, type Sink } from "../log/sink.ts";
import { COLOURED, PLAIN, wantsColours, type Paint } from "./paint.ts";
import { isTerminal } from "./terminal.ts";

export interface Console {
  readonly scriptLogs: ScriptLogs;
  readonly log: Log;
  readonly secrets: Secrets;
  readonly sink: Sink;
  readonly format: "json" | "pretty";
  readonly paint: Paint;
}

/** How long a reader of the log may take for the last lines. */
const LAST_LINES_MS = 1000;

export function openConsole(config: LiveConfig): Console {
  const { log: settings, dev } = config.current;
  const format = resolveFormat(settings.format, isTerminal(1), dev);
  const paint = wantsColours(isTerminal(1), process.env) ? COLOURED : PLAIN;
  const sink = createSink({ fd: 1, notice: droppedNotice({ format, now: Date.now }) });
  return consoleOver(sink, config, format, paint);
}

export function consoleOver(sink: Sink, config: LiveConfig, format: Console["format"], paint: Paint): Console {
  const scriptLogs = createScriptLogs({
    dataDir: join(config.current.dir, "data"),
    limits: () => config.current.log,
    onTrouble: (folder, error) =>
      log.warn("log lines of scripts are lost: their files cannot be written, or not fast enough", { folder, error }),
    onRecovered: (lines) => log.info("the logs of scripts are written again", { lost: lines }),
  });
  const secrets = createSecrets();
  const log: Log = createLog({
    get level() {
      return config.current.log.level;
    },
    format,
    colours: paint === COLOURED,
    write: (text) => sink.write(text),
    now: Date.now,
    secrets,
    scripts: scriptLogs,
  });
  return { log, secrets, sink, scriptLogs, format, paint };
}

/** Writes what was collected; whoever reads too slowly is not waited for. */
export async function closeConsole({ log, sink, scriptLogs }: Console): Promise<void> {
  log.flush();
  const late = Promise.withResolvers<void>();
  // Cleared, not only passed over: an engine that refused to start ends when nothing is left to wait for.
  const timer = setTimeout(late.resolve, LAST_LINES_MS);
  await Promise.all([sink.drain(LAST_LINES_MS), Promise.race([scriptLogs.flush(), late.promise])]);
  clearTimeout(timer);
}
