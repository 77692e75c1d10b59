/** What is wrong with a config: all of it at once, each with its place and the way out. */
import { StartError } from "../errors.ts";

export interface ConfigProblem {
  /** The full key, `server.port`; empty when the file itself cannot be read. */
  readonly key: string;
  /** One sentence without the key. */
  readonly message: string;
  /** Where the value came from: `aiwebengine.toml:3:1` or `--set server.port=x`. */
  readonly place: string;
  /** The line of the file with a caret under the key. */
  readonly frame?: string;
  /** What to do next. */
  readonly hint?: string;
}

function renderProblem(problem: ConfigProblem): string {
  const head = [problem.place, problem.key, problem.message].filter((part) => part !== "").join(": ");
  const frame = problem.frame?.replace(/^/gm, "  ");
  const hint = problem.hint === undefined ? undefined : `  ${problem.hint}`;
  return [head, frame, hint].filter((part) => part !== undefined).join("\n");
}

/** More at once nobody reads, and a broken file may have thousands. */
const MOST_SHOWN = 20;

/** The config cannot be used. `message` is ready to print; the command line ends with 2. */
export class ConfigError extends StartError {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
    const more = problems.length > MOST_SHOWN ? `\n\nand ${problems.length - MOST_SHOWN} more` : "";
    const shown = problems.slice(0, MOST_SHOWN).map(renderProblem).join("\n\n");
    super(`The config has ${count}.\n\n${shown}${more}`, { exitCode: 2 });
    this.problems = problems;
  }
}
