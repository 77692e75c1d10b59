/** Why an import cannot work in a realm, and what to use instead. */
import { builtinModules } from "node:module";
import type { BuildProblem } from "../../script/types.ts";

/** A refusal on its way out of the resolver; it never leaves the builder as an exception. */
export class Refusal {
  constructor(
    readonly message: string,
    readonly hint: string,
    readonly code: BuildProblem["code"] = "import_refused",
  ) {}
}

/** The web-standard or engine way to do what a host module does. */
const ALTERNATIVES: { readonly [name: string]: string } = {
  fs: "keep data with `kv`, or import a file of the script as text or JSON",
  "fs/promises": "keep data with `kv`, or import a file of the script as text or JSON",
  path: "use `new URL(relative, base)` or plain string functions",
  http: "use `fetch`",
  https: "use `fetch`",
  http2: "use `fetch`",
  net: "use `fetch`; a script has no sockets",
  tls: "use `fetch`; a script has no sockets",
  dns: "use `fetch`; a script has no sockets",
  crypto: "use the global `crypto` (`crypto.subtle`, `crypto.randomUUID()`)",
  buffer: "use `Uint8Array` with `TextEncoder` and `TextDecoder`",
  events: "use `EventTarget`",
  stream: "use `ReadableStream`, `WritableStream` and `TransformStream`",
  url: "use the globals `URL` and `URLSearchParams`",
  querystring: "use `URLSearchParams`",
  util: "use the globals (`structuredClone`, `TextEncoder`, `AbortSignal`)",
  timers: "use the globals `setTimeout` and `setInterval`",
  "timers/promises": "use the globals `setTimeout` and `setInterval`",
  process: "read settings from `config`",
  os: "read settings from `config`",
  perf_hooks: "use the global `performance`",
  assert: "throw an `Error`",
  sqlite: "keep data with `kv`",
  "bun:sqlite": "keep data with `kv`",
  async_hooks: "import `log`, `kv` and the other services from `@aiwebengine/sdk`: they know their invocation",
  child_process: "do it outside the engine and call it with `fetch`",
  worker_threads: "do it inside the handler; the engine starts more isolates when calls queue",
};

const GENERAL = "use the web-standard globals (`fetch`, `URL`, `crypto`, streams) and `@aiwebengine/sdk`";
const BUILTINS: ReadonlySet<string> = new Set(builtinModules.map((name) => name.replace(/^node:/, "")));

export function isBuiltin(specifier: string): boolean {
  return BUILTINS.has(specifier);
}

export function refuseHostModule(specifier: string): Refusal {
  const name = specifier.replace(/^node:/, "");
  return new Refusal(
    `the import "${shown(specifier)}" is a module of the host, and a script has none`,
    capital(`${ALTERNATIVES[name] ?? GENERAL}.`),
  );
}

export function refuseScheme(specifier: string): Refusal {
  return new Refusal(
    `the import "${shown(specifier)}" is a URL, and a script is built from its own files only`,
    "Download the module into the script's folder, or add it as an npm package to its `node_modules`.",
  );
}

export function refuseOutside(specifier: string, single: boolean): Refusal {
  return new Refusal(
    `the import "${shown(specifier)}" leaves the files of this script`,
    single
      ? "A single-file script imports from `./_shared/` and its npm packages; make it a folder with an `index.ts` for more."
      : "Put the file into the script's folder, or into `scripts/_shared/` to share it.",
  );
}

export function refuseNeighbour(specifier: string, neighbour: string): Refusal {
  return new Refusal(
    `the import "${shown(specifier)}" is a file of the script "${shown(neighbour)}"`,
    "Send that script a message or a request, or share the code through `scripts/_shared/`.",
  );
}

export function refuseMissing(specifier: string, hint: string): Refusal {
  return new Refusal(`nothing was found for the import "${shown(specifier)}"`, hint);
}

/** A script's string as it may stand in a sentence. */
export function shown(text: string): string {
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return short.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}

export function capital(sentence: string): string {
  // A name of the API at its beginning stays as it is written.
  return /^[a-z]+[A-Z._(]/.test(sentence) ? sentence : sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
