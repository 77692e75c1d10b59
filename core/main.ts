/** Entry of the binary: decorator metadata first (a second tsyringe must not load before it), then the part asked for. */
import "reflect-metadata";
import type { BuiltInPlugin } from "../sdk/plugin.ts";

const [first] = process.argv.slice(2);
if (first === "--isolate") await (await import("./isolate/child.ts")).runIsolate();
else if (first === "--builder") await (await import("./isolate/builder.ts")).runBuilder();
else if (first === "--plugin-builder") await (await import("./plugin/bundler.ts")).runBundler();
else {
  const builtIns = async (): Promise<readonly BuiltInPlugin[]> => (await import("../plugins/index.ts")).BUILT_INS;
  process.exitCode = await (await import("./cli/start.ts")).start(process.argv.slice(2), builtIns);
}
