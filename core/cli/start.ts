/** The command line of this process: its streams, its version, and what the commands do. */
import pkg from "../../package.json" with { type: "json" };
import { runCli } from "./index.ts";
import { wantsColours } from "./paint.ts";

export function start(argv: readonly string[]): Promise<number> {
  return runCli(argv, {
    version: pkg.version,
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
    colours: wantsColours(process.stdout, process.env),
    serve: async (options) => (await import("./serve.ts")).serve(options, pkg.version),
    doctor: async () => (await import("./doctor-report.ts")).doctor(pkg.version),
  });
}
