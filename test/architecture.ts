/** Who may import whom, as rules over a tree of sources: `violations` answers one sentence for each import that may not be. */
import { posix } from "node:path";

/** Path from the repository's root → text. */
export type Tree = ReadonlyMap<string, string>;

interface Import {
  readonly from: string;
  /** A path of the tree where it is ours, else the specifier: `elysia`, `node:vm`. */
  readonly to: string;
  readonly own: boolean;
  /** Gone when the code runs. */
  readonly typeOnly: boolean;
  /** By `import()` or `require()` alone. */
  readonly late: boolean;
}

interface Rule {
  readonly says: string;
  readonly forbids: (edge: Import) => boolean;
}

const REALM = "core/isolate/realm/";
const TESTING = "core/isolate/testing/";
/** `hello.test.ts` is of the script `hello.ts`. */
const IS_TEST = /\.test(?=\.\w+$)/;
const SDK_PACKAGE = "sdk/package/";
/** Checks values against JSON Schema, reads source maps, lists names: nothing in them needs a realm, or changes one. */
const PURE = ["validate", "sourcemap.ts", "sdk-names.ts"];
const ALIASES: readonly (readonly [name: string, path: string])[] = [
  ["@aiwebengine/sdk", "sdk/script.ts"],
  ["@aiwebengine/sdk/", "sdk/"],
];

const within = (path: string, folder: string): boolean => path.startsWith(folder);
/** `plugins/cors.ts` and `plugins/cors/index.ts` are of one plugin; the same holds for scripts. */
const memberOf = (path: string): string =>
  path
    .split("/")
    .slice(0, 2)
    .join("/")
    .replace(/\.\w+$/, "");
const isHost = (name: string): boolean => /^(node:|bun$|bun:)/.test(name);
/** A package that only these files may use, so that it can be replaced. */
const only = (name: string, files: readonly string[], why: string): Rule => ({
  says: `${name} is for ${files.join(", ")} only: ${why}`,
  forbids: ({ from, to, own }) =>
    !own &&
    within(from, "core/") &&
    (to === name || within(to, `${name}/`)) &&
    !files.some((file) => within(from, file)),
});

const RULES: readonly Rule[] = [
  {
    says: "the SDK is the doorway: it imports nothing of the engine",
    forbids: ({ from, to, own }) => within(from, "sdk/") && own && !within(to, "sdk/"),
  },
  {
    says: "the SDK runs wherever a script runs: it has no package and no host at run time",
    forbids: ({ from, own, typeOnly }) => within(from, "sdk/") && !within(from, SDK_PACKAGE) && !own && !typeOnly,
  },
  {
    says: "what makes a package of the SDK is no part of it, nor of the engine",
    forbids: ({ from, to }) => within(to, SDK_PACKAGE) && !within(from, SDK_PACKAGE) && !within(from, "test/"),
  },
  {
    says: "a plugin knows the SDK only, neither core nor another plugin",
    forbids: ({ from, to, own }) =>
      within(from, "plugins/") &&
      from !== "plugins/index.ts" &&
      own &&
      !within(to, "sdk/") &&
      memberOf(to) !== memberOf(from),
  },
  {
    says: "a script knows @aiwebengine/sdk and its own files only",
    forbids: ({ from, to, own }) => {
      if (!within(from, "scripts/") || !own) return within(from, "scripts/") && isHost(to);
      if (to === "sdk/script.ts" || (to === "sdk/testing.ts" && IS_TEST.test(from))) return false;
      return memberOf(to) !== memberOf(from.replace(IS_TEST, ""));
    },
  },
  {
    says: "core's only door to plugins is core/main.ts → plugins/index.ts",
    forbids: ({ from, to }) =>
      within(from, "core/") && within(to, "plugins/") && !(from === "core/main.ts" && to === "plugins/index.ts"),
  },
  {
    says: "core, sdk and plugins do not need scripts, tests or docs",
    forbids: ({ from, to }) => /^(core|sdk|plugins)\//.test(from) && /^(scripts|test|docs)\//.test(to),
  },
  {
    says: "what runs in a realm has nothing of the host",
    forbids: ({ from, to, own }) => within(from, REALM) && !own && isHost(to),
  },
  {
    says: "what tests run with in a realm has nothing of the host, and of core types only",
    forbids: ({ from, to, own, typeOnly }) =>
      within(from, TESTING) && (own ? !typeOnly && !within(to, TESTING) && !within(to, "sdk/") : isHost(to)),
  },
  {
    says: "what runs in a realm takes from outside it the frames and types only",
    forbids: ({ from, to, own, typeOnly }) =>
      within(from, REALM) && own && !typeOnly && !within(to, REALM) && to !== "core/isolate/frames.ts",
  },
  {
    says: "outside the isolate only what is a pure function of data is taken from the realm",
    forbids: ({ from, to, typeOnly }) =>
      within(from, "core/") &&
      !within(from, "core/isolate/") &&
      within(to, REALM) &&
      !typeOnly &&
      !PURE.some((file) => within(to, REALM + file)),
  },
  only("elysia", ["core/http/server.ts"], "the rest of core speaks Request and Response"),
  only("tsyringe", ["core/container.ts"], "there is one composition root"),
  only("reflect-metadata", ["core/main.ts"], "it must load before tsyringe, once"),
  only(
    "node:vm",
    ["core/isolate/realm-host.ts", "core/plugin/evaluate.ts"],
    "every realm is made, and hardened, in one place, and the bundles of plugins are run in another",
  ),
  only("bun:ffi", ["core/isolate/jail/"], "what the operating system is told stands in one folder"),
  only("bun:sqlite", ["core/lock.ts"], "data belongs to plugins, and the lock to the engine"),
];

/** What the engine's own process and isolates must never load: script-made input is compiled in the builder (docs/sandbox.md, I11). */
const BUILDER_ONLY = ["arktype", "acorn", "eta/core"];
const RESIDENT = [
  "core/cli/start.ts",
  "core/isolate/child.ts",
  "core/isolate/thread.ts",
  "core/isolate/spawner-worker.ts",
];

/** Node's streams, and what brings them: a megabyte of every engine and every isolate that has them. */
const STREAMS = ["crypto", "http", "http2", "https", "net", "readline", "stream", "tls", "tty", "zlib"].map(
  (name) => `node:${name}`,
);
/** What is loaded for as long as an engine or an isolate runs, beside the plugins. */
const isLasting = (path: string): boolean =>
  path === "core/cli/serve.ts" || RESIDENT.includes(path) || /^plugins\/(?:[^/]+|[^/]+\/index)\.ts$/.test(path);

function resolve(tree: Tree, from: string, specifier: string): { to: string; own: boolean } {
  if (specifier.startsWith(".")) {
    const to = posix.join(posix.dirname(from), specifier);
    const found = [to, `${to}.ts`, `${to}.tsx`, `${to}/index.ts`].find((path) => tree.has(path));
    return { to: found ?? to, own: true };
  }
  for (const [name, path] of ALIASES) {
    if (specifier === name) return { to: path, own: true };
    if (name.endsWith("/") && specifier.startsWith(name))
      return { to: `${path}${specifier.slice(name.length)}.ts`, own: true };
  }
  return { to: specifier, own: false };
}

function importsOf(tree: Tree, from: string, text: string): readonly Import[] {
  // Bun's parser sees what remains at run time, also in import() and require(); types are gone for it.
  const loader = from.endsWith("x") ? "tsx" : "ts";
  const imports = new Bun.Transpiler({ loader }).scanImports(text);
  const values = new Set(imports.map(({ path }) => path));
  const early = new Set(imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path));
  const types = [...text.matchAll(/^(?:import|export) type [^;"']*from ["']([^"']+)["']/gm)].map(
    (match) => match[1] ?? "",
  );
  const edge = (specifier: string, typeOnly: boolean): Import => ({
    from,
    ...resolve(tree, from, specifier),
    typeOnly,
    late: !typeOnly && !early.has(specifier),
  });
  return [
    ...[...values].map((specifier) => edge(specifier, false)),
    ...types.filter((specifier) => !values.has(specifier)).map((specifier) => edge(specifier, true)),
  ];
}

type Graph = ReadonlyMap<string, readonly string[]>;

function pathTo(graph: Graph, start: string, goal: string): readonly string[] | null {
  const ways = new Map<string, readonly string[]>([[start, [start]]]);
  for (const [at, way] of ways) {
    for (const next of graph.get(at) ?? []) {
      if (next === goal) return [...way, next];
      if (!ways.has(next)) ways.set(next, [...way, next]);
    }
  }
  return null;
}

export function violations(tree: Tree): readonly string[] {
  const edges = [...tree].flatMap(([path, text]) => importsOf(tree, path, text));
  const graph = new Map<string, string[]>();
  for (const { from, to, typeOnly } of edges) if (!typeOnly) graph.set(from, [...(graph.get(from) ?? []), to]);
  const found = edges.flatMap((edge) =>
    RULES.filter((rule) => rule.forbids(edge)).map(({ says }) => `${edge.from} imports ${edge.to}: ${says}.`),
  );
  for (const entry of RESIDENT) {
    for (const name of BUILDER_ONLY) {
      const way = [
        ...new Set(
          edges.filter(({ to, own }) => !own && (to === name || to.startsWith(`${name}/`))).map(({ to }) => to),
        ),
      ]
        .map((goal) => pathTo(graph, entry, goal))
        .find((path) => path !== null);
      if (way) found.push(`${way.join(" → ")}: ${name} is for the builder only.`);
    }
  }
  const early = new Map<string, string[]>();
  for (const { from, to, typeOnly, late } of edges)
    if (!typeOnly && !late) early.set(from, [...(early.get(from) ?? []), to]);
  for (const entry of [...tree.keys()].filter(isLasting)) {
    const way = STREAMS.map((name) => pathTo(early, entry, name)).find((path) => path !== null);
    if (way) found.push(`${way.join(" → ")}: that is a megabyte of memory; import it where it is used.`);
  }
  const seen = new Set<string>();
  for (const start of graph.keys()) {
    const way = seen.has(start) ? null : pathTo(graph, start, start);
    if (way === null) continue;
    for (const path of way) seen.add(path);
    found.push(`${way.join(" → ")}: a cycle of imports.`);
  }
  return found;
}
