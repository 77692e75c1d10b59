/** How large the rooms of core are: lines of code, without blank lines and comments. */

/** `core/isolate/jail/filter.ts` is of `core/isolate/jail`, `core/log/ring.ts` of `core/log`, `core/engine.ts` of `core`. */
export function roomOf(path: string): string {
  const folders = path.split("/").slice(0, -1);
  return folders.slice(0, folders[1] === "isolate" ? 3 : 2).join("/");
}

/** Comments have lines of their own here: the formatter sees to it. */
export function linesOfCode(text: string): number {
  let comment = false;
  let lines = 0;
  for (const line of text.split("\n").map((one) => one.trim())) {
    if (!comment && line.startsWith("/*")) comment = true;
    if (!comment && line !== "" && !line.startsWith("//")) lines++;
    if (comment && line.endsWith("*/")) comment = false;
  }
  return lines;
}

export function sizesOf(tree: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const [path, text] of tree) {
    if (!path.startsWith("core/")) continue;
    const room = roomOf(path);
    sizes.set(room, (sizes.get(room) ?? 0) + linesOfCode(text));
  }
  return sizes;
}

/** One sentence for each room that has grown past its ceiling, has none, or has left it far above. */
export function outgrown(
  sizes: ReadonlyMap<string, number>,
  ceilings: { readonly [room: string]: number },
): readonly string[] {
  const grown = [...sizes].flatMap(([room, lines]) => {
    const ceiling = ceilings[room];
    if (ceiling === undefined) return [`${room} has ${lines} lines and no ceiling: give it one`];
    if (lines > ceiling) return [`${room} has ${lines} lines, and its ceiling is ${ceiling}: move or delete something`];
    return lines < ceiling * 0.8 ? [`${room} has ${lines} lines: lower its ceiling of ${ceiling}`] : [];
  });
  const gone = Object.keys(ceilings).filter((room) => !sizes.has(room));
  return [...grown, ...gone.map((room) => `${room} is gone: so is its ceiling`)];
}
