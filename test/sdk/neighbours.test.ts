/** Scripts see each other's types, never each other's code. */
import { expect, test } from "bun:test";
import { project, tryBundle } from "../core/isolate/build/project.ts";

const FILES = {
  "notes.ts": `import { registerWebHandler } from "@aiwebengine/sdk";
    export interface Note { readonly id: string }
    export const secret = "SECRET";
    export const read = registerWebHandler("GET /notes/:id", ({ params }): Note => ({ id: params.id }));`,
  "shop/index.ts": `export type Price = number; export const secret = "SECRET";`,
};

test.each([
  ["import type", `import type { Note } from "./notes"; export const a = (note: Note) => note.id;`],
  [
    "import type of a folder",
    `import type { Price } from "./shop/index.ts"; export const a = (price: Price) => price;`,
  ],
  ["a type among names", `import { type Note } from "./notes.ts"; export const a = (note: Note) => note.id;`],
  ["a type in place", `export const a = (note: import("./notes").Note) => note.id;`],
  ["a module's type", `export const a = (notes: typeof import("./notes")) => typeof notes;`],
  ["export type", `export type { Note } from "./notes"; export const a = 1;`],
])("%s of another script leaves nothing of it in the bundle", async (_form, source) => {
  using folder = project({ ...FILES, "main.ts": source });
  const { bundled, problems, inputs } = await tryBundle(folder.scope("main.ts"));
  expect(problems).toEqual([]);
  expect(JSON.stringify(bundled)).not.toContain("SECRET");
  // Not read either: it is no input, and a change of it builds nothing anew.
  expect(inputs.map(({ path }) => path)).not.toContain(`${folder.scriptsDir}/notes.ts`);
});

test.each([
  ["a value", `import { secret } from "./notes"; export const a = secret;`],
  ["everything", `import * as notes from "./notes.ts"; export const a = notes;`],
  ["what runs", `import "./notes.ts"; export const a = 1;`],
  ["a value passed on", `export { secret } from "./shop";`],
  ["an import at run time", `export const a = () => import("./notes.ts");`],
])("%s of another script is refused with the way that is open", async (_form, source) => {
  using folder = project({ ...FILES, "main.ts": source });
  const { problems } = await tryBundle(folder.scope("main.ts"));
  expect(problems[0]).toMatchObject({
    code: "import_refused",
    message: expect.stringMatching(/is a file of the script "(?:notes|shop)"/),
    hint: expect.stringContaining("message"),
  });
});
