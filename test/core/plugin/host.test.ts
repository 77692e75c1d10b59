/** Plugins by file drop: added, changed, removed, broken; and what of them stays when they go. */
import { afterEach, describe, expect, test } from "bun:test";
import type { BuiltInPlugin } from "../../../sdk/plugin.ts";
import type { PluginProblem } from "../../../core/plugin/problem.ts";
import { ALL_ENABLED, openProject, type Project, type ProjectOptions } from "./project.ts";
import { plugin } from "./source.ts";

let project: Project;

afterEach(() => project.close());

async function start(options: ProjectOptions): Promise<Project> {
  project = openProject(options);
  await project.host.start();
  return project;
}

async function failure(options: ProjectOptions): Promise<readonly PluginProblem[]> {
  project = openProject(options);
  project.close = async () => {};
  try {
    await project.host.start();
  } catch (error) {
    return (error as { problems?: readonly PluginProblem[] }).problems ?? [{ plugin: "", message: String(error) }];
  }
  throw new Error("it started");
}

const names = (): string => project.host.current.plugins.map(({ name }) => name).join(" ");

async function ask(path: string): Promise<string> {
  const route = project.host.current.contributions.routes.find((one) => one.path === path);
  if (!route) return "404";
  return (await route.handler({} as never)).text();
}

const TEA = 'ctx.route("GET /tea", () => new Response("tea"));';

describe("dropped plugins", () => {
  test("a file and a folder with helpers are plugins, with what they import", async () => {
    await start({
      files: {
        "plugins/teapot.ts": plugin("teapot", TEA),
        "plugins/kettle/index.ts": `import { heat } from "./heat.ts";\n${plugin("kettle", 'ctx.route("GET /kettle", () => new Response(heat()));')}`,
        "plugins/kettle/heat.ts": 'import { unit } from "units"; export const heat = (): string => "hot in " + unit;',
        "plugins/kettle/node_modules/units/package.json": '{ "name": "units", "main": "main.js" }',
        "plugins/kettle/node_modules/units/main.js": 'exports.unit = "kelvin";',
      },
    });
    expect(names()).toBe("kettle teapot");
    expect(await ask("/tea")).toBe("tea");
    expect(await ask("/kettle")).toBe("hot in kelvin");
    expect(project.host.plugins.map(({ origin }) => origin)).toEqual(["plugins/kettle/index.ts", "plugins/teapot.ts"]);
  });

  test("added, changed in a helper, removed: each is one generation, and the one before is disposed", async () => {
    await start({});
    project.write(
      "plugins/tea/index.ts",
      `import { kind } from "./kind.ts";\n${plugin("tea", 'ctx.route("GET /tea", () => new Response(kind)); ctx.defer(() => { globalThis.teaGone = kind; });')}`,
    );
    project.write("plugins/tea/kind.ts", 'export const kind = "green";');
    expect(await project.host.reload()).toBe(true);
    expect(await ask("/tea")).toBe("green");
    project.write("plugins/tea/kind.ts", 'export const kind = "black";');
    await project.host.reload();
    expect(await ask("/tea")).toBe("black");
    await project.adopted[1]?.drained(0);
    expect((globalThis as { teaGone?: string }).teaGone).toBe("green");
    project.remove("plugins/tea");
    await project.host.reload();
    expect(await ask("/tea")).toBe("404");
    expect(
      project.events.map((event) => (event.kind === "changed" ? [event.added, event.changed, event.removed] : event)),
    ).toEqual([
      [["tea"], [], []],
      [[], ["tea"], []],
      [[], [], ["tea"]],
    ]);
  });

  test("a save that changes nothing makes no generation", async () => {
    await start({ files: { "plugins/tea.ts": plugin("tea", TEA) } });
    project.write("plugins/notes.md", "no plugin");
    project.write("plugins/tea.test.ts", "throw 1");
    project.write("plugins/_draft.ts", "throw 1");
    await project.host.reload();
    expect(project.adopted).toHaveLength(1);
  });

  test("a dropped plugin stands in for the built-in of its name", async () => {
    const builtIn: BuiltInPlugin = {
      name: "tea",
      version: "1.0.0",
      requires: [],
      provides: [],
      schema: {},
      load: async () => ({
        default: { name: "tea", version: "1.0.0", setup: (ctx) => ctx.route("GET /tea", () => new Response("ours")) },
      }),
    };
    await start({ builtIns: [builtIn] });
    expect(await ask("/tea")).toBe("ours");
    project.write("plugins/tea.ts", plugin("tea", TEA));
    await project.host.reload();
    expect(await ask("/tea")).toBe("tea");
    project.remove("plugins/tea.ts");
    await project.host.reload();
    expect(await ask("/tea")).toBe("ours");
  });

  test("a disabled plugin is not even read", async () => {
    const settings = { ...ALL_ENABLED, enabled: (name: string) => name !== "bad" };
    await start({ files: { "plugins/bad.ts": "syntax error here", "plugins/tea.ts": plugin("tea", TEA) }, settings });
    expect(names()).toBe("tea");
  });

  test("its config definition becomes a schema, and setup gets what the check made of the config", async () => {
    const settings = {
      ...ALL_ENABLED,
      check: (known: readonly { readonly name: string; readonly schema: object }[]) =>
        Object.fromEntries(known.map(({ name, schema }) => [name, schema])),
    };
    const text = plugin(
      "tea",
      'ctx.route("GET /tea", () => Response.json(ctx.config));',
      'config: { strength: "number.integer > 0 = 3", kinds: [["string[]", "@", "Which"], "=", () => ["green"]] },',
    );
    await start({ files: { "plugins/tea.ts": text }, settings });
    expect(JSON.parse(await ask("/tea"))).toEqual({
      type: "object",
      properties: {
        strength: { type: "integer", exclusiveMinimum: 0, default: 3 },
        kinds: { type: "array", description: "Which", items: { type: "string" }, default: ["green"] },
      },
    });
  });
});

describe("broken plugins", () => {
  test("syntax: file, line and frame; the generation before serves", async () => {
    await start({ files: { "plugins/tea.ts": plugin("tea", TEA) } });
    project.write("plugins/tea.ts", "export default {\n  name: 'tea',,\n};\n");
    expect(await project.host.reload()).toBe(false);
    expect(await ask("/tea")).toBe("tea");
    const [event] = project.events;
    if (event?.kind !== "refused") throw new Error("not refused");
    expect(event.problems[0]).toMatchObject({ plugin: "tea", file: "plugins/tea.ts", line: 2 });
    expect(event.problems[0]?.frame).toContain("> 2 |   name: 'tea',,");
  });

  test("setup that throws: the author's file and line; what it did is undone", async () => {
    await start({});
    project.write(
      "plugins/tea.ts",
      plugin(
        "tea",
        'ctx.defer(() => { globalThis.undone = "yes"; });\n    setInterval(() => {}, 1000);\n    throw new Error("no water");',
      ),
    );
    expect(await project.host.reload()).toBe(false);
    expect((globalThis as { undone?: string }).undone).toBe("yes");
    const refused = project.events.find((event) => event.kind === "refused");
    expect(refused?.problems[0]).toMatchObject({
      message: 'The plugin "tea" could not be set up: no water.',
      file: "plugins/tea.ts",
      line: 9,
    });
    expect(refused?.problems[0]?.frame).toContain('throw new Error("no water")');
    expect(project.told()).toContain('The plugin "tea" left an interval running, which the engine ended');
  });

  test("setup that hangs is given up", async () => {
    await start({ setupMs: 30 });
    project.write("plugins/tea.ts", plugin("tea", "return new Promise(() => {});"));
    expect(await project.host.reload()).toBe(false);
    expect(project.told()).toBe('The plugin "tea" could not be set up: it did not end within 0.03 s.');
  });

  test("verbs after setup are refused", async () => {
    await start({
      files: { "plugins/tea.ts": plugin("tea", 'globalThis.late = () => ctx.route("GET /x", () => new Response());') },
    });
    expect((globalThis as { late?: () => void }).late).toThrow("route() was called after setup was over");
  });

  test("an optional one is left out, visibly, with all that it began", async () => {
    const settings = { ...ALL_ENABLED, optional: (name: string) => name === "tea" };
    await start({
      files: {
        "plugins/tea.ts": plugin("tea", `${TEA} throw new Error("no water");`),
        "plugins/milk.ts": plugin("milk", 'ctx.route("GET /milk", () => new Response("milk"));'),
      },
      settings,
    });
    expect(names()).toBe("milk");
    expect(await ask("/tea")).toBe("404");
    expect(await ask("/milk")).toBe("milk");
    expect(project.told()).toContain("no water. It is optional, and was left out.");
  });

  test("two files of one name, and a name that cannot be one, are refused with both files", async () => {
    const [twice, name] = await failure({
      files: { "plugins/tea.ts": "", "plugins/tea/index.ts": "", "plugins/Tea Pot.ts": "" },
    });
    expect(twice?.message).toBe('"Tea Pot" cannot be a plugin\'s name.');
    expect(name?.message).toContain("plugins/tea/index.ts and plugins/tea.ts");
  });

  const manifests: readonly (readonly [what: string, text: string, says: string])[] = [
    ["no default export", "export const x = 1;", "its default export is no plugin"],
    ["another name", plugin("coffee", ""), 'it calls itself "coffee" and its file "tea"'],
    ["an unknown key", plugin("tea", "", "require: [],"), 'a manifest has no "require"; did you mean "requires"?'],
    ["permissions", plugin("tea", "", "permissions: [],"), '"permissions" cannot be asked for'],
    ["another engine", plugin("tea", "", 'engine: ">=9",'), 'it works with engine ">=9", and this is 0.1.0'],
    ["a list that is none", plugin("tea", "", 'requires: "x",'), '"requires" must be a list of names'],
    ["a config that is no schema", plugin("tea", "", 'config: { a: "strin" },'), "config.a"],
    [
      "a need that nobody meets",
      plugin("tea", "", 'requires: ["water"],'),
      'requires "water", which no plugin provides',
    ],
    ["a use that it did not declare", plugin("tea", 'ctx.use("water");'), '"requires" does not name'],
    ["a thing that it did not declare", plugin("tea", 'ctx.provide("water", 1);'), '"provides" does not name'],
    [
      "an unknown hook",
      plugin("tea", 'ctx.hook("requests", () => {});'),
      'could not be set up: there is no hook "requests"; did you mean "request"?',
    ],
    ["a route without a method", plugin("tea", 'ctx.route("/tea", () => {});'), '"/tea" is no route'],
    ["a module that is not there", `import "./water.ts";\n${plugin("tea", "")}`, 'for the import "./water.ts"'],
  ];
  for (const [what, text, says] of manifests) {
    test(`${what} is refused with a sentence`, async () => {
      const problems = await failure({ files: { "plugins/tea.ts": text } });
      expect(problems.map(({ message }) => message).join()).toContain(says);
    });
  }
});

test("a package that is not there is named, and what installs it beside the plugin", async () => {
  const text = `import "@leaf/tea/green";\n${plugin("tea", "")}`;
  const [problem] = await failure({ files: { "plugins/tea/index.ts": text } });
  expect(problem).toMatchObject({ file: "plugins/tea/index.ts", line: 1 });
  expect(problem?.message).toBe('Nothing was found for the import "@leaf/tea/green".');
  expect(problem?.hint).toContain("`npm install @leaf/tea` in plugins/tea,");
});

describe("what plugins give each other", () => {
  test("use() gives what the provider's setup provided; whenProvided visits in any order, and only if it is there", async () => {
    await start({
      files: {
        "plugins/a.ts": plugin(
          "a",
          'ctx.whenProvided("store", (store) => { globalThis.visited = store; return () => { globalThis.visited = null; }; }); ctx.whenProvided("nothing", () => { throw new Error("visited"); });',
        ),
        "plugins/b.ts": plugin("b", 'ctx.provide("store", "shelf");', 'provides: ["store"],'),
        "plugins/c.ts": plugin(
          "c",
          'const store = ctx.use("store"); ctx.route("GET /store", () => new Response(store));',
          'requires: ["store"],',
        ),
      },
    });
    expect(await ask("/store")).toBe("shelf");
    expect((globalThis as { visited?: unknown }).visited).toBe("shelf");
    project.remove("plugins/a.ts");
    await project.host.reload();
    await project.adopted[0]?.drained(0);
    expect((globalThis as { visited?: unknown }).visited).toBeNull();
  });

  test("a kept value outlives generations, and goes after the last that keeps it", async () => {
    const text = (mark: string): string =>
      plugin(
        "tea",
        `const pool = ctx.keep("pool", () => ({ since: "${mark}" }), () => { globalThis.poolGone = true; }); ctx.route("GET /tea", () => new Response(pool.since));`,
      );
    await start({ files: { "plugins/tea.ts": text("first") } });
    project.write("plugins/tea.ts", text("second"));
    await project.host.reload();
    expect(await ask("/tea")).toBe("first");
    expect((globalThis as { poolGone?: boolean }).poolGone).toBeUndefined();
    project.remove("plugins/tea.ts");
    await project.host.reload();
    await project.host.reload();
    expect((globalThis as { poolGone?: boolean }).poolGone).toBe(true);
  });

  test("objects of a service have methods that the service has, and are no functions of their own", async () => {
    const service = (more: string): string =>
      `ctx.service("tank", { methods: { async open() {}, async read() {} }, types: "", ${more} });`;
    for (const [more, why] of [
      ['objects: { open: ["fill"] }', '"tank" has objects with fill(), which it does not have'],
      ['objects: { lid: ["read"] }', '"tank" has objects with lid(), which it does not have'],
      ['objects: { open: ["open"] }', "tank.open() cannot be a method of what it gives itself"],
      ['objects: { open: ["read"] }, functions: { openTank: "open" }', "which gives an object: leave it a method"],
    ] as const) {
      const [problem] = await failure({ files: { "plugins/a.ts": plugin("a", service(more)) } });
      expect(problem?.message).toContain(why);
    }
  });

  test("two that give one service are refused, and the holder is named", async () => {
    const service = 'ctx.service("boil", { methods: {}, types: "" });';
    const [problem] = await failure({
      files: { "plugins/a.ts": plugin("a", service), "plugins/b.ts": plugin("b", service) },
    });
    expect(problem?.message).toBe('The plugin "b" could not be set up: the service "boil" is taken by the plugin "a".');
  });

  test("a short form of a method: it must be one, and its name is nobody else's", async () => {
    const service = (name: string, fns: string): string =>
      `ctx.service("${name}", { methods: { async boil() {} }, types: "", functions: ${fns} });`;
    const [absent] = await failure({ files: { "plugins/a.ts": plugin("a", service("a", '{ boilNow: "cook" }')) } });
    expect(absent?.message).toContain('the function "boilNow" stands for a.cook(), which there is not');
    const point = 'ctx.point("p", { functions: { boilNow: { args: [] } }, types: "", change() {} });';
    for (const second of [service("b", '{ boilNow: "boil" }'), point]) {
      const [taken] = await failure({
        files: {
          "plugins/a.ts": plugin("a", service("a", '{ boilNow: "boil" }')),
          "plugins/b.ts": plugin("b", second),
        },
      });
      expect(taken?.message).toContain('"boilNow" is taken by the plugin "a"');
    }
  });

  test("a method that changes something is one that the service has: a slip would have its calls sent again", async () => {
    const service = 'ctx.service("pot", { methods: { async pour() {} }, types: "", mutates: ["puor"] });';
    const [problem] = await failure({ files: { "plugins/a.ts": plugin("a", service) } });
    expect(problem?.message).toContain('"mutates" of the service "pot" names puor(), which it does not have');
    expect(problem?.message).toContain('did you mean "pour"?');
  });

  test("what scripts are given has names of its own, and arguments that can be told apart", async () => {
    const point = (fn: string, args = '["name"]'): string =>
      `ctx.point("p", { functions: { "${fn}": { args: ${args} } }, types: "", change() {} });`;
    const service = (name: string): string => `ctx.service("${name}", { methods: { async m() {} }, types: "" });`;
    const routed = (route: string): string =>
      `ctx.point("p", { functions: {}, types: "", change() {}, route: ${route} });`;
    for (const [setup, says] of [
      [service("log"), '"log" cannot be the name of a service: it means something else in every script'],
      [service("payload"), '"payload" cannot be the name'],
      [service("fetch"), '"fetch" cannot be the name'],
      [point("registerWebHandler"), '"registerWebHandler" cannot be the name of a registration function'],
      [point("register bell"), '"register bell" cannot be the name of a registration function: scripts write it'],
      [point("bell", '["name", "name?"]'), 'the function "bell" has an argument "name"'],
      [point("bell", '["nmae"]'), 'the function "bell" has an argument "nmae"'],
      [routed('{ method: "get", handle() {} }'), '"get" is no method for the paths of the point "p"'],
      [routed('{ method: "GET" }'), 'the route of the point "p" needs a function'],
      [`${service("bell")}${point("bell")}`, '"bell" is taken by the plugin "a"'],
      [`${point("bell")}${service("bell")}`, 'the function "bell" is taken by the plugin "a"'],
    ] as const) {
      const [problem] = await failure({ files: { "plugins/a.ts": plugin("a", setup) } });
      expect(problem?.message).toContain(says);
    }
  });

  test("a request under way keeps its generation from being disposed", async () => {
    await start({ files: { "plugins/tea.ts": plugin("tea", "ctx.defer(() => { globalThis.drainedTea = true; });") } });
    const first = project.host.current;
    first.enter();
    project.remove("plugins/tea.ts");
    await project.host.reload();
    expect((globalThis as { drainedTea?: boolean }).drainedTea).toBeUndefined();
    first.leave();
    await first.drained(0);
    await project.host.dispose();
    expect((globalThis as { drainedTea?: boolean }).drainedTea).toBe(true);
  });

  test("what adopt refuses leaves the generation before, and disposes the new one", async () => {
    let refuse = false;
    await start({
      adopt: () => {
        if (refuse) throw new Error("the route GET /tea is held by the script tea");
      },
    });
    refuse = true;
    project.write("plugins/tea.ts", plugin("tea", `${TEA} ctx.defer(() => { globalThis.refusedTea = true; });`));
    expect(await project.host.reload()).toBe(false);
    expect((globalThis as { refusedTea?: boolean }).refusedTea).toBe(true);
    expect(names()).toBe("");
  });

  test("an endpoint is told of while it says that there is something behind it", async () => {
    const endpoint = (title: string, path: string, open: string): string =>
      `ctx.endpoint({ title: "${title}", path: "${path}", summary: "Of ${title}."${open} });`;
    const all = [
      endpoint("A", "/a", ""),
      endpoint("B", "/b", ", open: () => false"),
      endpoint("C", "/c", ', open() { throw new Error("rough"); }'),
    ].join(" ");
    await start({ files: { "plugins/a.ts": plugin("a", all) } });
    expect(project.host.current.endpoints()).toEqual([{ title: "A", path: "/a", summary: "Of A.", owner: "a" }]);
    project.write("plugins/b.ts", plugin("b", endpoint("Other", "/a", "")));
    expect(await project.host.reload()).toBe(false);
    expect(project.told()).toContain('the endpoint "/a" is taken by the plugin "a"');
  });

  test("health checks that throw are told as such", async () => {
    await start({
      files: {
        "plugins/a.ts": plugin(
          "a",
          'ctx.health("disk", () => ({ ok: true })); ctx.health("sea", () => { throw new Error("rough"); });',
        ),
      },
    });
    expect(await project.host.current.checks()).toEqual({ disk: { ok: true }, sea: { ok: false, detail: "rough" } });
  });
});
