/** Profiles: tables `[profile.<name>]` of the config file that are laid over it, one inheriting from another. */
import { check } from "./check.ts";
import type { ConfigProblem } from "./error.ts";
import { suggest } from "./suggest.ts";
import { emptyBranch, isBranch, nodeAt, placedAt, problemAt, type Branch, type Node } from "./tree.ts";

const NAME = /^[a-z0-9][a-z0-9-]*$/;

interface Profile {
  readonly layer: Branch;
  readonly inherits: string | undefined;
}
type Profiles = ReadonlyMap<string, Profile>;

/** Takes the profiles out of the file's tree and checks all of them: a slip in one that is not used today is one tomorrow. */
export function takeProfiles(file: Branch, problems: ConfigProblem[]): Profiles {
  const section = file.entries.get("profile");
  file.entries.delete("profile");
  const profiles = new Map<string, Profile>();
  if (section === undefined) return profiles;
  if (!isBranch(section)) {
    problems.push(problemAt(section, ["profile"], "expected a table of profiles", "For example: [profile.production]"));
    return profiles;
  }
  for (const [name, node] of section.entries) {
    const profile = readProfile(name, node, problems);
    if (profile) profiles.set(name, profile);
  }
  for (const [name, { inherits }] of profiles) {
    if (inherits !== undefined) checkInherits(name, inherits, profiles, section, problems);
  }
  return profiles;
}

function readProfile(name: string, node: Node, problems: ConfigProblem[]): Profile | undefined {
  const path = ["profile", name];
  if (!NAME.test(name)) {
    problems.push(problemAt(node, path, "expected a profile's name: lower-case letters, digits and hyphens"));
    return undefined;
  }
  if (!isBranch(node)) {
    problems.push(problemAt(node, path, "expected a table"));
    return undefined;
  }
  const keys = new Map(node.entries);
  const inherits = keys.get("inherits");
  keys.delete("inherits");
  const own: Branch = { ...node, entries: keys };
  problems.push(...check(own, path).problems);
  const base = inherits && !isBranch(inherits) ? inherits.value : undefined;
  if (inherits && typeof base !== "string") {
    problems.push(problemAt(inherits, [...path, "inherits"], "expected the name of a profile"));
  }
  return { layer: placedAt(own, path), inherits: typeof base === "string" ? base : undefined };
}

function checkInherits(
  name: string,
  inherits: string,
  profiles: Profiles,
  section: Branch,
  problems: ConfigProblem[],
): void {
  const path = ["profile", name, "inherits"];
  const node = nodeAt(section, [name, "inherits"]) ?? section;
  if (!profiles.has(inherits)) {
    if (section.entries.has(inherits)) return; // it was refused itself
    problems.push(
      problemAt(node, path, `there is no profile ${JSON.stringify(inherits)}`, proposal(inherits, profiles)),
    );
    return;
  }
  const way = chainOf(name, profiles);
  // Told once, at the first of those that stand in the circle.
  if (way.at(-1) === name && way.toSorted()[0] === name) {
    problems.push(problemAt(node, path, `profiles inherit in a circle: ${[...way.slice(0, -1), name].join(" → ")}`));
  }
}

/** The names from a profile to its last ancestor; in a circle the last is the first that came again. */
function chainOf(name: string, profiles: Profiles): readonly string[] {
  const way: string[] = [];
  for (let at: string | undefined = name; at !== undefined; at = profiles.get(at)?.inherits) {
    const again = way.includes(at);
    way.push(at);
    if (again) break;
  }
  return way;
}

function proposal(name: string, profiles: Profiles): string {
  const names = [...profiles.keys()];
  const near = suggest(name, names);
  if (near !== undefined) return `Did you mean ${JSON.stringify(near)}?`;
  return names.length === 0
    ? `The config file has no profiles; one begins with [profile.${NAME.test(name) ? name : "production"}].`
    : `There are: ${names.join(", ")}.`;
}

/** What a profile lays over the file, in order: its last ancestor first. `place` says who chose it. */
export function layersOf(
  name: string,
  place: string,
  profiles: Profiles,
  problems: ConfigProblem[],
): readonly Branch[] {
  if (!profiles.has(name)) {
    const message = `there is no profile ${JSON.stringify(name)}`;
    problems.push({ key: "", message, place, hint: proposal(name, profiles) });
    return [];
  }
  const layers = chainOf(name, profiles).map(
    (one) => profiles.get(one)?.layer ?? emptyBranch({ kind: "option", shown: place }),
  );
  return layers.toReversed();
}
