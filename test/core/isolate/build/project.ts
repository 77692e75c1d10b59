/** A throw-away folder of scripts, and the bundler run over one of them in this process. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Bundled } from "../../../../core/isolate/build/bundle.ts";
import { BuildFailure, bundle } from "../../../../core/isolate/build/bundle.ts";
import { openFiles, type Input } from "../../../../core/isolate/build/files.ts";
import type { BuildScope } from "../../../../core/isolate/build/scope.ts";
import type { BuildProblem } from "../../../../core/script/types.ts";

export interface Project extends Disposable {
  /** The project; scripts lie in `scripts/` below it. */
  readonly dir: string;
  readonly scriptsDir: string;
  write(files: { readonly [path: string]: string | Uint8Array }): void;
  scope(entry: string): BuildScope;
}

/** `files`: by path relative to the folder of scripts. */
export function project(files: { readonly [path: string]: string | Uint8Array } = {}): Project {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "aiwebengine-build-")));
  const scriptsDir = join(dir, "scripts");
  mkdirSync(scriptsDir);
  // Run from source and by root, a builder has become another user, who cannot pass a folder that is root's alone.
  chmodSync(dir, 0o755);
  const self: Project = {
    dir,
    scriptsDir,
    write(more) {
      for (const [path, content] of Object.entries(more)) {
        mkdirSync(dirname(join(scriptsDir, path)), { recursive: true });
        writeFileSync(join(scriptsDir, path), content);
      }
    },
    scope(entry) {
      const [folder = "", ...rest] = entry.split("/");
      const single = rest.length === 0;
      const name = folder.replace(/\.[a-z]+$/, "");
      return {
        name,
        entry: join(scriptsDir, entry),
        root: single ? scriptsDir : join(scriptsDir, folder),
        scriptsDir,
        single,
      };
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
  self.write(files);
  return self;
}

export interface Tried {
  readonly bundled?: Bundled;
  readonly problems: readonly BuildProblem[];
  readonly inputs: readonly Input[];
}

export async function tryBundle(scope: BuildScope): Promise<Tried> {
  const source = scope.single
    ? { bytes: readFileSync(scope.entry), mtimeMs: statSync(scope.entry).mtimeMs }
    : undefined;
  const files = openFiles(scope, source);
  try {
    return { bundled: await bundle(scope, files, new Map()), problems: [], inputs: files.inputs() };
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    return { problems: error.problems, inputs: files.inputs() };
  }
}

/** Evaluates a bundle as a realm would, with a stand-in for the SDK. */
export function evaluate(
  bundled: Bundled,
  sdk: object = {},
): { exports: Record<string, unknown>; exposed: Record<string, unknown> } {
  const slot = Symbol.for("aiwebengine.sdk");
  const holder = globalThis as { [slot]?: unknown };
  const module = { exports: {} as Record<string, unknown> };
  let exposed: Record<string, unknown> = {};
  holder[slot] = sdk;
  try {
    new Function("exports", "module", "expose", `${bundled.form === "module" ? '"use strict";' : ""}${bundled.code}`)(
      module.exports,
      module,
      (names: Record<string, unknown>) => {
        exposed = names;
      },
    );
  } finally {
    delete holder[slot];
  }
  return { exports: module.exports, exposed };
}
