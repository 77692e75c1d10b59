/** Commands of plugins that want the project's scripts: built as `check` builds them, given to points, and not served. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { prepareFolder, runEngine } from "./engine.ts";

const PLUGIN = `import { definePlugin, type PointRegistration } from "@aiwebengine/sdk/plugin";
export default definePlugin({
  name: "survey",
  version: "1.0.0",
  requires: ["engine"],
  setup({ use, point, route, command }) {
    const engine = use("engine");
    let held: readonly PointRegistration[] = [];
    point("survey", {
      functions: { registerQuestion: { args: ["name", "handler"] } },
      types: "export declare function registerQuestion(name: string, handler: (context: unknown) => unknown): void;",
      validate({ name }) { if (name === "bad") throw new Error("no such question"); },
      change: (next) => void (held = next),
    });
    route("GET /survey", () => new Response("taken"));
    const run = async ({ stdout }: { stdout(text: string): void }) => {
      const asked = await Promise.all(held.map(({ invoke }) => invoke!({}).catch((error) => error.code)));
      stdout(JSON.stringify({
        routes: engine.routes().filter(({ owner, ofPlugin }) => !ofPlugin || owner === "survey"),
        scripts: engine.scripts().map(({ name, routes, problem }) => ({ name, routes, problem })),
        held: held.map(({ script, name }) => [script, name]),
        asked,
      }));
      return 0;
    };
    command({ name: "survey", summary: "Says what it knows.", scripts: true, run });
    command({ name: "survey-blind", summary: "The same without scripts.", run });
  },
});`;

const SCRIPTS = {
  "asks.js": `registerQuestion("why", () => 1);
    registerWebHandler("POST /asks/:id", { summary: "Ask", body: { text: "string" } }, () => 1);`,
  "fetches.js": `export default { fetch: () => new Response("x") };`,
  "broken.js": `registerWebHandler("GET /broken", {`,
  "refused.js": `registerWebHandler("GET /refused", () => 1);\nregisterQuestion("bad", () => 1);`,
  "taken.js": `registerWebHandler("GET /survey", () => 1);`,
};

let dir: string;
beforeAll(async () => {
  const config = `[scripts.fetches]\nmount = "/mounted"\n`;
  dir = await prepareFolder({ scripts: SCRIPTS, files: { "plugins/survey.ts": PLUGIN }, config });
});
afterAll(() => rm(dirname(dir), { recursive: true, force: true }));

test("the command sees the routes with their schemas, and its point the registrations, of every script that would serve", async () => {
  const { code, stdout, stderr } = await runEngine(["survey", "--dir", dir]);
  expect([code, stderr]).toEqual([0, ""]);
  const told = JSON.parse(stdout);
  expect(told.held).toEqual([["asks", "why"]]);
  expect(told.asked).toEqual(["not_ready"]);
  expect(told.routes).toEqual([
    { method: "GET", path: "/survey", owner: "survey", ofPlugin: true, options: {}, schemas: {} },
    {
      method: "POST",
      path: "/asks/:id",
      owner: "asks",
      ofPlugin: false,
      options: { summary: "Ask" },
      schemas: { body: { type: "object", properties: { text: { type: "string" } }, required: ["text"] } },
    },
    { method: "ANY", path: "/mounted/*", owner: "fetches", ofPlugin: false, options: {}, schemas: {} },
  ]);
  const problems = Object.fromEntries(told.scripts.map((one: { name: string; problem?: string }) => [one.name, one]));
  expect(problems.asks).toEqual({ name: "asks", routes: 1 });
  expect(problems.broken.problem).toStartWith("broken.js: ");
  expect(problems.refused.problem).toContain("registerQuestion");
  expect(problems.taken.problem).toContain('GET /survey is taken: the plugin "survey"');
});

test("a command that does not ask for the scripts waits for no build, and sees none", async () => {
  const { stdout } = await runEngine(["survey-blind", "--dir", dir]);
  expect(JSON.parse(stdout)).toEqual({ routes: [], scripts: [], held: [], asked: [] });
});
