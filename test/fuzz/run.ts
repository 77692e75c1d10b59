/** `npm run fuzz [seconds] [seed]`: the realm fuzzer, then the protocol fuzzer, each for so long. */
import { join } from "node:path";

const args = process.argv.slice(2);
let worst = 0;
for (const file of ["realm.ts", "protocol.ts"]) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, file), ...args], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  worst = Math.max(worst, await child.exited);
}
process.exit(worst);
