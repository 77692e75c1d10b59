/** What scripts find in this engine besides the language: what its plugins give them, and the routes that are taken. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig, type Config, type LoadedConfig } from "../config/index.ts";
import { problemsOf, type PluginHost, type PluginSettings } from "../plugin/host.ts";
import { startOffline } from "../plugin/offline.ts";
import type { PluginProblem } from "../plugin/problem.ts";
import { PluginSeat } from "../plugin/seat.ts";
import { settingsOf } from "../plugin/settings.ts";
import type { Offer } from "../script/types.ts";
import type { TypingsOptions } from "../script/typings.ts";
import type { Call } from "./command.ts";
import { configInput } from "./config-input.ts";

export interface Offers {
  readonly offer: Offer;
  readonly types: Omit<TypingsOptions, "version">;
  /** `owner`: who registered it. */
  readonly routes: readonly { readonly method: string; readonly path: string; readonly owner: string }[];
  /** Plugins that could not be set up, and so give nothing. */
  readonly problems: readonly PluginProblem[];
}

/** The config that a call asks for, and what the plugins of its project give. */
export async function readOffers(
  call: Pick<Call, "flags" | "builtIns" | "version">,
): Promise<{ config: Config; offers: Offers }> {
  const loaded = readConfig(configInput(call.flags));
  return { config: loaded.config, offers: await offersOf(loaded, call) };
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Sets the plugins up, looks, and ends them: what they give is known no sooner. Their data folder is a temporary one, since
 * an engine may serve with the real one.
 */
export async function offersOf(
  loaded: LoadedConfig,
  { builtIns: load, version: engineVersion }: Pick<Call, "builtIns" | "version">,
): Promise<Offers> {
  const builtIns = await load();
  const data = mkdtempSync(join(tmpdir(), "aiwebengine-check-"));
  const problems: PluginProblem[] = [];
  const start = (settings: PluginSettings): Promise<PluginHost> =>
    startOffline(
      { dir: loaded.config.dir, builtIns, settings, engineVersion },
      data,
      SILENT,
      (one) => void problems.push(one),
    );
  try {
    const host = await startWithout(settingsOf(loaded, builtIns), start, problems);
    try {
      const seat = new PluginSeat();
      seat.take(host.current, () => {});
      const routes = seat.routes.map(({ method, path, owner }) => ({ method, path, owner }));
      return { offer: seat.offer, types: seat.types, routes, problems };
    } finally {
      await host.dispose();
    }
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** A plugin that fails is told, and the rest is set up without it: one fault must not hide all others. */
async function startWithout(
  settings: PluginSettings,
  start: (settings: PluginSettings) => Promise<PluginHost>,
  problems: PluginProblem[],
): Promise<PluginHost> {
  try {
    return await start(settings);
  } catch (error) {
    const told = problemsOf(error);
    problems.push(...told);
    const broken = new Set(told.map(({ plugin }) => plugin));
    return start({ ...settings, enabled: (name) => settings.enabled(name) && !broken.has(name) });
  }
}
