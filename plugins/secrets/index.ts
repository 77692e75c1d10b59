/** Secrets that scripts use and never see: `{{secret:NAME}}` in an outgoing request is filled in outside their realm. */
import { resolve } from "node:path";
import { definePlugin, ProblemError, type Dispose, type FetchEvent, type Json } from "../../sdk/plugin.ts";
import { parseHost } from "./hosts.ts";
import { fillHeader, fillUrl, hasPlaceholder, NAME, placeholder } from "./placeholder.ts";
import { Values } from "./values.ts";

const TYPES = `/** Secrets of the operator. Write \`{{secret:NAME}}\` in a header, the path or the query of a \`fetch\`: the value is filled in outside the script. */
export interface Secrets {
  /** Whether this script has a secret of that name, with a value. */
  has(name: string): Promise<boolean>;
  /** The placeholder, \`{{secret:NAME}}\`. Rejects with \`forbidden\`, and what to do, where this script has no such secret. */
  ref(name: string): Promise<string>;
}`;

/** What one request was given; kept in its state for the hops that follow. */
interface Used {
  readonly values: Set<string>;
  inUrl: boolean;
}

export default definePlugin({
  name: "secrets",
  version: "1.0.0",
  requires: ["redaction"],
  config: {
    allow: [
      [
        { "[string]": { "scripts?": "string[]", "hosts?": "string[]" } },
        "@",
        "Name of a secret → `scripts` that may use it, and `hosts` that it may be sent to. Nobody, and nowhere, unless named.",
      ],
      "=",
      () => ({}),
    ],
    env: [["string", "@", "What stands before the name of a secret in the environment."], "=", "SECRET_"],
    file: [
      ["string > 0", "@", "TOML or JSON, names and values, readable by its owner only. It need not exist."],
      "=",
      "data/secrets/secrets.toml",
    ],
    folder: [["string", "@", "A folder with a file for each secret, such as `/run/secrets`. Empty: none."], "=", ""],
  },
  setup({ config, paths, log, hook, service, use, defer }) {
    const redaction = use("redaction");
    /** Value → how to let it be seen in logs again. */
    const hidden = new Map<string, Dispose>();
    defer(() => hidden.forEach((show) => void show()));
    const values = new Values({
      environment: process.env,
      prefix: config.env,
      folder: config.folder === "" ? undefined : resolve(paths.project, config.folder),
      file: resolve(paths.project, config.file),
    });
    const rules = new Map(
      Object.entries(config.allow).map(([name, { hosts = [], scripts = [] }]) => {
        if (!NAME.test(name)) throw new Error(`"${name}" is no name of a secret: up to 64 letters, digits, - and _`);
        return [name, { hosts: hosts.map(parseHost), scripts }];
      }),
    );

    function read(name: string): string | undefined {
      const value = values.read(name);
      if (value !== undefined && !hidden.has(value)) hidden.set(value, redaction.add(value));
      return value;
    }

    /** The same answer for a name that nobody has: a script learns nothing of the secrets of others. */
    function ruleFor(name: string, script: string): { readonly hosts: readonly ((url: URL) => boolean)[] } {
      const rule = rules.get(name);
      if (rule?.scripts.includes(script)) return rule;
      throw new ProblemError(
        "forbidden",
        `secrets: the script "${script}" has no secret "${name}"; the operator gives it one with plugins.secrets.allow.${name} = { scripts = ["${script}"], hosts = […] }`,
      );
    }

    function valueFor(name: string): string {
      let value;
      try {
        value = read(name);
      } catch (error) {
        log.error("a secret cannot be read", { name, error: (error as Error).message });
        throw new ProblemError("internal", `secrets: "${name}" cannot be read now; the engine's log has the cause`);
      }
      if (value !== undefined) return value;
      throw new ProblemError(
        "not_found",
        `secrets: "${name}" has no value; the operator sets the environment variable ${config.env}${name}, or writes it into the file of plugins.secrets.file`,
      );
    }

    function fill(event: FetchEvent, used: Used): void {
      const valueOf = (name: string): string => {
        const { hosts } = ruleFor(name, event.script);
        if (!hosts.some((matches) => matches(event.url))) {
          const { host, origin, protocol } = event.url;
          const entry = protocol === "https:" ? host : origin;
          throw new ProblemError(
            "fetch_blocked",
            `secrets: "${name}" may not be sent to ${origin}; the operator allows it with "${entry}" in plugins.secrets.allow.${name}.hosts`,
          );
        }
        const value = valueFor(name);
        event.conceal(value, placeholder(name));
        used.values.add(value);
        return value;
      };
      for (const [name, text] of [...event.headers]) {
        if (hasPlaceholder(text)) event.headers.set(name, fillHeader(text, valueOf));
      }
      // Later URLs are the server's: it shall not choose which secret it is sent.
      if (event.hop > 0) return;
      const asked = event.url.href;
      fillUrl(event.url, valueOf);
      used.inUrl = event.url.href !== asked;
    }

    /** An allowed host that redirects wherever it is told must not carry a secret to a host that is not. */
    function leave({ url, headers }: FetchEvent, used: Used): void {
      for (const [name, text] of [...headers]) if (hasPlaceholder(text)) headers.delete(name);
      const told = [url.href, safeDecode(url.href)];
      if (used.inUrl || [...used.values].some((value) => told.some((text) => text.includes(value)))) {
        throw new ProblemError(
          "fetch_blocked",
          `secrets: a request with a secret was redirected to ${url.origin}, and does not follow`,
        );
      }
    }

    hook("fetch", (event) => {
      const used = (event.state.get("secrets") as Used | undefined) ?? { values: new Set(), inUrl: false };
      event.state.set("secrets", used);
      if (event.sameOrigin) fill(event, used);
      else leave(event, used);
    });

    service("secrets", {
      types: TYPES,
      methods: {
        async has({ script }, name) {
          const allowed = rules.get(nameOf(name))?.scripts.includes(script) ?? false;
          return allowed && read(nameOf(name)) !== undefined;
        },
        async ref({ script }, name) {
          ruleFor(nameOf(name), script);
          valueFor(nameOf(name));
          return placeholder(nameOf(name));
        },
      },
    });

    for (const name of rules.keys()) {
      if (read(name) === undefined) {
        log.warn("a secret has no value", { name, environment: config.env + name, file: config.file });
      }
    }
  },
});

function nameOf(value: Json | undefined): string {
  if (typeof value === "string" && NAME.test(value)) return value;
  throw new ProblemError("bad_request", "secrets: a name is up to 64 letters, digits, - and _");
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // no percent-encoding: what was looked at is all there is
  }
}
