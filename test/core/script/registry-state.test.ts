/** What the registry tells of itself, and how it takes over what is not a file: config, plugins, faults, the end. */
import { expect, test } from "bun:test";
import { renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { PointRefusal } from "../../../core/script/point-refusal.ts";
import { House } from "./house.ts";

/** Where a link leads that nobody can follow, root neither. */
const UNREADABLE = "x".repeat(300);

test("it tells every script's files, routes and problem, and all routes with those of the plugins", async () => {
  await using house = await new House({
    "a.ts": "GET /a, POST /a",
    "b/index.ts": "GET /b",
    "c.ts": "bad",
  }).start();
  const { registry, dir } = house;
  expect(registry.scripts).toEqual([
    { name: "a", entry: join(dir, "a.ts"), folder: undefined, routes: 2, problem: undefined },
    { name: "b", entry: join(dir, "b/index.ts"), folder: join(dir, "b"), routes: 1, problem: undefined },
    { name: "c", entry: join(dir, "c.ts"), folder: undefined, routes: 0, problem: "bad text" },
  ]);
  expect(registry.status).toEqual([
    { name: "a", routes: 2, registrations: 2, building: false },
    { name: "b", routes: 1, registrations: 1, building: false },
    {
      name: "c",
      routes: 0,
      registrations: 0,
      building: false,
      problem: { code: "script_failed", message: "bad text" },
    },
  ]);
  const routes = registry.routeList.map(({ method, path, owner }) => `${owner}: ${method} ${path}`);
  expect(routes.toSorted()).toEqual(["a: GET /a", "a: POST /a", "b: GET /b", "health: GET /health/live"]);
});

test("how long a build took is told, and never less than nothing", async () => {
  await using house = await new House({ "a.ts": "GET /a", "b.ts": "cached:GET /b" }).start();
  expect(await house.event("loaded", "b")).toMatchObject({ ms: 0, routes: 1, cached: true });
  house.write("a.ts", "bad");
  await house.event("failed", "a");
  house.write("a.ts", "GET /a");
  for (const event of [await house.event("loaded", "a"), await house.event("reloaded", "a")]) {
    expect(event).toMatchObject({ routes: 1, cached: false });
    expect((event as { ms: number }).ms).toBeWithin(0, 3000);
  }
});

test("what a build warns of is told, and the version serves", async () => {
  await using house = await new House({ "a.ts": "warn:GET /a", "b.ts": "GET /b" }).start();
  expect(house.events.filter(({ kind }) => kind === "warning")).toEqual([
    { kind: "warning", script: "a", problems: [{ code: "unused_schema", message: "look at it" }] },
  ]);
  expect(house.owner("GET", "/a")).toBe("a");
});

test("a builder that fails by itself is a problem of that script alone, until the next save", async () => {
  await using house = await new House({ "a.ts": "throw", "b.ts": "GET /b" }).start();
  expect(await house.event("failed", "a")).toMatchObject({
    serving: false,
    problems: [
      {
        code: "internal",
        message: "The script could not be taken into service: the builder is ill.",
        file: "a.ts",
      },
    ],
  });
  expect(house.owner("GET", "/b")).toBe("b");
  house.write("a.ts", "GET /a");
  await house.event("loaded", "a");
  expect(house.owner("GET", "/a")).toBe("a");
});

test("another config gives a new version to those whose settings it changes, from builds that are kept", async () => {
  await using house = await new House({ "a.ts": "GET /a", "b.ts": "GET /b" }).start();
  house.allCached = true;
  house.built.length = 0;
  const before = house.events.length;
  house.reconfigure(["scripts.a.limits.wallMs=4321"]);
  await house.event("reloaded", "a", before);
  await house.look();
  const told = house.events.slice(before).map(({ kind, script }) => `${kind} ${script}`);
  expect(told.filter((line) => !line.includes("look"))).toEqual(["reloaded a"]);
  expect(house.built.filter((name) => !name.includes("look"))).toEqual([]);
  expect(house.pools.findLast(({ script }) => script.name === "a")?.script.limits.wallMs).toBe(4321);
});

test("another config builds what is not kept", async () => {
  await using house = await new House({ "a.ts": "GET /a" }).start();
  house.built.length = 0;
  house.reconfigure(["limits.wallMs=4321"]);
  await house.event("reloaded", "a");
  expect(house.built).toEqual(["a"]);
});

test("a save is built even where a build is kept: only its builder knows what the file wants now", async () => {
  await using house = await new House({ "a.ts": "GET /a" }).start();
  house.allCached = true;
  house.built.length = 0;
  house.write("a.ts", "GET /a2");
  await house.event("reloaded", "a");
  expect(house.built).toEqual(["a"]);
});

test("config turns a script off and on again", async () => {
  await using house = await new House({ "a.ts": "GET /a", "b.ts": "GET /b" }).start();
  house.reconfigure(["scripts.a.enabled=false"]);
  await house.event("removed", "a");
  expect([house.owner("GET", "/a"), house.owner("GET", "/b")]).toEqual([null, "b"]);
  house.reconfigure([]);
  await house.event("loaded", "a", house.events.length);
  expect(house.owner("GET", "/a")).toBe("a");
  // It was in the folder all the time: its data stays.
  expect(house.names).toEqual([["a", "b"]]);
});

test("a save while a build runs is built after it, and of the build before nothing bad is told", async () => {
  await using house = await new House({ "a.ts": "GET /a" }).start();
  house.write("a.ts", "slow:bad");
  while (house.built.length < 2) await Bun.sleep(1);
  house.write("a.ts", "GET /a2");
  await house.look();
  expect(house.built.filter((name) => name === "a")).toHaveLength(2);
  expect(house.registry.status.find(({ name }) => name === "a")).toMatchObject({ building: true });
  house.gate.resolve();
  await house.event("reloaded", "a");
  expect(house.owner("GET", "/a2")).toBe("a");
  expect(house.events.filter(({ kind }) => kind === "failed")).toEqual([]);
  await house.look();
  expect(house.built.filter((name) => name === "a")).toHaveLength(3);
  expect(house.registry.status.find(({ name }) => name === "a")?.building).toBe(false);
});

test("a script that goes while it is built does not come", async () => {
  await using house = await new House({ "a.ts": "slow:GET /a" }).start(10);
  rmSync(join(house.dir, "a.ts"));
  await house.event("removed", "a");
  house.gate.resolve();
  await house.look();
  expect(house.owner("GET", "/a")).toBeNull();
  expect(house.events.filter(({ script }) => script === "a").map(({ kind }) => kind)).toEqual(["removed"]);
});

test("a folder of scripts that cannot be read is told once, and its scripts serve on until it can", async () => {
  await using house = await new House({ "a.ts": "GET /a" }).start();
  renameSync(house.dir, `${house.dir}-aside`);
  symlinkSync(UNREADABLE, house.dir);
  house.registry.reconfigure();
  expect(await house.event("failed", "")).toMatchObject({
    serving: false,
    problems: [{ code: "internal", hint: "Its scripts serve on as they were." }],
  });
  const status = house.registry.status.find(({ name }) => name === "scripts");
  expect(status).toMatchObject({ routes: 0, building: false });
  expect(status?.problem?.message).toMatch(/^The folder of scripts cannot be read: .*ENAMETOOLONG.*\.$/);
  expect(house.owner("GET", "/a")).toBe("a");
  for (let i = 0; i < 3; i++) house.registry.reconfigure();
  rmSync(house.dir);
  renameSync(`${house.dir}-aside`, house.dir);
  house.write("b.ts", "GET /b");
  house.registry.reconfigure();
  await house.event("loaded", "b");
  expect(house.events.filter(({ kind }) => kind === "failed")).toHaveLength(1);
  expect(house.registry.status.map(({ name }) => name)).toEqual(["a", "b"]);
  for (const { message } of house.unwatched.splice(0)) expect(message).toContain("cannot watch");
});

test("a start without a readable folder rejects with what the system says, and a later look goes on", async () => {
  await using house = new House({});
  rmSync(house.dir, { recursive: true });
  symlinkSync(UNREADABLE, house.dir);
  await expect(house.registry.start(1000)).rejects.toThrow("ENAMETOOLONG");
  rmSync(house.dir);
  house.write("a.ts", "GET /a");
  house.registry.reconfigure();
  await house.event("loaded", "a");
  expect(house.owner("GET", "/a")).toBe("a");
});

test("a problem of the folder is told once, and its status goes with it", async () => {
  await using house = await new House({ "a.ts": "GET /a", "Bad Name.ts": "GET /bad" }).start();
  await house.look();
  await house.look();
  expect(house.events.filter(({ kind }) => kind === "failed")).toMatchObject([{ script: "", serving: false }]);
  expect(house.registry.status[0]).toMatchObject({ name: "Bad Name.ts", routes: 0, building: false });
  rmSync(join(house.dir, "Bad Name.ts"));
  await house.look();
  expect(house.registry.status.filter(({ problem }) => problem)).toEqual([]);
});

test("the names in the folder are told when they change, and not for a save", async () => {
  await using house = await new House({ "a.ts": "GET /a" }).start();
  house.write("a.ts", "GET /a2");
  await house.event("reloaded", "a");
  expect(house.names).toEqual([["a"]]);
  house.write("b.ts", "GET /b");
  await house.event("loaded", "b");
  expect(house.names).toEqual([["a"], ["a", "b"]]);
});

test("a route that plugins want now is in the way of nobody, or whose it is is said and nothing changes", async () => {
  await using house = await new House({ "a.ts": "GET /a", "b.ts": "GET /health/live" }).start();
  const { pluginRoutes: before, registry } = house;
  const table = registry.routes;
  house.pluginRoutes = before.map((route) => ({ ...route, path: "/a" }));
  expect(registry.replan()).toMatchObject({ holder: "health", owner: "a", wanted: "GET /a" });
  expect(registry.routes).toBe(table);
  house.pluginRoutes = [];
  expect(registry.replan()).toBeNull();
  // What waited for a plugin's route has it.
  expect(house.events.at(-1)).toMatchObject({ kind: "loaded", script: "b", routes: 1 });
  expect(house.owner("GET", "/health/live")).toBe("b");
  expect(house.problemOf("b")).toBeUndefined();
});

test("a script of a plugin's name does not hand it its route", async () => {
  await using house = await new House({ "health.ts": "GET /h", "z.ts": "GET /health/live" }).start();
  rmSync(join(house.dir, "health.ts"));
  house.write("z.ts", "GET /health/live, GET /z");
  await house.event("removed", "health");
  expect(house.problemOf("z")).toContain('the plugin "health" holds it');
  expect(house.owner("GET", "/z")).toBeNull();
});

test("what a plugin does not take keeps a version from serving, and the plugin's next answer lets it in", async () => {
  await using house = await new House({ "a.ts": "GET /a" }).start();
  house.refusal = new PointRefusal("bell", "a", { code: "bad_registration", message: "two bells ding", line: 2 });
  house.write("a.ts", "GET /a2");
  expect(await house.event("failed", "a")).toMatchObject({
    serving: true,
    problems: [{ code: "bad_registration", message: "two bells ding", line: 2, file: "a.ts" }],
  });
  expect([house.owner("GET", "/a"), house.owner("GET", "/a2")]).toEqual(["a", null]);
  expect(house.registry.replan()).toBe(house.refusal);
  house.refusal = null;
  expect(house.registry.replan()).toBeNull();
  expect([house.owner("GET", "/a"), house.owner("GET", "/a2")]).toEqual([null, "a"]);
});

test("after its end nothing is looked at, built or served any more", async () => {
  const house = await new House({ "a.ts": "GET /a", "b.ts": "GET /b" }).start();
  house.write("b.ts", "slow:GET /b2");
  while (house.built.length < 3) await Bun.sleep(1);
  rmSync(join(house.dir, "a.ts"));
  await Bun.sleep(50); // the removal was seen, and waits to be meant
  house.registry.close();
  const { length } = house.events;
  house.gate.resolve();
  house.write("c.ts", "GET /c");
  house.registry.reconfigure();
  // Longer than a removal is waited for, or a change.
  await Bun.sleep(200);
  expect(house.events.slice(length)).toEqual([]);
  expect([house.built.length, house.owner("GET", "/a"), house.owner("GET", "/b")]).toEqual([3, "a", "b"]);
  await house[Symbol.asyncDispose]();
});

test("closing what was never watched does nothing", async () => {
  const house = new House({});
  house.registry.close();
  await house[Symbol.asyncDispose]();
  expect(house.events).toEqual([]);
});
