/** What the keys of config demand of each other. */
import { accessSync, constants } from "node:fs";
import { resolve } from "node:path";
import type { ConfigProblem } from "./error.ts";
import { LIMIT_NAMES } from "./limits.ts";
import type { Config } from "./schema.ts";
import { nodeAt, problemAt, type Branch } from "./tree.ts";

/** No limit is above its maximum. */
export function checkMaxima(config: Config, tree: Branch, problems: ConfigProblem[]): void {
  const scripts = Object.entries(config.scripts).map(([name, script]) => [["scripts", name], script.limits] as const);
  for (const [prefix, limits] of [[[] as readonly string[], config.limits] as const, ...scripts]) {
    for (const name of LIMIT_NAMES) {
      const value = limits[name];
      const max = config.limits.max[name];
      if (value === undefined || value <= max) continue;
      const path = [...prefix, "limits", name];
      const maxPath = ["limits", "max", name];
      // A lowered maximum can be the odd one out: then the limit itself stands nowhere.
      const given = nodeAt(tree, path);
      const message = `${path.join(".")} is ${value}, above limits.max.${name}, which is ${max}`;
      const at = given ?? nodeAt(tree, maxPath) ?? tree;
      problems.push(problemAt(at, given ? path : maxPath, message, "Lower the limit, or raise the maximum."));
    }
  }
}

/** Certificate and key come together, and can be read. Answers them as absolute paths. */
export function checkTls(config: Config, tree: Branch, problems: ConfigProblem[]): Config["server"]["tls"] {
  const { cert, key } = config.server.tls;
  const absolute = { cert: cert && resolve(config.dir, cert), key: key && resolve(config.dir, key) };
  for (const name of ["cert", "key"] as const) {
    const path = ["server", "tls", name];
    const file = absolute[name];
    if (file === undefined) {
      const other = ["server", "tls", name === "cert" ? "key" : "cert"];
      const given = nodeAt(tree, other);
      if (given) problems.push(problemAt(given, other, `needs ${path.join(".")} as well`));
      continue;
    }
    try {
      accessSync(file, constants.R_OK);
    } catch {
      const message = `the file ${file} does not exist or cannot be read`;
      problems.push(problemAt(nodeAt(tree, path) ?? tree, path, message));
    }
  }
  return absolute;
}
