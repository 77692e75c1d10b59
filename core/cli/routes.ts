/** `aiwebengine routes`: which script or plugin answers what, from a build of each. */
import { relative } from "node:path";
import { printable } from "../log/escape.ts";
import { findClashes, routesOfBuilt, type Route } from "./check/findings.ts";
import { openProject } from "./check/project.ts";
import type { Call } from "./command.ts";
import { readOffers } from "./offers.ts";
import type { Paint } from "./paint.ts";
import { withProgress } from "./progress.ts";

interface Row extends Route {
  /** Why it does not serve. */
  readonly clash?: string;
}

export async function run(call: Call): Promise<number> {
  const { flags, io, version } = call;
  const { config, offers } = await readOffers(call);
  const project = await openProject({ config, version, offer: offers.offer });
  let say = "building";
  const all = project.scripts.length;
  const work = () => project.build(project.scripts, (done) => (say = `building: ${done} of ${all} scripts`));
  const built = await withProgress(io, () => say, work).finally(() => project.dispose());
  const routes = built.flatMap((one) => routesOfBuilt(one, config, project.read) ?? []);
  const rows = sorted([...offers.routes, ...routes]);
  if (flags.has("json")) io.stdout(routesJson(rows));
  else {
    io.stdout(renderRoutes(rows, config.dir, io.paint));
    if (routes.length === 0) io.stdout("No script registers a route yet.\n");
  }
  const broken = built.filter(({ result }) => !result.ok).map(({ source }) => source.name);
  if (broken.length > 0) {
    const names = broken.join(", ");
    io.stderr(
      `${io.errorPaint.red("Without routes, since they do not load:")} ${names}. See: aiwebengine check ${broken.join(" ")}\n`,
    );
  }
  return broken.length > 0 || rows.some(({ clash }) => clash !== undefined) ? 1 : 0;
}

function sorted(routes: readonly Route[]): Row[] {
  const order = ({ path, method }: Route): string => `${path} ${method}`;
  const clashes = findClashes(routes);
  return routes
    .map((route): Row => {
      const clash = clashes.get(route)?.message;
      return clash === undefined ? route : { ...route, clash };
    })
    .toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** Files are relative to the project folder. */
export function routesJson(rows: readonly Row[]): string {
  const routes = rows.map(({ method, path, owner, ofPlugin, file, line, clash }) => ({
    method,
    path,
    ...(ofPlugin === true ? { plugin: owner } : { script: owner }),
    file: file === undefined ? undefined : `scripts/${file}`,
    line,
    clash,
  }));
  return `${JSON.stringify({ routes }, null, 2)}\n`;
}

/** A table; ends with a line break. */
export function renderRoutes(rows: readonly Row[], dir: string, paint: Paint): string {
  const place = ({ file, line }: Row): string =>
    file === undefined
      ? ""
      : `${relative(process.cwd(), `${dir}/scripts/${file}`)}${line === undefined ? "" : `:${line}`}`;
  const owner = (row: Row): string => (row.ofPlugin === true ? `plugin ${row.owner}` : row.owner);
  const cells = rows.map((row) => [row.method, printable(row.path), owner(row), printable(place(row))]);
  const head = ["METHOD", "PATH", "OWNER", "FILE"];
  const widths = head.map((title, at) => Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  return [
    paint.dim(line(head)),
    ...rows.flatMap(({ clash }, at) => [
      clash === undefined ? line(cells[at] ?? []) : paint.red(line(cells[at] ?? [])),
      ...(clash === undefined ? [] : [paint.red(`        ${printable(clash)}`)]),
    ]),
    "",
  ].join("\n");
}
