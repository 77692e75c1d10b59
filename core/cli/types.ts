/** `aiwebengine types`: writes the types that editors complete scripts with, as `serve` and `check` do. */
import { join } from "node:path";
import { writeTypings } from "../script/typings.ts";
import { needScripts } from "./check/project.ts";
import type { Call } from "./command.ts";
import { readOffers } from "./offers.ts";

export async function run(call: Call): Promise<number> {
  const { config, offers } = await readOffers(call);
  const scriptsDir = join(config.dir, "scripts");
  needScripts(scriptsDir);
  await writeTypings(scriptsDir, { ...offers.types, version: call.version });
  call.io.stdout("The types are in scripts/.aiwebengine/; scripts/tsconfig.json is for your own settings.\n");
  return 0;
}
