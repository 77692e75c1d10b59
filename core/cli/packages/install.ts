/** The package manager that the binary carries, run in a script's folder. Nothing of a package runs while it is installed. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { StartError } from "../../errors.ts";
import { BUN_ENV } from "../check/typecheck.ts";
import { UsageError } from "../parse.ts";

const ALWAYS = [
  // A package's own scripts are somebody's code, and would run outside every jail.
  "--ignore-scripts",
  // A script may not leave its folder, not by a link either.
  "--linker=hoisted",
  "--backend=copyfile",
  "--no-progress",
];

/** A package as it is typed, with paths made absolute: the installer works in another folder. */
export function checkSpec(spec: string, cwd: string, command: string): string {
  // After "--" the parser lets it through, and the installer would take it for one of its flags.
  if (spec.startsWith("-") || spec === "") throw new UsageError(`${JSON.stringify(spec)} is no package.`, command);
  const file = spec.replace(/^file:/, "");
  return /^\.{0,2}\//.test(file) || (file.endsWith(".tgz") && existsSync(resolve(cwd, file)))
    ? resolve(cwd, file)
    : spec;
}

/** @throws StartError with what the installer said. */
export async function install(verb: "add" | "remove", packages: readonly string[], root: string): Promise<void> {
  const exact = verb === "add" ? ["--exact"] : [];
  const child = Bun.spawn([process.execPath, verb, ...ALWAYS, ...exact, ...packages], {
    cwd: root,
    // Whole: proxies, registries and their credentials come from there.
    env: { ...process.env, ...BUN_ENV, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code === 0) return;
  const said = `${err}\n${out}`
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^(?:bun (?:add|remove) v|Resolv)/.test(line))
    .join("\n  ");
  const task = verb === "add" ? "installed" : "removed";
  throw new StartError(`${packages.join(", ")} could not be ${task}:\n  ${said === "" ? `code ${code}` : said}`);
}
