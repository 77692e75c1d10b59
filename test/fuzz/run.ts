/** `npm run fuzz [seconds] [seed]`: the fuzzers of the realm, the protocol and the documented API, each for so long. */
import { join } from "node:path";

const args = process.argv.slice(2);
let worst = 0;
for (const file of ["realm.ts", "protocol.ts", "openapi.ts", "schemathesis.ts"]) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, file), ...args], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  worst = Math.max(worst, await child.exited);
}
process.exit(worst);
