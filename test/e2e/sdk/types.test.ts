/** The types beside scripts come from the plugins that are there; those of the npm package must say the same. */
import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripComments } from "../../../core/script/typings/strip.ts";
import { committedDeclarations } from "../../../sdk/package/declarations.ts";
import { startEngine } from "../engine.ts";

/** What is exported, without comments and layout; fields of `Services` each for themselves, since plugins come in any order. */
function exported(text: string): readonly string[] {
  const bare = (part: string): string =>
    part
      .replace(/\s+|readonly/g, "")
      .replace(/[;,]+(?=[}\]]|$)/g, "")
      .replace(/([:=])\|/g, "$1");
  const parts = stripComments(text)
    .split(/^export (?:declare )?/m)
    .slice(1);
  return parts
    .flatMap((part) =>
      part.startsWith("interface Services ")
        ? [...part.matchAll(/^\s*(?:readonly )?(\w+): (\w+);/gm)].map(([, name, type]) => `Services.${name}: ${type}`)
        : [bare(part).replaceAll(",)", ")").replaceAll(";", ",")],
    )
    .sort();
}

test("every service and function of the engine's own plugins is in the npm package, with the same types", async () => {
  const engine = await startEngine({});
  try {
    const path = join(engine.dir, "scripts/.aiwebengine/services.d.ts");
    const written = async (): Promise<string> => {
      for (;;) {
        try {
          return await readFile(path, "utf8");
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
          await Bun.sleep(20);
        }
      }
    };
    const all = await committedDeclarations();
    expect(exported(all.get("services.d.ts")!)).toEqual(exported(await written()));
  } finally {
    await engine.stop();
  }
}, 20_000);
