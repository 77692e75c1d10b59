/** From a file or a record of the binary to a plugin that can be set up: the same way for both. */
import type { AnyPlugin, BuiltInPlugin } from "../../sdk/plugin.ts";
import { makeLookup } from "../isolate/realm/sourcemap.ts";
import type { JsonSchema } from "../script/types.ts";
import type { PluginBundle, PluginBundles } from "./bundle.ts";
import type { DroppedPlugin } from "./discover.ts";
import { describeError, evaluate, Timers } from "./evaluate.ts";
import type { LoadedPlugin } from "./generation.ts";
import { readManifest } from "./manifest.ts";
import { PluginFailure, type PluginProblem } from "./problem.ts";

/** Everything but what config says of it. */
export interface Candidate extends Omit<LoadedPlugin, "options" | "optional"> {
  readonly schema: JsonSchema;
  /** Changes with the plugin. */
  readonly stamp: string;
}

const NO_KEYS: JsonSchema = { type: "object", properties: {} };

/** @throws PluginFailure */
export async function loadBuiltIn(record: BuiltInPlugin, engineVersion: string): Promise<Candidate> {
  const describe = (error: unknown, what: string): PluginProblem => describeError(error, record.name, what, null);
  return guard(describe, async () => {
    const plugin = (await record.load()).default;
    const manifest = readManifest(plugin, record, engineVersion);
    return {
      ...manifest,
      origin: "built-in",
      setup: plugin.setup,
      schema: record.schema,
      stamp: manifest.version,
      describe,
    };
  });
}

/** Bundles, evaluates and reads a dropped plugin. @throws PluginFailure */
export async function loadDropped(
  dropped: DroppedPlugin,
  bundles: PluginBundles,
  project: { readonly dir: string; readonly engineVersion: string },
): Promise<Candidate> {
  const bundle = await bundles.bundle(dropped);
  const filename = `${bundle.folder}/${dropped.name}.bundle.js`;
  const timers = new Timers();
  // Read once: a hook may fail a thousand times a second.
  const source = { bundle, filename, projectDir: project.dir, lookup: makeLookup(bundle.map) };
  const describe = (error: unknown, what: string): PluginProblem => ({
    file: dropped.origin,
    ...describeError(error, dropped.name, what, source),
  });
  return guard(describe, async () => {
    try {
      const plugin = evaluateDefault(bundle, filename, timers);
      const manifest = readManifest(plugin, dropped, project.engineVersion);
      const { config, name } = manifest;
      const schema = config === undefined ? NO_KEYS : await bundles.schema(config, name, dropped.origin);
      const { origin } = dropped;
      const { stamp } = bundle;
      return { ...manifest, origin, setup: plugin.setup, schema, stamp, describe, end: () => leftovers(timers) };
    } catch (error) {
      timers.end();
      throw error;
    }
  });
}

function evaluateDefault(bundle: PluginBundle, filename: string, timers: Timers): AnyPlugin {
  return evaluate(bundle, filename, timers).default as AnyPlugin;
}

function leftovers(timers: Timers): string | null {
  const intervals = timers.end();
  if (intervals === 0) return null;
  return `${intervals === 1 ? "an interval" : `${intervals} intervals`} running, which the engine ended; end them in defer()`;
}

async function guard(
  describe: (error: unknown, what: string) => PluginProblem,
  load: () => Promise<Candidate>,
): Promise<Candidate> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof PluginFailure) throw error;
    throw new PluginFailure([describe(error, "could not be loaded")]);
  }
}
