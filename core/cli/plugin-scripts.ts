/** The scripts of a project for a plugin's command: built, given to the points, and not served. */
import type { RouteInfo, ScriptInfo } from "../../sdk/plugin.ts";
import type { Config } from "../config/index.ts";
import { routeInfo, scriptRouteInfo } from "../http/event.ts";
import type { PluginHost } from "../plugin/host.ts";
import type { OfflineScripts } from "../plugin/offline.ts";
import { PluginSeat } from "../plugin/seat.ts";
import { isPoint } from "../script/types.ts";
import { findClashes, routesOfBuilt, type Route } from "./check/findings.ts";
import { findPointProblems, registrationOf } from "./check/points.ts";
import { fileOf, openProject, type BuiltScript } from "./check/project.ts";

/** @throws StartError when there is no folder of scripts. */
export async function buildFor(host: PluginHost, config: Config, version: string): Promise<OfflineScripts> {
  const seat = new PluginSeat();
  seat.take(host.current, () => {});
  const project = await openProject({ config, version, offer: seat.offer });
  const built = await project.build(project.scripts).finally(() => project.dispose());
  const points = [...seat.points];
  const routes = new Map(built.map((one) => [one, routesOfBuilt(one, config, project.read) ?? []]));
  const problems = problemsOf(built, [
    ...findClashes([...seat.routes, ...[...routes.values()].flat()]).values(),
    ...findPointProblems(built, points, project.read),
  ]);
  // As in an engine that starts: a script serves whole, or not at all.
  const sound = built.filter(({ source }) => problems.get(source.name) === undefined);
  for (const { name, spec } of points) {
    const mine = sound.flatMap(({ source, result }) => {
      const all = result.ok ? result.bundle.registrations.filter(isPoint) : [];
      return all.filter(({ point }) => point === name).map((one) => registrationOf(one, source.name));
    });
    if (mine.length > 0) spec.change(mine, []);
  }
  const served = sound.flatMap((one) => routes.get(one) ?? []);
  return {
    scripts: built.map((one): ScriptInfo => {
      const { name, entry, root, dir } = one.source;
      const problem = problems.get(name);
      const count = problem === undefined ? (routes.get(one)?.length ?? 0) : 0;
      return { name, entry, folder: root === dir ? undefined : root, routes: count, problem };
    }),
    endpoints: host.current.endpoints(),
    routes: [...seat.routes.map(({ value }) => routeInfo(value)), ...served.flatMap(infoOf)],
  };
}

/** The first problem of each script that would not serve, with its file. */
function problemsOf(
  built: readonly BuiltScript[],
  found: readonly { readonly script?: string; readonly message: string }[],
): ReadonlyMap<string, string> {
  const problems = new Map<string, string>();
  for (const { source, result } of built) {
    const own = result.ok ? found.find(({ script }) => script === source.name) : result.problems[0];
    if (own !== undefined) problems.set(source.name, `${fileOf(source)}: ${own.message}`);
  }
  return problems;
}

function infoOf({ registration, info, owner, method, path }: Route): readonly RouteInfo[] {
  if (info !== undefined) return [info];
  return registration === undefined ? [] : [scriptRouteInfo({ ...registration, method, path }, owner)];
}
