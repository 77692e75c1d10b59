/** The command line: arguments in, exit code out. What the commands do comes from outside. */
import { StartError } from "../errors.ts";
import { renderHelp } from "./help.ts";
import { COLOURED, PLAIN } from "./paint.ts";
import { parseArguments, type Flags } from "./parse.ts";

/** What `serve` was asked for; unset is not given. Values are as typed: config checks them. */
export interface ServeOptions {
  readonly dir: string;
  readonly config: string | undefined;
  readonly set: readonly string[];
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly dev: boolean;
}

export interface CliDependencies {
  /** Serves until the engine ends; answers the exit code. */
  serve(options: ServeOptions): Promise<number>;
  doctor(): Promise<number>;
  readonly version: string;
  stdout(text: string): void;
  stderr(text: string): void;
  /** See `wantsColours`. */
  readonly colours: boolean;
}

/** 0: done; 1: what was asked for failed; 2: wrong usage or config. Never rejects. */
export type ExitCode = number;

function serveOptions(flags: Flags): ServeOptions {
  return {
    dir: flags.text.get("dir") ?? ".",
    config: flags.text.get("config"),
    set: flags.many.get("set") ?? [],
    host: flags.text.get("host"),
    port: flags.text.get("port"),
    dev: flags.switches.has("dev"),
  };
}

export async function runCli(argv: readonly string[], deps: CliDependencies): Promise<ExitCode> {
  const paint = deps.colours ? COLOURED : PLAIN;
  try {
    const parsed = parseArguments(argv);
    if (parsed.kind === "help") {
      deps.stdout(renderHelp(parsed.command, paint));
      return 0;
    }
    switch (parsed.command) {
      case "serve":
        return await deps.serve(serveOptions(parsed.flags));
      case "doctor":
        return await deps.doctor();
      case "version":
        deps.stdout(`${deps.version}\n`);
        return 0;
    }
  } catch (error) {
    return report(error, deps, paint.red);
  }
}

/** A sentence for what the engine foresaw; the stack for what it did not, since that is a fault of ours. */
function report(error: unknown, deps: CliDependencies, red: (text: string) => string): ExitCode {
  if (error instanceof StartError) {
    deps.stderr(`${red("aiwebengine:")} ${error.message}\n`);
    return error.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  deps.stderr(`${red("aiwebengine: unexpected error, please report it")}\n${text}\n`);
  return 1;
}
