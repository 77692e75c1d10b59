/** Which saves make a script's new version. */
import { expect, test } from "bun:test";
import { concerns, type Changes } from "../../../core/script/changes.ts";
import type { ScriptSource } from "../../../core/script/source.ts";

const FILE: ScriptSource = { name: "shop", dir: "/s", entry: "/s/shop.ts", root: "/s", kind: "file" };
const FOLDER: ScriptSource = { name: "shop", dir: "/s", entry: "/s/shop/index.ts", root: "/s/shop", kind: "folder" };
const INPUTS = ["/s/_shared/money.ts", "/s/shop/node_modules/zod/index.js", "/s/node_modules/dayjs/a.js"];

const table: readonly (readonly [changes: string, of: ScriptSource, failed: boolean, concerned: boolean])[] = [
  ["shop.ts", FILE, false, true],
  ["shop.tsx", FILE, false, false],
  ["other.ts", FILE, false, false],
  ["other.ts", FILE, true, false],
  ["other.ts _shared/money.ts", FILE, false, true],
  ["_shared/money.ts", FILE, false, true],
  ["_shared/other.ts", FILE, false, false],
  ["_shared/other.ts", FILE, true, true],
  ["node_modules/other/x.js", FILE, false, false],
  ["node_modules/other/x.js", FILE, true, true],
  ["shop/helper.ts", FOLDER, false, true],
  ["shop", FOLDER, false, true],
  ["shop/helper.ts", FILE, false, false],
  ["shopping/helper.ts", FOLDER, false, false],
  ["node_modules", FILE, false, true],
  ["shop/node_modules", FILE, false, true],
  ["other/node_modules", FILE, false, false],
  ["_shared", FILE, false, false],
  ["", FILE, false, false],
];

test.each(table)("after a change of %s", (changes, source, failed, concerned) => {
  const paths: Changes = new Set(changes.split(" ").filter((path) => path !== ""));
  expect(concerns(paths, { source, inputs: INPUTS, failed })).toBe(concerned);
});

test("what may be anything concerns every script, nothing none, and another config every one", () => {
  const built = { source: FILE, inputs: [], failed: false };
  expect((["all", "config", "none"] as const).map((changes) => concerns(changes, built))).toEqual([true, true, false]);
});
