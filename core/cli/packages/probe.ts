/** Whether a package works in a script: a script of one import is built and loaded, beside the script that wants it. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Project } from "../check/project.ts";
import type { ScriptSource } from "../../script/source.ts";
import type { BuildProblem } from "../../script/types.ts";

export interface Probed {
  readonly name: string;
  /** Undefined when it works. */
  readonly problem?: BuildProblem;
}

/** Declarations have nothing to run. */
const TYPES_ONLY = /^@types\//;

export async function probePackages(
  names: readonly string[],
  source: ScriptSource,
  project: Project,
): Promise<readonly Probed[]> {
  const probed: Probed[] = [];
  for (const name of names) {
    if (TYPES_ONLY.test(name)) probed.push({ name });
    else probed.push(await probe(name, source, project));
  }
  return probed;
}

async function probe(name: string, source: ScriptSource, project: Project): Promise<Probed> {
  // A name with a dot before it is no script and no change to an engine that serves the folder.
  const entry = join(source.root, `.probe-${process.pid}.ts`);
  // All that it exports is kept, so that all of it is loaded.
  writeFileSync(entry, `import * as it from ${JSON.stringify(name)};\nexport const names = Object.keys(it);\n`);
  try {
    const [built] = await project.build([{ ...source, entry }]);
    if (built === undefined || built.result.ok) return { name };
    const [problem] = built.result.problems;
    return problem === undefined ? { name } : { name, problem };
  } finally {
    rmSync(entry, { force: true });
  }
}
