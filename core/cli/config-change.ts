/** Config files of a running engine: a change is taken over without a restart, or refused whole and said so. */
import type { BuiltInPlugin } from "../../sdk/plugin.ts";
import { configFiles, ConfigError, readConfig, restartNeeded, watchConfig } from "../config/index.ts";
import type { ConfigInput, LiveConfig } from "../config/index.ts";
import type { Engine } from "../engine.ts";
import { settingsOf } from "../plugin/settings.ts";
import type { Console } from "./serve.ts";

/** One change after the other. */
export function followConfig(
  input: ConfigInput,
  live: LiveConfig,
  builtIns: readonly BuiltInPlugin[],
  engine: Pick<Engine, "reconfigure">,
  { log }: Pick<Console, "log">,
): { close(): void } {
  let work: Promise<void> = Promise.resolve();
  const take = async (): Promise<void> => {
    try {
      const loaded = readConfig(input);
      const fixed = restartNeeded(live.current, loaded.config);
      if (fixed.length > 0) {
        const reason = `${fixed.join(", ")} can only change with a restart`;
        return log.error("config refused", { reason, hint: "Restart the engine, or change the others alone." });
      }
      if (await engine.reconfigure(loaded.config, settingsOf(loaded, builtIns))) log.info("config changed", {});
      else
        log.error("config refused", {
          reason: "the plugins cannot be set up with it",
          hint: "The lines above say why.",
        });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      log.error("config refused", { reason: error.message });
    }
  };
  const files = input.file === undefined ? configFiles(live.current.dir) : [input.file];
  return watchConfig(
    files,
    () => {
      work = work.then(take).catch((error: unknown) => log.error("config could not be taken over", { error }));
    },
    (error) => log.warn("changes of the config may go unnoticed until the next start", { error }),
  );
}
