/** Config files of a running engine: a change is taken over without a restart, or refused whole and said so. */
import type { BuiltInPlugin } from "../../sdk/plugin.ts";
import { configFiles, ConfigError, readConfig, restartNeeded, watchConfig } from "../config/index.ts";
import type { ConfigInput, LiveConfig } from "../config/index.ts";
import type { Engine } from "../engine.ts";
import type { Fields } from "../log/json.ts";
import { settingsOf } from "../plugin/settings.ts";
import type { Console } from "./console.ts";

export interface ConfigWatcher {
  /** Other plugins are there: what was refused for lack of one may be right now. */
  retry(): void;
  close(): void;
}

/** One change after the other. `since` is what the files were before the config was read. */
export function followConfig(
  input: ConfigInput,
  live: LiveConfig,
  builtIns: readonly BuiltInPlugin[],
  engine: Pick<Engine, "reconfigure">,
  { log }: Pick<Console, "log">,
  since: readonly string[],
): ConfigWatcher {
  let work: Promise<void> = Promise.resolve();
  /** The file says something else than what holds. */
  let refused = false;
  const refuse = (fields: Fields): void => {
    refused = true;
    log.error("config refused", fields);
  };
  const take = async (): Promise<void> => {
    refused = false;
    try {
      const loaded = readConfig(input);
      const fixed = restartNeeded(live.current, loaded.config);
      if (fixed.length > 0) {
        const reason = `${fixed.join(", ")} can only change with a restart`;
        return refuse({ reason, hint: "Restart the engine, or change the others alone." });
      }
      if (await engine.reconfigure(loaded.config, settingsOf(loaded, builtIns))) log.info("config changed", {});
      else refuse({ reason: "the plugins cannot be set up with it", hint: "The lines above say why." });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      refuse({ reason: error.message });
    }
  };
  const next = (): void => {
    work = work.then(take).catch((error: unknown) => log.error("config could not be taken over", { error }));
  };
  const onLost = (error: Error): void =>
    log.warn("changes of the config may go unnoticed until the next start", { error });
  const watcher = watchConfig(configFiles(input.dir, input.file), next, onLost, since);
  return {
    retry() {
      if (refused) next();
    },
    close: () => watcher.close(),
  };
}
