/**
 * Turns a script's files into one function body. Every file reaches the bundler through the plugin below, under a name
 * of its own namespace: it reads no disk, no tsconfig, no environment, and runs no macro.
 */
import type { BuildArtifact, BunPlugin, Loader } from "bun";
import { NO_OFFER, type BuildProblem, type Offer } from "../../script/types.ts";
import {
  problemOf,
  refusalAt,
  refuseAttribute,
  refuseExtension,
  tooLarge,
  unknownEngineModule,
  type Sources,
} from "./bundle-problems.ts";
import { classicNames, exposeLine, type ScriptLoader } from "./classic.ts";
import { describeLogs } from "./describe.ts";
import type { Files } from "./files.ts";
import { HARNESS, HARNESS_FILE, HARNESS_SCRIPT, harnessSource } from "./harness.ts";
import type { Harness } from "./messages.ts";
import { TEMPLATE_ENDING } from "./list.ts";
import { Refusal, shown } from "./refusal.ts";
import { remap } from "./remap.ts";
import { createResolver } from "./resolve.ts";
import { CAPS, type BuildScope } from "./scope.ts";
import { compileTemplate, registrySource, type CompiledTemplate } from "./templates.ts";
import { isVirtual, TESTING, virtualSource } from "./virtual.ts";

export interface Bundled {
  readonly form: "module" | "classic";
  readonly code: string;
  readonly map: string;
}

/** Throws this with everything that is wrong. */
export class BuildFailure extends Error {
  constructor(readonly problems: readonly BuildProblem[]) {
    super(problems[0]?.message ?? "the build failed");
  }
}

const ENTRY = "aiwebengine:entry";
/** Namespaces: a file as code or data, a file as text, a module of the engine, an import that was refused. */
const FILE = "file-of-script";
const TEXT = "text-of-script";
const ENGINE = "engine";
const REFUSED = "refused";

/** The module that hands all templates of the script to `render`, and what it imports. */
const REGISTRY = "aiwebengine:templates";
const RENDERED = "aiwebengine:template/";

const SCRIPT_LOADERS: { readonly [extension: string]: ScriptLoader } = {
  ts: "ts",
  mts: "ts",
  cts: "ts",
  tsx: "tsx",
  js: "jsx",
  mjs: "jsx",
  cjs: "jsx",
  jsx: "jsx",
};
const DATA_LOADERS: { readonly [extension: string]: Loader } = {
  json: "json",
  jsonc: "jsonc",
  toml: "toml",
  yaml: "yaml",
  yml: "yaml",
  txt: "text",
};

export async function bundle(
  scope: BuildScope,
  files: Files,
  sources: Sources,
  offer: Offer = NO_OFFER,
  harness?: Harness,
): Promise<Bundled> {
  const refused: BuildProblem[] = [];
  const refusedImports = new Set<string>();
  const entryName = files.relative(scope.entry);
  let names: string[] | null = null;
  const folder = `${scope.root}/templates`;
  const rendered = scope.single ? [] : files.list(folder, TEMPLATE_ENDING);
  const templates = new Map<string, CompiledTemplate>();
  const testing = harness && (await import("./testing-source.ts")).testingSource;
  const engineSource = (path: string): string | undefined => {
    if (path === TESTING) return testing;
    if (path === HARNESS) return harness && harnessSource(harness);
    return path === REGISTRY ? registrySource(rendered) : virtualSource(path, offer);
  };
  const plugin: BunPlugin = {
    name: "script",
    setup(build) {
      const resolve = createResolver(scope, files);
      build.onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
        if (kind === "entry-point-build")
          return harness ? { path: HARNESS, namespace: ENGINE } : { path: entryName, namespace: FILE };
        try {
          if (importer === HARNESS) {
            if (path === HARNESS_SCRIPT) return { path: entryName, namespace: FILE };
            if (path.startsWith(HARNESS_FILE)) return { path: path.slice(HARNESS_FILE.length), namespace: FILE };
          }
          if (isVirtual(path)) {
            if (engineSource(path) === undefined) throw unknownEngineModule(path);
            return { path, namespace: ENGINE };
          }
          if (path === REGISTRY && rendered.length > 0) return { path, namespace: ENGINE };
          if (path.startsWith(RENDERED) && rendered.includes(path.slice(RENDERED.length)))
            return { path: files.relative(`${folder}/${path.slice(RENDERED.length)}`), namespace: FILE };
          const required = kind === "require-call" || kind === "require-resolve";
          const real = resolve(path, `${scope.scriptsDir}/${importer}`, required);
          const type = importType(sources.get(importer) ?? "", path);
          if (type !== undefined && type !== "text" && DATA_LOADERS[type] === undefined) throw refuseAttribute(path);
          return { path: files.relative(real), namespace: type === "text" ? TEXT : FILE };
        } catch (error) {
          const known = refusedImports.has(`${importer}\n${path}`);
          if (!known && refused.length < CAPS.problems)
            refused.push(refusalAt(error, sources, importer, path, templates.get(importer)?.includes.get(path)));
          refusedImports.add(`${importer}\n${path}`);
          return { path, namespace: REFUSED };
        }
      });
      build.onLoad({ filter: /.*/, namespace: REFUSED }, () => ({ contents: "module.exports = {};", loader: "js" }));
      build.onLoad({ filter: /.*/, namespace: ENGINE }, ({ path }) => ({
        contents: engineSource(path) ?? "",
        loader: "js",
      }));
      build.onLoad({ filter: /.*/, namespace: TEXT }, ({ path }) => load(path, true));
      build.onLoad({ filter: /.*/, namespace: FILE }, ({ path }) => load(path, false));
    },
  };

  const load = async (path: string, asText: boolean): Promise<{ contents: string; loader: Loader }> => {
    try {
      const text = decode(files.read(`${scope.scriptsDir}/${path}`), path);
      sources.set(path, text);
      if (asText) return { contents: text, loader: "text" };
      // A first line for the shell that names bun would make the bundler build for bun.
      const contents = text.replace(/^#!/, "//");
      const extension = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
      const script = SCRIPT_LOADERS[extension];
      const data = DATA_LOADERS[extension];
      if (data !== undefined) return { contents: text, loader: data };
      if (path.endsWith(TEMPLATE_ENDING)) {
        const template = await compileTemplate(path, text);
        templates.set(path, template);
        return { contents: template.code, loader: "js" };
      }
      if (script === undefined) throw refuseExtension(path);
      if (path !== entryName) return { contents, loader: script };
      names = classicNames(contents, script);
      // After the author's last line, so that the map stays right.
      const also =
        rendered.length === 0 ? "" : names === null ? `\n;import "${REGISTRY}";` : `\n;require("${REGISTRY}");`;
      if (names === null) return { contents: contents + also, loader: script };
      if (names.includes("expose"))
        throw new Refusal("`expose` is a name that the engine needs in this script", "Rename it.", "script_failed");
      return { contents: contents + exposeLine(names) + also, loader: script };
    } catch (error) {
      if (refused.length < CAPS.problems) refused.push(problemOf(error, path));
      return { contents: "", loader: "text" };
    }
  };

  const output = await runBundler(plugin, "cjs");
  if (refused.length > 0) throw new BuildFailure(refused);
  if (!output.success) {
    const alsoAsModule = describeLogs.awaits(output.logs) && (await runBundler(plugin, "esm")).success;
    throw new BuildFailure(describeLogs(output.logs, sources, alsoAsModule));
  }
  return finish(output.outputs, names === null ? "module" : "classic", entryName, templates);
}

type Output = Awaited<ReturnType<typeof Bun.build>>;

function runBundler(plugin: BunPlugin, format: "cjs" | "esm"): Promise<Output> {
  const options: Bun.BuildConfig & { macros: false } = {
    entrypoints: [ENTRY],
    target: "browser",
    format,
    macros: false, // missing in the types; a macro would run here, in the host's realm
    env: "disable",
    define: { "process.env.NODE_ENV": '"production"', "import.meta.env": "undefined", "import.meta.main": "false" },
    allowUnresolved: [],
    jsx: { runtime: "automatic", importSource: "@aiwebengine/sdk", development: false },
    sourcemap: "external",
    minify: false,
    throw: false,
    plugins: [plugin],
  };
  return Bun.build(options);
}

async function finish(
  outputs: readonly BuildArtifact[],
  form: Bundled["form"],
  entryName: string,
  templates: ReadonlyMap<string, CompiledTemplate>,
): Promise<Bundled> {
  const script = outputs.find((one) => one.kind === "entry-point");
  const map = outputs.find((one) => one.kind === "sourcemap");
  const body = ((await script?.text()) ?? "").replace(/\n\/\/# debugId=.*\n?$/, "\n");
  if (body.length > CAPS.codeBytes) throw new BuildFailure([tooLarge(body.length)]);
  // Only an import attribute that the bundler handles itself (`type: "sqlite"`) passes the resolver by, as this.
  const passed = /__toESM\(require\("((?:[^"\\]|\\.)*)"\)/.exec(body)?.[1];
  if (passed !== undefined) throw new BuildFailure([problemOf(refuseAttribute(passed), entryName)]);
  return { form, code: body, map: map === undefined ? "" : trimMap(await map.text(), templates) };
}

/** Only what a stack trace needs: sources by their names, and the mappings. */
function trimMap(text: string, templates: ReadonlyMap<string, CompiledTemplate>): string {
  const { sources, mappings } = JSON.parse(text) as { sources: string[]; mappings: string };
  const named = sources.map((source) => source.replace(/^(?:file-of-script|text-of-script|engine|refused):/, ""));
  const moved = templates.size === 0 ? mappings : remap(mappings, named, templates);
  const map = JSON.stringify({ version: 3, sources: named, names: [], mappings: moved });
  return map.length > CAPS.mapBytes ? "" : map;
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (!text.includes("\0")) return text;
  } catch {
    // said below
  }
  throw new Refusal(
    `"${shown(path)}" is not UTF-8 text, and only text, JSON and code can be imported`,
    "Put binary files into `assets/`, or encode them as base64 text.",
  );
}

/**
 * The bundler does not tell a plugin the attributes of an import, so the importer's text is asked. What hides from this
 * gets the loader of its extension: nothing is opened by it.
 */
function importType(source: string, specifier: string): string | undefined {
  const quoted = specifier.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  const attribute = `["']${quoted}["']\\s*(?:with|assert)\\s*\\{\\s*["']?type["']?\\s*:\\s*["'](\\w+)["']`;
  return new RegExp(attribute).exec(source)?.[1];
}
