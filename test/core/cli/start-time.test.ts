/** What a command line costs before its command is known: `--help` and `version` must not load the engine. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dir, "../../..");

/** Every file of ours that is loaded with `entry`, without what is imported only when it is needed. */
function loadedWith(entry: string): readonly string[] {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const found = new Set([join(ROOT, entry)]);
  for (const file of found) {
    for (const { path, kind } of transpiler.scanImports(readFileSync(file, "utf8"))) {
      if (kind === "dynamic-import" || !path.endsWith(".ts")) continue;
      const target = join(dirname(file), path);
      expect(existsSync(target)).toBe(true);
      found.add(target);
    }
  }
  return [...found].map((file) => relative(ROOT, file)).toSorted();
}

test("the dispatcher loads the tables of commands, and nothing that works", () => {
  const loaded = loadedWith("core/cli/start.ts");
  expect(loaded.filter((file) => !/^core\/cli\/|^sdk\//.test(file))).toEqual([
    "core/config/suggest.ts",
    "core/errors.ts",
    // Whether there is a terminal is asked of the C library.
    "core/isolate/jail/libc.ts",
  ]);
  for (const heavy of ["serve.ts", "check.ts", "init.ts", "doctor-report.ts"])
    expect(loaded).not.toContain(`core/cli/${heavy}`);
});
