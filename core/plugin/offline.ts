/** Plugins without an engine: what a project has, and the commands that they bring. */
import { join } from "node:path";
import type {
  BuiltInPlugin,
  CommandSpec,
  EndpointInfo,
  EngineCapability,
  PluginLog,
  RouteInfo,
  ScriptInfo,
} from "../../sdk/plugin.ts";
import { ownCommand } from "../isolate/jail/probe.ts";
import { logsOf } from "../log/follow.ts";
import { PluginBundles } from "./bundle.ts";
import { discoverPlugins } from "./discover.ts";
import { PluginHost, type PluginSettings } from "./host.ts";
import { Keeper } from "./keep.ts";
import { OrderProblem, orderPlugins, type Ordered } from "./order.ts";
import { loadBuiltIn, loadDropped, type Candidate } from "./load.ts";
import { PluginFailure, type PluginProblem } from "./problem.ts";

/** Capabilities of an engine. */
const GIVEN = ["engine", "redaction", "request-log", "logs"];

export interface OfflineProject {
  /** Absolute. */
  readonly dir: string;
  readonly builtIns: readonly BuiltInPlugin[];
  readonly settings: PluginSettings;
  readonly engineVersion: string;
}

/** One plugin of a project, as `aiwebengine plugins` shows it. */
export interface PluginListing {
  readonly name: string;
  /** Null where the plugin was not read: it is disabled, or broken. */
  readonly version: string | null;
  /** `built-in`, or the file relative to the project folder. */
  readonly origin: string;
  readonly enabled: boolean;
  readonly requires: readonly string[];
  readonly provides: readonly string[];
  readonly problems: readonly PluginProblem[];
}

/** Every plugin that there is, by name; sets none up. */
export async function listPlugins(project: OfflineProject): Promise<readonly PluginListing[]> {
  const { dir, builtIns, settings, engineVersion } = project;
  const bundles = new PluginBundles(ownCommand(), dir);
  const dropped = await discoverPlugins(dir);
  const replaced = new Set(dropped.map(({ name }) => name));
  const sources = [
    ...builtIns
      .filter(({ name }) => !replaced.has(name))
      .map((record) => ({ name: record.name, origin: "built-in", load: () => loadBuiltIn(record, engineVersion) })),
    ...dropped.map((one) => ({ ...one, load: () => loadDropped(one, bundles, { dir, engineVersion }) })),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
  const read = await Promise.all(sources.map((source) => list(source, settings.enabled(source.name))));
  const problem = orderProblem(read.flatMap(({ ordered }) => ordered ?? []));
  return read.map(({ listing }) =>
    listing.name === problem?.plugin ? { ...listing, problems: [...listing.problems, problem] } : listing,
  );
}

/** What would keep those that can be loaded from being set up: a need that nobody meets, two of one capability, a circle. */
function orderProblem(plugins: readonly Ordered[]): PluginProblem | null {
  try {
    orderPlugins(plugins, GIVEN);
    return null;
  } catch (error) {
    if (!(error instanceof OrderProblem)) throw error;
    return { plugin: error.plugin, message: error.message };
  }
}

async function list(
  { name, origin, load }: { readonly name: string; readonly origin: string; load(): Promise<Candidate> },
  enabled: boolean,
): Promise<{ readonly listing: PluginListing; readonly ordered?: Ordered }> {
  const unread = { name, version: null, origin, enabled, requires: [], provides: [], problems: [] };
  if (!enabled) return { listing: unread };
  try {
    const plugin = await load();
    plugin.end?.();
    const { version, requires, provides } = plugin;
    return { listing: { ...unread, version, requires, provides: [name, ...provides] }, ordered: plugin };
  } catch (error) {
    if (!(error instanceof PluginFailure)) throw error;
    return { listing: { ...unread, problems: error.problems } };
  }
}

/**
 * Sets a project's plugins up without an engine. Whoever called disposes.
 *
 * @param data the folder that plugins take for the engine's
 * @throws PluginFailure, OrderProblem
 */
export async function startOffline(
  project: OfflineProject,
  data: string,
  log: PluginLog,
  onProblem: (problem: PluginProblem) => void,
  engine: EngineCapability = absentEngine(project.engineVersion, () => NO_SCRIPTS),
): Promise<PluginHost> {
  const { dir, builtIns, settings, engineVersion } = project;
  const host = new PluginHost({
    builtIns,
    bundles: new PluginBundles(ownCommand(), dir),
    engineVersion,
    settings,
    newScope() {
      const values = new Map<string, unknown>([
        ["engine", engine],
        ["redaction", { add: () => () => {} }],
        ["request-log", { write() {} }],
        ["logs", logsOf(data)],
      ]);
      return {
        has: (name) => values.has(name),
        get: (name) => values.get(name),
        set: (name, value) => void values.set(name, value),
      };
    },
    given: GIVEN,
    keeper: new Keeper(),
    paths: { project: dir, data },
    logFor: () => log,
    onHookFailure: () => new Response(null, { status: 500 }),
    adopt() {},
    onEvent: (event) => {
      if (event.kind === "warning") onProblem(event.problem);
    },
    drainMs: 0,
  });
  await host.start();
  return host;
}

/** What the scripts of a project would have an engine serve. */
export interface OfflineScripts {
  readonly scripts: readonly ScriptInfo[];
  /** Of plugins, too. */
  readonly routes: readonly RouteInfo[];
  readonly endpoints: readonly EndpointInfo[];
}

const NO_SCRIPTS: OfflineScripts = { scripts: [], routes: [], endpoints: [] };

/**
 * The commands that plugins bring. Running one ends what its plugins hold.
 *
 * @param build called for a command that wants the scripts; gives the points their registrations
 * @throws PluginFailure, OrderProblem
 */
export async function pluginCommands(
  project: OfflineProject,
  log: PluginLog,
  onProblem: (problem: PluginProblem) => void,
  build: (host: PluginHost) => Promise<OfflineScripts>,
): Promise<readonly CommandSpec[]> {
  let built = NO_SCRIPTS;
  const engine = absentEngine(project.engineVersion, () => built);
  const host = await startOffline(project, join(project.dir, "data"), log, onProblem, engine);
  const { commands } = host.current.contributions;
  if (commands.length === 0) await host.dispose();
  return commands.map(({ spec }) => ({
    ...spec,
    async run(args) {
      try {
        if (spec.scripts === true) built = await build(host);
        return await spec.run(args);
      } finally {
        await host.dispose();
      }
    },
  }));
}

/** What a plugin sees of the engine while none runs. */
function absentEngine(version: string, built: () => OfflineScripts): EngineCapability {
  return {
    version,
    dev: false,
    mode: "process",
    ready: false,
    jail: { held: [], lacking: [] },
    paused: [],
    scripts: () => built().scripts,
    plugins: () => [],
    routes: () => built().routes,
    endpoints: () => built().endpoints,
    checks: () => Promise.resolve({}),
    onChange: () => () => {},
  };
}
