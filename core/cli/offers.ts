/** What scripts find in this engine besides the language: what its plugins give them, and the routes that are taken. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandSpec, PointSpec } from "../../sdk/plugin.ts";
import { readConfig, type Config, type LoadedConfig } from "../config/index.ts";
import type { RouteEntry } from "../http/router.ts";
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
  /** `owner`: the plugin that registered it. */
  readonly routes: readonly Pick<RouteEntry<unknown>, "method" | "path" | "owner" | "ofPlugin">[];
  /** Kinds of registrations, with the checks of the plugins that own them. */
  readonly points: readonly { readonly name: string; readonly spec: PointSpec }[];
  /** `plugin`: the one that brings it. */
  readonly commands: readonly { readonly plugin: string; readonly spec: CommandSpec }[];
  /** Plugins that could not be set up, and so give nothing. */
  readonly problems: readonly PluginProblem[];
}

type Engine = Pick<Call, "builtIns" | "version">;

/** What `work` answers, with the config that a call asks for and what the plugins of its project give. */
export async function withOffers<T>(
  call: Engine & Pick<Call, "flags">,
  work: (config: Config, offers: Offers) => Promise<T>,
): Promise<T> {
  const loaded = readConfig(configInput(call.flags));
  return withOffersOf(loaded, call, (offers) => work(loaded.config, offers));
}

/** The same where only data is asked for, and nothing of a plugin is called. */
export function readOffers(
  call: Engine & Pick<Call, "flags">,
): Promise<{ readonly config: Config; readonly offers: Omit<Offers, "points"> }> {
  return withOffers(call, (config, offers) => Promise.resolve({ config, offers }));
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Sets the plugins up, and ends them after `work`: what they give is known no sooner. Their data folder is a temporary
 * one, since an engine may serve with the real one.
 */
export async function withOffersOf<T>(
  loaded: LoadedConfig,
  { builtIns: load, version: engineVersion }: Engine,
  work: (offers: Offers) => Promise<T>,
): Promise<T> {
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
      const routes = seat.routes.map(({ method, path, owner, ofPlugin }) => ({ method, path, owner, ofPlugin }));
      const { points, commands } = host.current.contributions;
      const { offer, types } = seat;
      return await work({ offer, types, routes, points: [...points.values()], commands, problems });
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
