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
    route("GET /peal/:name", async ({ id, params, signal }) => {
      const bell = hung.find(({ name }) => name === params["name"]);
      const told: unknown[] = [];
      try {
        for await (const value of (await bell?.stream?.({ payload: "peal", parentId: id, signal })) ?? []) {
          told.push(value);
          if (value === "enough") break;
        }
      } catch (error) {
        told.push(error instanceof ProblemError ? [error.code, error.detail] : String(error));
      }
      return Response.json(told);
    });
    route("GET /ring/:name", async ({ id, params }) => {
      const bell = hung.find(({ name }) => name === params["name"]);
      return Response.json((await bell?.invoke?.({ payload: "ring", parentId: id })) ?? null);
    });
  },
});
`;

/** Each way in which a generator may end. */
const PEALS = `import { HttpError, kv, registerBell } from "@aiwebengine/sdk";
registerBell("plain", () => ["one"]);
registerBell("whole", async function* () {
  yield { n: 1 };
  await new Promise((resolve) => setTimeout(resolve, 5));
  yield "é\\n";
  yield null;
});
registerBell("long", async function* () {
  try {
    for (let n = 0; ; n++) yield n < 3 ? n : "enough";
  } finally {
    await new Promise((resolve) => setTimeout(resolve, 5));
    console.info("the long peal was ended,", await kv.increment("peals"));
  }
});
registerBell("refuses", async function* () {
  yield 1;
  throw new HttpError(409, "no more");
});
registerBell("throws", async function* () {
  yield 1;
  throw new Error("a secret");
});
registerBell("odd", async function* () {
  yield 1;
  yield () => {};
});
registerBell("loops", async function* () {
  yield 1;
  for (;;) {}
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

test("a generator of a script is as many values, for a plugin that asks for them, until either has enough", async () => {
  const peal = async (name: string): Promise<unknown> => (await engine.fetch(`/peal/${name}`)).json();
  await drop("scripts/peals.js", PEALS, LOADED);

  expect(await peal("plain")).toEqual([["one"]]);
  expect(await peal("whole")).toEqual([{ n: 1 }, "é\n", null]);
  const after = engine.mark();
  expect(await peal("long")).toEqual([0, 1, 2, "enough"]);
  await engine.waitForLog(/the long peal was ended, 1/, { after });
  expect(await peal("refuses")).toEqual([1, ["conflict", "no more"]]);
  expect(await peal("throws")).toEqual([1, ["script_failed", expect.not.stringContaining("secret")]]);
  await engine.waitForLog(/a secret/, { after });
  expect(await peal("odd")).toEqual([1, ["script_failed", expect.any(String)]]);
  expect(await peal("loops")).toEqual([["uninterrupted_exceeded", expect.any(String)]]);
  // Whoever asks for one value is told that it is many.
  expect(await ring("whole")).toBe(500);
  await engine.waitForLog(/Only a web handler can answer with a stream/, { after });
});

test("when the plugin goes, so does its route; when it is back, so is the bell", async () => {
  await drop("plugins/bells.ts", null, /plugins changed/);
  expect(await ring("ding")).toBe(404);
  await drop("plugins/bells.ts", bells(), /plugins changed/);
  expect(await ring("ding")).toBe("stolen: ring bells");
});
