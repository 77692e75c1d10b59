/** Every config key as data: its type, default and meaning. The loader, the docs and the type `Config` are made of it. */
import { LIMIT_NAMES, LIMITS, type LimitName, type Limits } from "./limits.ts";
import { isAddress, isHost } from "./host.ts";
import type { IntegerKey, TableKey, ValueOf } from "./key.ts";
import { JAIL_PARTS } from "../isolate/jail/parts.ts";

const DAY = 86_400_000;

function ms(value: number, meaning: string): IntegerKey & { readonly default: number } {
  return { type: "integer", default: value, min: 1, max: DAY, meaning };
}

const limitKeys = (make: (name: LimitName) => IntegerKey): TableKey => ({
  type: "table",
  keys: Object.fromEntries(LIMIT_NAMES.map((name) => [name, make(name)])),
});

/** Above it a number of bytes or milliseconds is a slip of the pen. */
const CEILING = 2 ** 40;

const limitKey =
  (value: (name: LimitName) => number | undefined, max: (name: LimitName) => number) =>
  (name: LimitName): IntegerKey => {
    const { min, meaning } = LIMITS[name];
    return { type: "integer", default: value(name), min, max: max(name), meaning };
  };

// The maxima are compared in `load.ts`, where both values are known and the error can name both.
const scriptLimits = limitKeys(
  limitKey(
    () => undefined,
    () => CEILING,
  ),
);
const engineLimits = limitKeys(
  limitKey(
    (name) => LIMITS[name].default,
    () => CEILING,
  ),
);
const maxLimits = limitKeys(
  limitKey(
    (name) => LIMITS[name].max,
    () => CEILING,
  ),
);

const isMount = (value: string): string | undefined =>
  /^\/[^\s?#*:]*$/.test(value) ? undefined : 'a path that starts with "/", without wildcards or parameters';
const isPart = (value: string): string | undefined =>
  JAIL_PARTS.some((part) => part === value) ? undefined : `one of ${JAIL_PARTS.join(", ")}`;
const isNotEmpty = (value: string): string | undefined => (value === "" ? "a text that is not empty" : undefined);

export const SCRIPT_KEYS = {
  type: "table",
  keys: {
    enabled: { type: "boolean", default: true, meaning: "`false` leaves the script out." },
    limits: scriptLimits,
    isolation: {
      type: "choice",
      default: "shared",
      choices: ["shared", "invocation"],
      meaning: "`invocation` gives every call a fresh realm: slower, and nothing is left behind for the next caller.",
    },
    mount: {
      type: "string",
      default: undefined,
      test: isMount,
      meaning: "Where `export default { fetch }` is mounted; else `/<script>`.",
    },
    hosts: {
      type: "strings",
      test: isHost,
      meaning: "When not empty: the only hosts that the script may reach with `fetch`.",
    },
    config: { type: "data", meaning: "The script's own settings: `config` in a handler, `env` in the fetch form." },
  },
} as const satisfies TableKey;

/** What the engine itself wants to know of a plugin; its other keys are checked by `plugins.ts`. */
export const PLUGIN_KEYS = {
  type: "table",
  open: true,
  keys: {
    enabled: { type: "boolean", default: true, meaning: "`false` leaves the plugin out." },
    optional: {
      type: "boolean",
      default: false,
      meaning: "`true`: when the plugin cannot start, it is left out and reported; else nothing changes.",
    },
  },
} as const satisfies TableKey;

export const SCHEMA = {
  type: "table",
  keys: {
    server: {
      type: "table",
      keys: {
        host: {
          type: "string",
          default: "127.0.0.1",
          test: isNotEmpty,
          restart: true,
          meaning: "The address to listen on; `0.0.0.0` is every one.",
        },
        port: {
          type: "integer",
          default: 8080,
          min: 0,
          max: 65535,
          restart: true,
          meaning: "The port to listen on; 0 takes a free one.",
        },
        trustedProxies: {
          type: "strings",
          test: isAddress,
          meaning: "Proxies whose `x-forwarded-for`, `x-forwarded-proto` and `x-request-id` are believed.",
        },
        maxHeaderBytes: {
          type: "integer",
          default: 16_384,
          min: 1024,
          max: 1_048_576,
          restart: true,
          meaning: "Request line and headers together. Past it: 431.",
        },
        requestTimeoutMs: ms(30_000, "How long a client may take to send a whole request. Past it: 408."),
        shutdownTimeoutMs: ms(10_000, "How long invocations under way may go on after SIGTERM."),
        sockets: {
          type: "table",
          keys: {
            maxMessageBytes: {
              type: "integer",
              default: 1_048_576,
              min: 125,
              max: 268_435_456,
              restart: true,
              meaning: "The most that a WebSocket message may take. Past it: closed with 1009.",
            },
            maxQueueBytes: {
              type: "integer",
              default: 1_048_576,
              min: 1024,
              max: 268_435_456,
              restart: true,
              meaning: "What may wait for a WebSocket client that reads slowly. More is dropped.",
            },
            idleSeconds: {
              type: "integer",
              default: 60,
              min: 8,
              max: 960,
              restart: true,
              meaning: "A WebSocket client that answers no ping for so long is gone.",
            },
          },
        },
        tls: {
          type: "table",
          keys: {
            cert: {
              type: "string",
              default: undefined,
              test: isNotEmpty,
              restart: true,
              meaning: "File with the certificate chain (PEM), relative to the project folder.",
            },
            key: {
              type: "string",
              default: undefined,
              test: isNotEmpty,
              restart: true,
              meaning: "File with the private key (PEM), relative to the project folder.",
            },
          },
        },
      },
    },
    isolates: {
      type: "table",
      keys: {
        mode: {
          type: "choice",
          default: "auto",
          restart: true,
          choices: ["auto", "process", "thread"],
          meaning:
            "`auto` is a process, jailed as far as the machine can. `thread` holds much less: for trusted scripts only.",
        },
        max: {
          type: "integer",
          default: 64,
          min: 1,
          max: 4096,
          meaning: "Isolates alive at the same time; the least recently used goes first.",
        },
        perScript: {
          type: "integer",
          default: 4,
          min: 1,
          max: 256,
          meaning: "Isolates of one script, grown while its calls queue.",
        },
        spare: {
          type: "integer",
          default: 1,
          min: 0,
          max: 64,
          meaning: "Warm isolates kept ready, so that a first call does not wait for a start.",
        },
        idleMs: ms(60_000, "How long an isolate without calls is kept."),
        require: {
          type: "strings",
          restart: true,
          test: isPart,
          meaning:
            'Parts of the jail without which the engine refuses to start, for example `["seccomp", "landlock"]`; `doctor` lists them.',
        },
      },
    },
    limits: { type: "table", keys: { ...engineLimits.keys, max: maxLimits } },
    scripts: {
      type: "map",
      name: /^[a-z0-9][a-z0-9-]*$/,
      expected: "a script's name: lower-case letters, digits and hyphens",
      value: SCRIPT_KEYS,
    },
    plugins: {
      type: "map",
      name: /^[a-z][a-z0-9-]*$/,
      expected: "a plugin's name: lower-case letters, digits and hyphens",
      value: PLUGIN_KEYS,
    },
    log: {
      type: "table",
      keys: {
        level: {
          type: "choice",
          default: "info",
          choices: ["debug", "info", "warn", "error"],
          meaning: "The least level that is written.",
        },
        format: {
          type: "choice",
          default: "auto",
          choices: ["auto", "json", "pretty"],
          restart: true,
          meaning: "`auto` is `pretty` on a terminal and with `--dev`, else `json`.",
        },
        scriptBytes: {
          type: "integer",
          default: 8_388_608,
          min: 1_048_576,
          max: CEILING,
          meaning: "Bytes that are kept of each script's log, in `data/`; the oldest lines go first.",
        },
        requestBytes: {
          type: "integer",
          default: 4_194_304,
          min: 0,
          max: CEILING,
          meaning: "The same for the lines of its requests, which have files of their own; 0 keeps none.",
        },
      },
    },
    fetch: {
      type: "table",
      keys: {
        allowPrivate: {
          type: "boolean",
          default: false,
          meaning: "Lets every script reach private, loopback and link-local addresses; metadata services stay closed.",
        },
        allowHosts: {
          type: "strings",
          test: isHost,
          meaning: "Hosts, addresses and ranges that scripts may reach although they are private.",
        },
        denyHosts: {
          type: "strings",
          test: isHost,
          meaning: "Hosts, addresses and ranges that no script may reach, whatever else allows them.",
        },
      },
    },
  },
} as const satisfies TableKey;

type Sections = (typeof SCHEMA)["keys"];

/** The settings of one script. */
export type ScriptConfig = Omit<ValueOf<typeof SCRIPT_KEYS>, "limits"> & { readonly limits: Partial<Limits> };

/** What the engine does with a plugin; see `pluginConfig`. */
export type PluginConfig = ValueOf<typeof PLUGIN_KEYS>;

/** The whole config: checked, complete, frozen. A plugin's own keys are in `CheckedPlugins`. */
export interface Config {
  /** The project folder, absolute. */
  readonly dir: string;
  /** The config file that was read, absolute. */
  readonly file: string | undefined;
  /** The profile that was laid over the file. */
  readonly profile: string | undefined;
  readonly dev: boolean;
  /** `tls.cert` and `tls.key` are absolute paths, both or neither. */
  readonly server: ValueOf<Sections["server"]>;
  readonly isolates: ValueOf<Sections["isolates"]>;
  readonly limits: Limits & { readonly max: Limits };
  /** Only scripts that config names, by name; without prototype. Read it through `scriptConfig`. */
  readonly scripts: { readonly [name: string]: ScriptConfig };
  /** Only plugins that config names, by name; without prototype. Read it through `pluginConfig`. */
  readonly plugins: { readonly [name: string]: PluginConfig };
  readonly log: ValueOf<Sections["log"]>;
  readonly fetch: ValueOf<Sections["fetch"]>;
}
