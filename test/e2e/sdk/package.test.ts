/** The npm package `@aiwebengine/sdk`, as those who install it get it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { committedDeclarations } from "../../../sdk/package/declarations.ts";
import { ENTRIES } from "../../../sdk/package/entries.ts";
import { packedProject, ROOT, run, type PackedProject } from "./project.ts";

let project: PackedProject;
beforeAll(async () => {
  project = await packedProject();
}, 60_000);
afterAll(() => project[Symbol.asyncDispose]());

const installed = (path: string): string => join(project.dir, "node_modules/@aiwebengine/sdk", path);

test("publint finds nothing", async () => {
  const tool = join(ROOT, "node_modules/publint/src/cli.js");
  const { code, out } = await run(["node", tool, "run", project.tarball, "--strict"], project.dir);
  expect(out).toContain("All good!");
  expect(code).toBe(0);
}, 30_000);

test("its types resolve everywhere; that it has ES modules only is all that can be said against it", async () => {
  const tool = join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js");
  const { code, out } = await run(
    ["node", tool, project.tarball, "--ignore-rules", "cjs-resolves-to-esm"],
    project.dir,
  );
  expect(out).toContain("No problems found");
  expect(code).toBe(0);
}, 90_000);

test("it depends on nothing, has the engine's version, and carries no source and no path of ours", async () => {
  const manifest = JSON.parse(await readFile(installed("package.json"), "utf8")) as Record<string, unknown>;
  const root = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as Record<string, unknown>;
  expect([manifest["name"], manifest["version"]]).toEqual(["@aiwebengine/sdk", root["version"]]);
  for (const key of ["dependencies", "peerDependencies", "optionalDependencies", "scripts"])
    expect(manifest[key]).toBeUndefined();
  const files = (await readdir(installed("."), { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  );
  for (const { name, parentPath } of files) {
    expect(name).toMatch(/(?:\.js|\.d\.ts|^package\.json|^README\.md|^LICENSE)$/);
    const text = await readFile(join(parentPath, name), "utf8");
    expect(text).not.toContain(ROOT);
    // Every import stays inside.
    for (const [, specifier] of text.matchAll(/^(?:import|export) [^"]*from "([^"]+)"/gm))
      expect([name, specifier]).toEqual([name, expect.stringMatching(/^\.\.?\/|^@aiwebengine\/sdk/)]);
  }
});

test("every value that is declared is there", async () => {
  const declarations = await committedDeclarations();
  /** Names of values, through `export * from`. */
  const valuesOf = (path: string): string[] => {
    const text = declarations.get(path) ?? "";
    const own = [...text.matchAll(/^export declare (?:const|function|class) (\w+)/gm)].map(([, name]) => name!);
    const listed = [...text.matchAll(/^export \{([^}]*)\} from/gm)].flatMap(([, names]) => names!.split(","));
    const stars = [...text.matchAll(/^export \* from "\.\/([^"]+)\.js"/gm)].flatMap(([, to]) => valuesOf(`${to}.d.ts`));
    return [...own, ...listed.map((name) => name.trim()).filter((name) => name !== ""), ...stars];
  };
  for (const { path, declaration } of ENTRIES) {
    const module = (await import(installed(`${declaration}.js`))) as object;
    const declared = [...new Set(valuesOf(`${declaration}.d.ts`))];
    expect(declared.length, path).toBeGreaterThan(0);
    expect(Object.keys(module)).toEqual(expect.arrayContaining(declared));
  }
});

const CALLS = `
import { createClient } from "@aiwebengine/sdk/client";
import { definePlugin } from "@aiwebengine/sdk/plugin";
import { expect, test } from "@aiwebengine/sdk/testing";
const api = createClient<typeof import("./notes.ts")>("https://a.example");
export const note: Promise<{ text: string; stars: number; at: string }> =
  api("POST /notes/:id", { params: { id: "1" }, body: { text: "milk" } });
export default definePlugin({ name: "a", version: "1.0.0", config: { n: "number = 1" }, setup: ({ config, log }) => log.info(config.n.toFixed()) });
test("a", () => expect(1).toBe(1));
`;
const WRONG = `
import { createClient } from "@aiwebengine/sdk/client";
const api = createClient<typeof import("./notes.ts")>("https://a.example");
export const results = [
  api("GET /nope"),
  api("POST /notes/:id", { body: { text: "milk" } }),
  api("POST /notes/:id", { params: { id: "1" }, body: { text: 1 } }),
];
`;
const NOTES = `
import { registerWebHandler } from "@aiwebengine/sdk";
export const add = registerWebHandler("POST /notes/:id", { body: { text: "string <= 280", stars: "number = 0" } },
  ({ body }) => ({ ...body, at: new Date() }));
`;

const OPTIONS = {
  target: "ESNext",
  lib: ["ESNext", "DOM", "DOM.Iterable"],
  types: [],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  allowImportingTsExtensions: true,
};

async function check(folder: string, options: object): Promise<string> {
  const manifest = JSON.stringify({ compilerOptions: { ...OPTIONS, ...options }, include: ["**/*.ts"] });
  await project.write(`${folder}/tsconfig.json`, manifest);
  const command = [process.execPath, "check", "--no-pretty", "--no-script", "-p", folder];
  return (await run(command, project.dir, { BUN_BE_BUN: "1" })).out;
}

const BUNDLER = { module: "Preserve", moduleResolution: "bundler" };

test("the examples of its page have no type errors", async () => {
  const page = await readFile(join(ROOT, "docs/sdk.md"), "utf8");
  const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, block]) => block!);
  expect(blocks.length).toBe(4);
  for (const [at, block] of blocks.entries()) await project.write(`page/example-${at}.ts`, block);
  await project.write("page/scripts/notes.ts", await readFile(join(ROOT, "scripts/notes.ts"), "utf8"));
  expect(await check("page", BUNDLER)).toContain("No type errors");
}, 30_000);

test.each([["bundler", BUNDLER] as const, ["nodenext", { module: "NodeNext", moduleResolution: "nodenext" }] as const])(
  "its types hold in a project of its own, with %s resolution",
  async (_name, options) => {
    await project.write("own/notes.ts", NOTES);
    await project.write("own/calls.ts", CALLS);
    await project.write("own/wrong.ts", WRONG);
    const out = await check("own", options);
    expect([...out.matchAll(/(\w+\.ts)\((\d+),/gm)].map(([, file, line]) => `${file}:${line}`)).toEqual([
      "wrong.ts:5",
      "wrong.ts:6",
      "wrong.ts:7",
    ]);
  },
  30_000,
);
