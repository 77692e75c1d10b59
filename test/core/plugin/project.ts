/** A project folder with plugins in it, and a host that serves them: for tests. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { BuiltInPlugin, PluginLog } from "../../../sdk/plugin.ts";
import { PluginBundles } from "../../../core/plugin/bundle.ts";
import type { Scope } from "../../../core/plugin/context.ts";
import type { Generation } from "../../../core/plugin/generation.ts";
import { PluginHost, type PluginEvent, type PluginSettings } from "../../../core/plugin/host.ts";
import { Keeper } from "../../../core/plugin/keep.ts";
import { childCommand } from "../children.ts";

const MAIN = resolve(import.meta.dir, "../../../core/main.ts");

export interface Project {
  readonly dir: string;
  readonly host: PluginHost;
  readonly events: PluginEvent[];
  readonly adopted: Generation[];
  write(file: string, text: string): void;
  remove(file: string): void;
  /** The text of all problems told so far. */
  told(): string;
  /** What plugins logged: level, message, fields as JSON. */
  readonly lines: string[];
  close(): Promise<void>;
}

export interface ProjectOptions {
  readonly files?: { readonly [file: string]: string };
  readonly builtIns?: readonly BuiltInPlugin[];
  readonly settings?: PluginSettings;
  readonly adopt?: (next: Generation) => void;
  readonly setupMs?: number;
  readonly given?: { readonly [capability: string]: unknown };
  readonly onHookFailure?: (plugin: string, error: unknown) => Response;
}

export const ALL_ENABLED: PluginSettings = {
  enabled: () => true,
  optional: () => false,
  check: (known) => Object.fromEntries(known.map(({ name }) => [name, {}])),
};

function logInto(lines: string[]): PluginLog {
  const at =
    (level: string) =>
    (message: string, fields: object = {}) =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export function newScope(given: { readonly [capability: string]: unknown } = {}): Scope {
  const values = new Map(Object.entries(given));
  return {
    has: (name) => values.has(name),
    get: (name) => values.get(name),
    set: (name, value) => void values.set(name, value),
  };
}

export function openProject(options: ProjectOptions = {}): Project {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "plugins-")));
  const events: PluginEvent[] = [];
  const lines: string[] = [];
  const adopted: Generation[] = [];
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), text);
  };
  for (const [file, text] of Object.entries(options.files ?? {})) write(file, text);
  const { given = {} } = options;
  const host = new PluginHost({
    builtIns: options.builtIns ?? [],
    bundles: new PluginBundles(childCommand(MAIN), dir),
    engineVersion: "0.1.0",
    settings: options.settings ?? ALL_ENABLED,
    newScope: () => newScope(given),
    given: Object.keys(given),
    keeper: new Keeper(),
    paths: { project: dir, data: join(dir, "data") },
    logFor: () => logInto(lines),
    onHookFailure: options.onHookFailure ?? (() => new Response("failed", { status: 500 })),
    adopt(next) {
      options.adopt?.(next);
      adopted.push(next);
    },
    onEvent: (event) => events.push(event),
    drainMs: 1000,
    ...(options.setupMs === undefined ? {} : { setupMs: options.setupMs }),
  });
  return {
    dir,
    host,
    events,
    lines,
    adopted,
    write,
    remove: (file) => rmSync(join(dir, file), { recursive: true }),
    told: () =>
      events
        .flatMap((event) =>
          event.kind === "refused" ? event.problems : event.kind === "warning" ? [event.problem] : [],
        )
        .map(({ message }) => message)
        .join("\n"),
    async close() {
      await host.dispose();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
