/**
 * `bun test/bench/order.ts`: records which functions an engine uses as it starts and serves, in core/bytecode-order.txt. The
 * build lays their bytecode together in the binary, so that fewer of its pages are ever read (docs/decisions/0005-idle-memory.md).
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { prepareFolder, startEngine } from "../e2e/engine.ts";
import { ENGINE_SCRIPTS, fillers } from "./peers.ts";

export const ORDER_FILE = join(import.meta.dir, "../../core/bytecode-order.txt");

/** Kinds of lines that stay: its version, functions, modules, Node's modules. Those of strings are many, and save nothing. */
const KEPT = /^(?:v\d|[FMN] )/;
/** Longer than it takes until an engine that is left alone has done all that it then does. */
const IDLE_MS = 1000;
const SETTLE_MS = 4000;

/** What one engine uses, in the order of its first use; `settleMs` after its first call it is stopped. Needs the binary. */
export async function recordOrder(args: readonly string[], settleMs: number): Promise<readonly string[]> {
  const dir = await prepareFolder({ scripts: { ...ENGINE_SCRIPTS, ...fillers(5) } });
  const out = join(await mkdtemp(join(tmpdir(), "aiwebengine-order-")), "order");
  try {
    // The first start builds the scripts, which the usual one does not.
    for (const env of [undefined, { BUN_BYTECODE_ORDER_OUT: out }]) {
      await using engine = await startEngine({
        dir,
        env: { ...env },
        args: ["--set", `isolates.idleMs=${IDLE_MS}`, ...args],
      });
      await (await engine.fetch("/hello")).text();
      if (env !== undefined) await Bun.sleep(settleMs);
      await engine.stop();
    }
    return (await readFile(out, "utf8")).split("\n").filter((line) => KEPT.test(line));
  } finally {
    for (const folder of [dir, out]) await rm(dirname(folder), { recursive: true, force: true });
  }
}

if (import.meta.main) {
  // An isolate has no right to write a file: what it uses is seen where it is a thread of the engine.
  const engine = await recordOrder([], SETTLE_MS);
  const isolate = await recordOrder(["--set", "isolates.mode=thread"], SETTLE_MS);
  await writeFile(ORDER_FILE, `${[...new Set([...engine, ...isolate])].join("\n")}\n`);
}
