/** The binary's bytecode is laid out by a recorded start, which must still be like one of today. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ORDER_FILE, recordOrder } from "../bench/order.ts";
import { engineCommand } from "./engine.ts";

const isBinary = engineCommand().length === 1;

test.skipIf(!isBinary)(
  "most of what a starting engine uses is in core/bytecode-order.txt; else run: bun test/bench/order.ts",
  async () => {
    const known = new Set(readFileSync(ORDER_FILE, "utf8").split("\n"));
    const used = await recordOrder([], 0);
    expect(used.length).toBeGreaterThan(500);
    expect(used.filter((line) => known.has(line)).length / used.length).toBeGreaterThan(0.7);
  },
  60_000,
);
