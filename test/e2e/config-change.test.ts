/** Config of a running engine: taken over when its file changes, or refused whole. */
import { expect, test } from "bun:test";
import { startEngine } from "./engine.ts";

const WHO = `import { config, limits, registerWebHandler } from "@aiwebengine/sdk";
registerWebHandler("GET /who", () => ({ config, wallMs: limits.wallMs }));
`;

test("a change of limits, settings, log level and plugins is served without a restart; a wrong or fixed one is refused whole", async () => {
  await using engine = await startEngine({
    scripts: { "who.ts": WHO },
    config: '[scripts.who.config]\nname = "first"\n',
  });
  const who = async (): Promise<unknown> => (await engine.fetch("/who")).json();
  const change = async (text: string, says: RegExp): Promise<string> => {
    const after = engine.mark();
    await engine.write("aiwebengine.toml", text);
    return engine.waitForLog(says, { after });
  };
  expect(await who()).toEqual({ config: { name: "first" }, wallMs: 10_000 });

  let after = engine.mark();
  await change('[limits]\nwallMs = 2000\n[scripts.who.config]\nname = "second"\n', /config changed/);
  await engine.waitForLog(/script reloaded/, { after });
  expect(await who()).toEqual({ config: { name: "second" }, wallMs: 2000 });

  const refused = await change("[limits]\nwallMs = 3000\n[limit]\nx = 1\n", /config refused/);
  expect(JSON.parse(refused)).toMatchObject({ reason: expect.stringContaining("aiwebengine.toml:3") });
  expect(await who()).toEqual({ config: { name: "second" }, wallMs: 2000 });

  const fixed = await change("[server]\nmaxHeaderBytes = 2000\n[limits]\nwallMs = 4000\n", /config refused/);
  expect(JSON.parse(fixed)).toMatchObject({ reason: "server.maxHeaderBytes can only change with a restart" });
  expect(await who()).toEqual({ config: { name: "second" }, wallMs: 2000 });

  after = engine.mark();
  await engine.write("aiwebengine.toml", '[log]\nlevel = "error"\n');
  while (((await who()) as { wallMs: number }).wallMs !== 10_000) await Bun.sleep(10);
  const quiet = engine.mark();
  expect(await who()).toMatchObject({ wallMs: 10_000 });
  expect(engine.mark()).toBe(quiet);

  await engine.write("aiwebengine.toml", "[scripts.who]\nenabled = false\n");
  const gone = async (): Promise<number> => (await engine.fetch("/who")).status;
  while ((await gone()) !== 404) await Bun.sleep(10);
  await engine.write("aiwebengine.toml", "");
  while ((await gone()) !== 200) await Bun.sleep(10);
}, 60_000);

test("a config that names a plugin before it is there is refused, and taken over when the plugin comes", async () => {
  await using engine = await startEngine({ scripts: { "who.ts": WHO } });
  const after = engine.mark();
  await engine.write("aiwebengine.toml", "[limits]\nwallMs = 2000\n[plugins.teapot]\nstrength = 7\n");
  await engine.waitForLog(/config refused/, { after });
  const teapot = `import { definePlugin } from "@aiwebengine/sdk/plugin";
export default definePlugin({ name: "teapot", version: "1.0.0", config: { strength: "number = 3" },
  setup: ({ config, route }) => route("GET /tea", () => new Response(String(config.strength))) });`;
  await engine.write("plugins/teapot.ts", teapot);
  await engine.waitForLog(/config changed/, { after });
  expect(await (await engine.fetch("/tea")).text()).toBe("7");
  while (((await (await engine.fetch("/who")).json()) as { wallMs: number }).wallMs !== 2000) await Bun.sleep(10);
});

test("200 changes of the config under load: no request fails", async () => {
  await using engine = await startEngine({ scripts: { "who.ts": WHO }, config: "[scripts.who.config]\nn = 0\n" });
  let stop = false;
  const failed: string[] = [];
  const load = Array.from({ length: 4 }, async () => {
    while (!stop) {
      const answer = await engine.fetch("/who");
      const text = await answer.text();
      if (answer.status !== 200) failed.push(`${answer.status} ${text}`);
    }
  });
  for (let n = 1; n <= 200; n++) {
    const after = engine.mark();
    await engine.write("aiwebengine.toml", `[scripts.who.config]\nn = ${n}\n`);
    await engine.waitForLog(/config changed/, { after });
  }
  stop = true;
  await Promise.all(load);
  expect(failed).toEqual([]);
  while (((await (await engine.fetch("/who")).json()) as { config: { n: number } }).config.n !== 200)
    await Bun.sleep(10);
}, 120_000);

test("a dropped plugin's service is there for scripts, and its types beside them; without it they are told what is missing", async () => {
  await using engine = await startEngine({ scripts: { "who.ts": WHO } });
  const tea = `import { definePlugin } from "@aiwebengine/sdk/plugin";
export default definePlugin({
  name: "teapot", version: "1.0.0",
  setup({ service }) {
    service("teapot", {
      methods: { async boil(call, minutes) { return call.script + " boiled for " + minutes; } },
      types: "export interface Teapot { boil(minutes: number): Promise<string>; }",
    });
  },
});
`;
  let after = engine.mark();
  await engine.write(
    "scripts/tea.ts",
    'import { registerWebHandler, teapot } from "@aiwebengine/sdk";\nregisterWebHandler("GET /tea", () => teapot.boil(3));\n',
  );
  await engine.waitForLog(/script failed/, { after });
  expect((await engine.fetch("/tea")).status).toBe(404);
  after = engine.mark();
  await engine.write("plugins/teapot.ts", tea);
  await engine.waitForLog(/script (re)?loaded.*"tea"|"script":"tea".*loaded/, { after });
  expect(await (await engine.fetch("/tea")).text()).toBe("tea boiled for 3");
  // A new one each time: a file that was not there stays so for the object that was asked.
  const written = async (): Promise<string> => {
    const types = Bun.file(`${engine.dir}/scripts/.aiwebengine/services.d.ts`);
    return (await types.exists()) ? types.text() : "";
  };
  while (!(await written()).includes("interface Teapot")) await Bun.sleep(20);
}, 30_000);
