/**
 * Decides which file an import means, and refuses all that leave the script: the bundler's own resolver (tsconfig
 * `paths`, parent folders, global installs) is never asked.
 */
import { dirname, resolve as joinPath } from "node:path";
import type { Files } from "./files.ts";
import { parseSpecifier, resolveInternal, resolvePackage } from "./packages.ts";
import {
  isBuiltin,
  Refusal,
  refuseHostModule,
  refuseMissing,
  refuseNeighbour,
  refuseOutside,
  refuseScheme,
  shown,
} from "./refusal.ts";
import type { BuildScope } from "./scope.ts";
import { isInside, readPaths, SHARED } from "./scope.ts";

const EXTENSIONS = [".ts", ".tsx", ".js", ".jsx", ".mts", ".mjs", ".cts", ".cjs", ".json"];
/** TypeScript lets an import name the file that it will become. */
const REWRITTEN: { readonly [extension: string]: readonly string[] } = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;

/** Answers the real path; throws a `Refusal`. `required`: by `require()`. */
export type Resolve = (specifier: string, importer: string, required: boolean) => string;

export function createResolver(scope: BuildScope, files: Files): Resolve {
  const probe = (path: string): string | "missing" | "outside" => {
    const exact = files.find(path);
    if (exact !== "missing") return exact;
    const dot = path.lastIndexOf(".");
    for (const extension of REWRITTEN[path.slice(dot)] ?? []) {
      const found = files.find(path.slice(0, dot) + extension);
      if (found !== "missing") return found;
    }
    for (const extension of EXTENSIONS) {
      const found = files.find(path + extension);
      if (found !== "missing") return found;
    }
    if (!files.isFolder(path)) return "missing";
    for (const extension of EXTENSIONS) {
      const found = files.find(`${path}/index${extension}`);
      if (found !== "missing") return found;
    }
    return "missing";
  };

  const fromPath = (specifier: string, path: string, hint: string): string => {
    const found = probe(path);
    if (found === "outside") throw refuseOutside(specifier, scope.single);
    if (found === "missing") throw refuseMissing(specifier, hint);
    return found;
  };

  const relative = (specifier: string, importer: string): string => {
    const path = joinPath(dirname(importer), specifier);
    // A single file's folder cannot be looked into, and a test names the script as it likes.
    if (EXTENSIONS.some((extension) => path + extension === scope.entry)) return scope.entry;
    const inScope =
      path === scope.entry || readPaths(scope).some((folder) => path === folder || isInside(path, folder));
    if (!inScope) throw refuseElsewhere(specifier, path, scope);
    return fromPath(specifier, path, "Check the path: it is relative to the file that imports it.");
  };

  const bare = (specifier: string, importer: string, required: boolean): string => {
    const wanted = parseSpecifier(specifier);
    if (wanted === undefined) throw refuseMissing(specifier, "Relative imports start with `./` or `../`.");
    for (const folder of packageFolders(scope, importer)) {
      const path = resolvePackage(files, folder, wanted, required);
      if (path !== undefined) return fromPath(specifier, path, "Install the package again.");
    }
    if (isBuiltin(specifier)) throw refuseHostModule(specifier);
    const add = `aiwebengine add ${scope.name} ${shown(wanted.name)}${scope.single ? " --folder" : ""}`;
    throw refuseMissing(specifier, `Install it with \`${add}\`, or correct the name.`);
  };

  const internal = (specifier: string, importer: string, required: boolean): string => {
    const home = packageHome(scope, importer);
    const target = resolveInternal(files, home, specifier, required);
    if (target === undefined) throw refuseMissing(specifier, "Name it under `imports` in `package.json`.");
    if (target.startsWith(home)) return fromPath(specifier, target, "Correct `imports` in `package.json`.");
    if (target.startsWith("#")) throw refuseMissing(specifier, "Correct `imports` in `package.json`.");
    return resolveAny(target, importer, required);
  };

  const resolveAny: Resolve = (specifier, importer, required) => {
    if (specifier === "" || /[\u0000-\u001f\\]/.test(specifier)) {
      throw refuseMissing(specifier, "An import names a file with `/` and no control characters.");
    }
    if (/^\.\.?(?:\/|$)/.test(specifier)) return relative(specifier, importer);
    if (specifier.startsWith("/")) throw refuseOutside(specifier, scope.single);
    if (specifier.startsWith("macro:")) throw refuseMacro();
    if (/^(?:node|bun):/.test(specifier) || specifier === "bun") throw refuseHostModule(specifier);
    if (/^(?:npm|jsr):/.test(specifier)) throw refuseRegistry(specifier);
    if (SCHEME.test(specifier)) throw refuseScheme(specifier);
    if (specifier.startsWith("#")) return internal(specifier, importer, required);
    return bare(specifier, importer, required);
  };
  return resolveAny;
}

export function refuseMacro(): Refusal {
  return new Refusal(
    "macros run code while the script is built, and are switched off",
    'Import the function without `type: "macro"`, and call it at the top level.',
  );
}

function refuseRegistry(specifier: string): Refusal {
  return new Refusal(
    `the import "${shown(specifier)}" names a registry`,
    "Install the package with `aiwebengine add <script> <package>`, and import it by its bare name.",
  );
}

/** A file of another script gets its own sentence. */
function refuseElsewhere(specifier: string, path: string, scope: BuildScope): Refusal {
  if (!isInside(path, scope.scriptsDir)) return refuseOutside(specifier, scope.single);
  const first = path.slice(scope.scriptsDir.length + 1).split("/")[0] ?? "";
  const neighbour = first.replace(/\.[jt]sx?$/, "");
  const none = neighbour === scope.name || first === SHARED || first === "node_modules" || neighbour.includes(".");
  return none ? refuseOutside(specifier, scope.single) : refuseNeighbour(specifier, neighbour);
}

/** Every `node_modules` from the importer up to the end of its own area, then the script's own. */
function packageFolders(scope: BuildScope, importer: string): string[] {
  const folders: string[] = [];
  const area = readPaths(scope).find((folder) => isInside(importer, folder));
  if (area !== undefined) {
    for (let at = dirname(importer); at === area || isInside(at, area); at = dirname(at)) {
      if (!at.endsWith("/node_modules")) folders.push(`${at}/node_modules`);
    }
  }
  const own = `${scope.root}/node_modules`;
  return folders.includes(own) ? folders : [...folders, own];
}

/** The folder whose `package.json` speaks for the importer. */
function packageHome(scope: BuildScope, importer: string): string {
  const at = importer.lastIndexOf("/node_modules/");
  if (at < 0) return scope.root;
  const parts = importer.slice(at + "/node_modules/".length).split("/");
  return importer.slice(0, at) + "/node_modules/" + parts.slice(0, parts[0]?.startsWith("@") ? 2 : 1).join("/");
}
