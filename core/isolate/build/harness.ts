/** The entry of a build for tests: the test host first, then the script as it is, then its test files. */
import type { Harness } from "./messages.ts";
import { TESTING } from "./virtual.ts";

export const HARNESS = "aiwebengine:harness";
export const HARNESS_SCRIPT = "aiwebengine:script";
/** A test file, by its path relative to the folder of scripts, follows. */
export const HARNESS_FILE = "aiwebengine:test/";

/** `require` keeps the order, and leaves to the script which form it has. Without test files it runs as when it serves. */
export function harnessSource({ files }: Harness): string {
  const lines = files.map(({ path }) => {
    const file = JSON.stringify(path);
    return `host.beginFile(${file}); require(${JSON.stringify(HARNESS_FILE + path)});`;
  });
  return `require("${TESTING}");
const host = globalThis[Symbol.for("aiwebengine.testing")];
${files.length > 0 ? "host.isolate();" : ""}
module.exports = require("${HARNESS_SCRIPT}");
${lines.join("\n")}
host.end();
`;
}
