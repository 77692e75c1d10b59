/**
 * arktype's declarations, which read the definition of a schema, as files of the package: so it needs no other package, and
 * what its types say does not change with the arktype that a project happens to have.
 */
import { readdir, readFile } from "node:fs/promises";
import { join, posix, sep } from "node:path";

const MODULES = join(import.meta.dir, "../../node_modules");
const PACKAGES = ["arktype", "@ark/schema", "@ark/util", "arkregex"] as const;
const SPECIFIER = /((?:from |import\()\s*")([^"]+)"/g;

/** Where a package lies in ours: `@ark/util` → `arktype/ark-util`. */
const folderOf = (name: string): string => `arktype/${name.replace("@", "").replace("/", "-")}`;

/** The file that a specifier names; undefined for a package that is not one of them. */
function target(from: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier.replace(/\.ts$/, ".js"));
  const name = PACKAGES.find((known) => specifier === known || specifier.startsWith(`${known}/`));
  if (name === undefined) return undefined;
  const rest = specifier
    .slice(name.length + 1)
    .replace(/^internal\//, "")
    .replace(/\.[jt]s$/, "");
  return `${folderOf(name)}/${rest === "" ? "index" : rest}.js`;
}

/** Turns imports of the packages into relative ones. `from` is the file's place in our package. */
export function relink(from: string, text: string): string {
  return text.replace(SPECIFIER, (whole, before: string, specifier: string) => {
    const to = target(from, specifier);
    if (to === undefined) return whole;
    const path = posix.relative(posix.dirname(from), to);
    return `${before}${path.startsWith(".") ? path : `./${path}`}"`;
  });
}

/** Place in our package → text, licences included. */
export async function arktypeDeclarations(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const name of PACKAGES) {
    const folder = join(MODULES, name);
    files.set(`${folderOf(name)}/LICENSE`, await readFile(join(folder, "LICENSE"), "utf8"));
    const paths = await readdir(join(folder, "out"), { recursive: true });
    for (const path of paths.filter((file) => file.endsWith(".d.ts")).sort()) {
      const to = `${folderOf(name)}/${path.split(sep).join("/")}`;
      files.set(to, relink(to, await readFile(join(folder, "out", path), "utf8")));
    }
  }
  return files;
}
