/** What a plugin may say of itself; each refusal says what is wrong and what would be right. */
import { expect, test } from "bun:test";
import { readManifest } from "../../../core/plugin/manifest.ts";

const TEA = { name: "tea", version: "1.0.0", setup() {} };
const read = (value: unknown) => readManifest(value, { name: "tea" }, "0.1.0");

test("the least there is, and all there is", () => {
  expect(read(TEA)).toEqual({
    name: "tea",
    version: "1.0.0",
    engine: undefined,
    config: undefined,
    requires: [],
    provides: [],
    before: [],
    after: [],
  });
  const config = { port: "number = 25" };
  const all = { engine: "^0.1.0", config, requires: ["a"], provides: ["b"], before: ["c"], after: ["d", "e"] };
  expect(read({ ...TEA, version: "1.0.0-rc.1+x", ...all })).toEqual({ name: "tea", version: "1.0.0-rc.1+x", ...all });
});

const refused: readonly (readonly [what: string, value: unknown, says: string | RegExp])[] = [
  ["no object", 1, "its default export is no plugin; write `export default definePlugin("],
  ["nothing", null, "is no plugin"],
  ["an unknown key", { ...TEA, requiers: [] }, 'a manifest has no "requiers"; did you mean "requires"?'],
  ["a key like no other", { ...TEA, zzzzzzzzz: 1 }, /^a manifest has no "zzzzzzzzz"$/],
  ["permissions", { ...TEA, permissions: [] }, '"permissions" cannot be asked for: plugins run with all rights'],
  ["no name", { ...TEA, name: undefined }, "its name must be lower-case letters"],
  ["a name with capitals", { ...TEA, name: "Tea" }, 'it is "Tea"'],
  ["a name with a digit first", { ...TEA, name: "2fa" }, "with a letter first"],
  ["another's name", { ...TEA, name: "coffee" }, 'it calls itself "coffee" and its file "tea"'],
  ["a version of two parts", { ...TEA, version: "1.0" }, 'its version must be like "1.0.0"; it is "1.0"'],
  ["a version that is a number", { ...TEA, version: 1 }, "it is 1"],
  ["a version with more behind it", { ...TEA, version: "1.0.0 beta" }, "its version must be"],
  ["another engine", { ...TEA, engine: "^2.0.0" }, 'it works with engine "^2.0.0", and this is 0.1.0'],
  ["an engine that is no range", { ...TEA, engine: 1 }, "it works with engine 1"],
  ["no setup", { ...TEA, setup: undefined }, "it has no setup(ctx)"],
  ["a config that is a text", { ...TEA, config: "string" }, "its config must be an arktype definition of an object"],
  ["a config that is a list", { ...TEA, config: [] }, "its config must be"],
  ["a config that is null", { ...TEA, config: null }, "its config must be"],
  ["one name for a list", { ...TEA, requires: "kv" }, '"requires" must be a list of names'],
  ["a list of no names", { ...TEA, after: [1] }, '"after" must be a list of names'],
  ["an empty name", { ...TEA, provides: [""] }, '"provides" must be a list of names'],
];

test.each(refused)("%s is refused", (_, value, says) => {
  expect(() => read(value)).toThrow(says);
});
