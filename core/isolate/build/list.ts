/** The files of one kind below a folder: what `render(name)` may name. One that comes or goes makes another build. */
import { lstatSync, readdirSync } from "node:fs";

export const TEMPLATE_ENDING = ".eta";
export const LIST_CAPS = { depth: 8, files: 1000, entries: 10_000 } as const;

/** Relative to the folder, in order. Links and hidden names are none; nor is anything where there is no folder. */
export function listFiles(folder: string, ending: string): string[] {
  const found: string[] = [];
  let seen = 0;
  const visit = (path: string, depth: number): void => {
    let entries;
    try {
      entries = readdirSync(`${folder}${path === "" ? "" : `/${path}`}`, { withFileTypes: true });
    } catch {
      return; // it is not there, or not readable: nothing of it can be rendered
    }
    for (const entry of entries) {
      if (++seen > LIST_CAPS.entries || found.length >= LIST_CAPS.files) return;
      if (entry.name.startsWith(".")) continue;
      const full = path === "" ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory() && depth < LIST_CAPS.depth) visit(full, depth + 1);
      else if (entry.isFile() && full.endsWith(ending)) found.push(full);
    }
  };
  // The engine lists as well, without a jail: through a link it would walk whatever the author points it at.
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) visit("", 0);
  return found.sort();
}

/** Another one whenever a name comes or goes. */
export function listHash(names: readonly string[]): string {
  return new Bun.CryptoHasher("sha256").update(names.join("\n")).digest("hex");
}
