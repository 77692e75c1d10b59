/** `aiwebengine check`: builds, loads and type-checks scripts, and touches nothing but the types beside them. */
import { join } from "node:path";
import type { Config } from "../config/index.ts";
import { isWeb } from "../script/types.ts";
import { writeTypings } from "../script/typings.ts";
import type { PluginProblem } from "../plugin/problem.ts";
import { CHECK_CODES } from "./check/codes.ts";
import {
  findClashes,
  findNoEntries,
  findSilent,
  findUnusedSchemas,
  routesOfBuilt,
  type Route,
} from "./check/findings.ts";
import { findPointProblems } from "./check/points.ts";
import { framed, located, scriptOfFile, type CheckProblem } from "./check/problem.ts";
import { fileOf, openProject, requireScripts, type BuiltScript, type Project } from "./check/project.ts";
import { checkJson, failed, renderCheck, type CheckedScript, type CheckReport } from "./check/report.ts";
import { checkTypes } from "./check/typecheck.ts";
import type { Call } from "./command.ts";
import { withOffers, type Offers } from "./offers.ts";
import { withProgress } from "./progress.ts";

export async function run(call: Call): Promise<number> {
  const { args, flags, io, version } = call;
  let say = "setting up plugins";
  const work = async (): Promise<CheckReport> => {
    const since = performance.now();
    const report = await withOffers(call, (config, offers) =>
      check({ config, offers, version }, args, (text) => (say = text)),
    );
    return { ...report, ms: performance.now() - since };
  };
  const report = await withProgress(io, () => say, work);
  io.stdout(flags.has("json") ? checkJson(report) : renderCheck(report, process.cwd(), io.paint));
  return failed(report) ? 1 : 0;
}

/**
 * The report on the scripts of a project; with names only on those.
 * @throws StartError when there is no folder of scripts, or no script of a name.
 */
async function check(
  { config, offers, version }: { readonly config: Config; readonly offers: Offers; readonly version: string },
  names: readonly string[],
  tell: (progress: string) => void,
): Promise<Omit<CheckReport, "ms">> {
  const scriptsDir = join(config.dir, "scripts");
  const project = await openProject({ config, version, offer: offers.offer });
  try {
    requireScripts(names, project.scripts, "check");
    const all = project.scripts.length;
    const [typeProblems, built] = await Promise.all([
      checkTypesOf(scriptsDir, offers, version),
      // The others too: a route is taken by whom it is taken.
      project.build(project.scripts, (done) => tell(`checking: ${done} of ${all} scripts`)),
    ]);
    const routes = new Map(built.map((one) => [one.source.name, routesOfBuilt(one, config, project.read)]));
    const problems = [...gather(built, routes, typeProblems, offers, project), ...findNoEntries(scriptsDir)];
    const asked = (name: string | undefined): boolean =>
      names.length === 0 || name === undefined || names.includes(name);
    return {
      dir: config.dir,
      scriptsDir,
      scripts: built
        .filter(({ source }) => asked(source.name))
        .map(({ source, result }): CheckedScript => {
          const others = result.ok ? result.bundle.registrations.filter((one) => !isWeb(one)) : [];
          return { name: source.name, file: fileOf(source), routes: routes.get(source.name), others };
        }),
      problems: problems.filter(({ script }) => asked(script)),
    };
  } finally {
    await project.dispose();
  }
}

async function checkTypesOf(scriptsDir: string, { types }: Offers, version: string): Promise<CheckProblem[]> {
  try {
    await writeTypings(scriptsDir, { ...types, version });
  } catch (error) {
    const message = `The types could not be written: ${error instanceof Error ? error.message : String(error)}.`;
    return [{ severity: "error", code: "types_unwritten", message, hint: CHECK_CODES.types_unwritten.fix }];
  }
  return checkTypes(scriptsDir);
}

/** Its file stands beside the folder of scripts. */
function pluginProblem({ plugin, message, file, ...rest }: PluginProblem): CheckProblem {
  const hint = CHECK_CODES.plugin_failed.fix.replace("<name>", plugin);
  const told = message.includes(plugin) ? message : `The plugin "${plugin}": ${message}`;
  return {
    severity: "error",
    code: "plugin_failed",
    message: told,
    hint,
    ...rest,
    ...(file && { file: `../${file}` }),
  };
}

function gather(
  built: readonly BuiltScript[],
  routes: ReadonlyMap<string, readonly Route[] | undefined>,
  typeProblems: readonly CheckProblem[],
  offers: Offers,
  { problems: folder, read }: Project,
): CheckProblem[] {
  const all = [...routes.values()].flatMap((ofScript) => ofScript ?? []);
  const found: CheckProblem[] = [
    ...offers.problems.map(pluginProblem),
    ...folder.map((problem): CheckProblem => ({ severity: "error", ...problem })),
    ...built.flatMap(({ source, result }) => {
      const script = source.name;
      const told = result.ok ? result.warnings : result.problems;
      const severity = result.ok ? "warning" : "error";
      const own = told.map((problem): CheckProblem => ({ severity, script, ...located(problem, read) }));
      return result.ok ? [...own, ...findSilent(result.bundle, source)] : own;
    }),
    ...findClashes([...offers.routes, ...all]).values(),
    ...findUnusedSchemas(all),
    ...findPointProblems(built, offers.points, read),
  ];
  // The build says the same of a line, and knows better what to do.
  const told = new Set(found.map(({ file, line }) => `${file}:${line}`));
  for (const problem of typeProblems) {
    const { file, line } = problem;
    if (line !== undefined && told.has(`${file}:${line}`)) continue;
    const script = file === undefined ? undefined : scriptOfFile(file);
    found.push(script === undefined ? problem : { ...problem, script });
  }
  return found.map((problem) => framed(problem, read));
}
