/** A dropped plugin that owns a point: scripts register at it while it comes, changes, refuses and goes. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startEngine, type Engine } from "./engine.ts";

/** All that it takes to own a kind of registration. */
const bells = (more = ""): string => `/** Bells that scripts hang up, and that a route rings. */
import { definePlugin, ProblemError, type PointRegistration } from "@aiwebengine/sdk/plugin";

export default definePlugin({
  name: "bells",
  version: "1.0.0",
  setup({ point, route }) {
    let hung: readonly PointRegistration[] = [];
    point("bells", {
      functions: { registerBell: { args: ["name", "options?", "handler"], aliases: ["hangBell"] } },
      options: { "loud?": "boolean" },
      types: "export declare function registerBell(name: string, handler: (context: PointContext) => unknown): void;",
      validate({ name }, all) {
        ${more}
        if (all.filter((one) => one.name === name).length > 1) throw new ProblemError("conflict", "it hangs already");
      },
      change: (next) => void (hung = next),
    });
    route("GET /ring/:name", async ({ id, params }) => {
      const bell = hung.find(({ name }) => name === params["name"]);
      return Response.json((await bell?.invoke?.({ payload: "ring", parentId: id })) ?? null);
    });
  },
});
`;

const script = (name: string, says = name): string => `import { registerBell } from "@aiwebengine/sdk";
registerBell("${name}", ({ payload, kind }) => "${says}: " + payload + " " + kind);
`;

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

async function ring(name: string): Promise<unknown> {
  const answer = await engine.fetch(`/ring/${name}`);
  return answer.status === 200 ? answer.json() : answer.status;
}

/** Writes, or removes, and waits until the engine says what came of it. */
async function drop(path: string, content: string | null, says: RegExp): Promise<string> {
  const after = engine.mark();
  if (content === null) await engine.remove(path);
  else await engine.write(path, content);
  return engine.waitForLog(says, { after });
}

const LOADED = /"script (loaded|reloaded)"/;

test("a script that registers what no plugin takes is told so, and serves as soon as one does", async () => {
  await drop("scripts/a.js", script("ding"), /registerBell/);
  expect(await ring("ding")).toBe(404);
  await drop("plugins/bells.ts", bells(), LOADED);
  expect(await ring("ding")).toBe("ding: ring bells");
});

test("a script's change reaches the point, and one that the point refuses leaves the last version", async () => {
  await drop("scripts/a.js", script("ding", "louder"), LOADED);
  expect(await ring("ding")).toBe("louder: ring bells");
  const told = await drop("scripts/b.js", script("ding", "stolen"), /it hangs already/);
  expect(told).toContain('registerBell(\\"ding\\")');
  expect(await ring("ding")).toBe("louder: ring bells");
});

test("what was refused is taken as soon as nothing is in its way", async () => {
  await drop("scripts/a.js", null, LOADED);
  expect(await ring("ding")).toBe("stolen: ring bells");
});

test("a generation whose point does not take what serves is refused, and the one before goes on", async () => {
  const picky = `if (name === "ding") throw new ProblemError("bad_registration", "no dings");`;
  expect(await drop("plugins/bells.ts", bells(picky), /no dings/)).toContain('the script \\"b\\" registers');
  expect(await ring("ding")).toBe("stolen: ring bells");
});

test("the next generation has all that the one before had", async () => {
  await drop("plugins/bells.ts", bells("void 0;"), /plugins changed/);
  expect(await ring("ding")).toBe("stolen: ring bells");
});

test("when the plugin goes, so does its route; when it is back, so is the bell", async () => {
  await drop("plugins/bells.ts", null, /plugins changed/);
  expect(await ring("ding")).toBe(404);
  await drop("plugins/bells.ts", bells(), /plugins changed/);
  expect(await ring("ding")).toBe("stolen: ring bells");
});
