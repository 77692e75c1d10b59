/** The public API stands in `sdk/declarations/`: whoever changes it sees the difference, and says so in the CHANGELOG. */
import { expect, test } from "bun:test";
import { committedDeclarations, publicDeclarations, reachable, type Files } from "../../sdk/package/declarations.ts";
import { ENTRIES } from "../../sdk/package/entries.ts";

const UPDATE = "bun sdk/package/declarations.ts";

/** Lines that differ, each with a sign before it, with the file's name above them. */
function difference(before: Files, after: Files): string {
  const lines: string[] = [];
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [old, now] = [before, after].map((files) => files.get(path)?.split("\n") ?? []) as [string[], string[]];
    if (old.join("\n") === now.join("\n")) continue;
    const [gone, come] = [old.filter((line) => !now.includes(line)), now.filter((line) => !old.includes(line))];
    lines.push(`sdk/declarations/${path}`, ...gone.map((line) => `- ${line}`), ...come.map((line) => `+ ${line}`));
    if (gone.length + come.length === 0) lines.push("  (the order of its lines)");
  }
  return lines.join("\n");
}

test("the API is the one that was agreed on", async () => {
  const found = difference(await committedDeclarations(), await publicDeclarations());
  if (found !== "") {
    throw new Error(
      `The SDK's public API is not the one of sdk/declarations/:\n${found}\n` +
        `If that is meant, run \`${UPDATE}\`, look at what git says, and tell users in CHANGELOG.md.`,
    );
  }
}, 60_000);

test("a difference is shown by its lines", () => {
  const before = new Map([
    ["a.d.ts", "same\nold\n"],
    ["b.d.ts", "b\n"],
    ["c.d.ts", "1\n2\n"],
  ]);
  const after = new Map([
    ["a.d.ts", "same\nnew\n"],
    ["b.d.ts", "b\n"],
    ["c.d.ts", "2\n1\n"],
  ]);
  expect(difference(before, after)).toBe(
    "sdk/declarations/a.d.ts\n- old\n+ new\nsdk/declarations/c.d.ts\n  (the order of its lines)",
  );
});

test("the declarations of every entry are whole: what they import is there, and nothing else is", async () => {
  const files = await committedDeclarations();
  const entries = ENTRIES.map(({ declaration }) => `${declaration}.d.ts`);
  expect([...reachable(files, entries).keys()].sort()).toEqual([...files.keys()].sort());
  for (const entry of entries) expect(files.has(entry)).toBe(true);
  for (const [path, text] of files) {
    expect(text, `${path} says what it is for`).toStartWith("/**");
    expect(text, path).not.toMatch(/from "[^"]+\.ts"/);
    for (const [, specifier] of text.matchAll(/^(?:import|export) [^"]*from "([^".][^"]*)"/gm))
      expect([path, specifier]).toEqual(["schema.d.ts", "arktype"]);
  }
});
