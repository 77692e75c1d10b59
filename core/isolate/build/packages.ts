/** Finds the file behind an npm import, by Node's rules, inside one `node_modules` folder. https://nodejs.org/api/packages.html */
import type { Files } from "./files.ts";
import { Refusal, shown } from "./refusal.ts";

type Data = { readonly [key: string]: unknown };

const NAME = /^(?:@[a-z0-9~._-]+\/)?[a-z0-9~_-][a-z0-9~._-]*$/i;
/** What a realm is nearest to: no host, web standards. */
const CONDITIONS: ReadonlySet<string> = new Set(["worker", "browser", "default"]);
const MAX_DEPTH = 20;

export interface Specifier {
  readonly name: string;
  /** `.` or `./sub/path`. */
  readonly subpath: string;
}

export function parseSpecifier(specifier: string): Specifier | undefined {
  const parts = specifier.split("/");
  const name = specifier.startsWith("@") ? parts.splice(0, 2).join("/") : (parts.shift() ?? "");
  if (!NAME.test(name) || parts.some((part) => part === ".." || part === "." || part === "")) return undefined;
  return { name, subpath: parts.length === 0 ? "." : `./${parts.join("/")}` };
}

/**
 * The path of the package's file, to be probed by the caller; undefined when the package is not in `folder`.
 * @param required the import is a `require()`
 */
export function resolvePackage(files: Files, folder: string, wanted: Specifier, required: boolean): string | undefined {
  const root = `${folder}/${wanted.name}`;
  if (!files.isFolder(root)) return undefined;
  const data = readManifest(files, root);
  if (data?.exports !== undefined && data.exports !== null) {
    const target = fromExports(data.exports, wanted.subpath, required);
    if (target === undefined) {
      throw new Refusal(
        `the package "${shown(wanted.name)}" exports no "${shown(wanted.subpath)}" that runs without a host`,
        "Import what the package's documentation names, or use another package.",
      );
    }
    return join(root, target);
  }
  if (wanted.subpath !== ".") return join(root, wanted.subpath);
  for (const field of required ? ["browser", "main"] : ["module", "browser", "main"]) {
    const value = data?.[field];
    if (typeof value === "string" && value !== "") return join(root, `./${value.replace(/^\.\//, "")}`);
  }
  return `${root}/index`;
}

/** The file behind `#internal`, from the manifest of the package (or script) in `root`. */
export function resolveInternal(files: Files, root: string, specifier: string, required: boolean): string | undefined {
  const imports = readManifest(files, root)?.imports;
  if (!isData(imports)) return undefined;
  const target = fromTable(imports, specifier, required);
  return target === undefined ? undefined : target.startsWith("./") ? join(root, target) : target;
}

function readManifest(files: Files, root: string): Data | undefined {
  const found = files.find(`${root}/package.json`);
  if (found === "missing" || found === "outside") return undefined;
  try {
    const data: unknown = JSON.parse(new TextDecoder().decode(files.read(found)));
    return isData(data) ? data : undefined;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(`"${shown(files.relative(found))}" is not JSON`, "Install the package again.");
  }
}

function fromExports(exports: unknown, subpath: string, required: boolean): string | undefined {
  const isTable = isData(exports) && Object.keys(exports).some((key) => key.startsWith("."));
  if (isTable) return fromTable(exports, subpath, required);
  return subpath === "." ? fromTarget(exports, "", required, 0) : undefined;
}

/** An exact key, else the longest pattern with a `*`. */
function fromTable(table: Data, key: string, required: boolean): string | undefined {
  if (Object.hasOwn(table, key) && !key.includes("*")) return fromTarget(table[key], "", required, 0);
  let best: string | undefined;
  for (const pattern of Object.keys(table)) {
    const star = pattern.indexOf("*");
    if (star < 0 || !key.startsWith(pattern.slice(0, star)) || !key.endsWith(pattern.slice(star + 1))) continue;
    if (key.length < pattern.length - 1) continue;
    if (best === undefined || star > best.indexOf("*")) best = pattern;
  }
  if (best === undefined) return undefined;
  const star = best.indexOf("*");
  return fromTarget(table[best], key.slice(star, key.length - (best.length - star - 1)), required, 0);
}

function fromTarget(target: unknown, star: string, required: boolean, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return undefined;
  if (typeof target === "string") return target.replaceAll("*", () => star);
  if (Array.isArray(target)) {
    for (const one of target) {
      const found = fromTarget(one, star, required, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isData(target)) return undefined;
  for (const [condition, value] of Object.entries(target)) {
    if (!CONDITIONS.has(condition) && condition !== (required ? "require" : "import")) continue;
    const found = fromTarget(value, star, required, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A target that climbs out of the package names nothing. */
function join(root: string, target: string): string {
  if (!target.startsWith("./") || target.split("/").includes("..")) {
    throw new Refusal(`"${shown(target)}" is no path inside its package`, "Use another version of the package.");
  }
  return `${root}/${target.slice(2)}`;
}

function isData(value: unknown): value is Data {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
