/** The registry with a builder that needs no child: a script's text is its routes. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { House } from "./house.ts";

test("scripts from the cache serve without a build; others are built", async () => {
  await using house = await new House({ "a.ts": "cached:GET /a", "b.ts": "GET /b" }).start();
  expect(house.built).toEqual(["b"]);
  expect([house.owner("GET", "/a"), house.owner("GET", "/b")]).toEqual(["a", "b"]);
  expect(house.events.map((one) => [one.kind, one.script, "cached" in one && one.cached])).toEqual([
    ["loaded", "a", true],
    ["loaded", "b", false],
  ]);
});

test("a bad script at the start is reported and does not matter to the others", async () => {
  await using house = await new House({ "a.ts": "bad", "b.ts": "GET /b" }).start();
  expect(house.owner("GET", "/b")).toBe("b");
  expect(house.problemOf("a")).toBe("bad text");
  expect(await house.event("failed", "a")).toMatchObject({ serving: false });
});

test("a cache that cannot be read costs a build, not the start", async () => {
  const house = new House({ "a.ts": "GET /a" });
  house.cacheFails = true;
  await using started = await house.start();
  expect(started.owner("GET", "/a")).toBe("a");
});

test("the start waits for slow builds as long as its patience; they come later", async () => {
  await using house = await new House({ "slow.ts": "slow:GET /slow", "b.ts": "GET /b" }).start(20);
  expect([house.owner("GET", "/slow"), house.owner("GET", "/b")]).toEqual([null, "b"]);
  expect(house.registry.status.find(({ name }) => name === "slow")?.building).toBe(true);
  expect(house.registry.unbuilt).toBe(1);
  house.gate.resolve();
  await house.event("loaded", "slow");
  await house.registry.built;
  expect(house.registry.unbuilt).toBe(0);
  expect(house.owner("GET", "/slow")).toBe("slow");
});

test("while one script builds for long, the saves of others are served", async () => {
  await using house = await new House({ "slow.ts": "GET /slow", "b.ts": "GET /b" }).start();
  house.write("slow.ts", "slow:GET /slower");
  while (house.built.filter((name) => name === "slow").length < 2) await Bun.sleep(5);
  house.write("b.ts", "GET /b2");
  await house.event("reloaded", "b");
  expect([house.owner("GET", "/b"), house.owner("GET", "/b2"), house.owner("GET", "/slow")]).toEqual([
    null,
    "b",
    "slow",
  ]);
  house.gate.resolve();
  await house.event("reloaded", "slow");
  expect([house.owner("GET", "/slow"), house.owner("GET", "/slower")]).toEqual([null, "slow"]);
});

test("a broken save leaves the last good version; mended to what it was, nothing is replaced", async () => {
  await using house = await new House({ "a.ts": "GET /a" }).start();
  const before = house.registry.routes;
  house.write("a.ts", "bad");
  expect(await house.event("failed", "a")).toMatchObject({ serving: true });
  expect(house.owner("GET", "/a")).toBe("a");
  expect(house.problemOf("a")).toBe("bad text");
  house.write("a.ts", "GET /a");
  await house.event("reloaded", "a");
  expect(house.problemOf("a")).toBeUndefined();
  expect(house.registry.routes).toBe(before);
});

test("the newcomer is refused a route that is held, and has it as soon as the holder goes", async () => {
  // By name the newcomer comes first.
  await using house = await new House({ "z.ts": "GET /x" }).start();
  house.write("a.ts", "GET /x");
  await house.event("failed", "a");
  expect(house.problemOf("a")).toContain('"a" cannot have GET /x: "z" holds it');
  expect(house.owner("GET", "/x")).toBe("z");
  rmSync(join(house.dir, "z.ts"));
  await house.event("loaded", "a");
  expect(house.owner("GET", "/x")).toBe("a");
  expect(house.problemOf("a")).toBeUndefined();
});

test("a refused version is served when the holder changes its route, while the older one served on", async () => {
  await using house = await new House({ "a.ts": "GET /a", "b.ts": "GET /b" }).start();
  house.write("b.ts", "GET /a");
  expect(await house.event("failed", "b")).toMatchObject({ serving: true });
  expect([house.owner("GET", "/a"), house.owner("GET", "/b")]).toEqual(["a", "b"]);
  house.write("a.ts", "GET /c");
  await house.event("reloaded", "b");
  expect(["/a", "/b", "/c"].map((path) => house.owner("GET", path))).toEqual(["b", null, "a"]);
});

test("two scripts may swap their routes", async () => {
  await using house = await new House({ "a.ts": "GET /a", "b.ts": "GET /b" }).start();
  house.write("a.ts", "GET /b");
  await house.event("failed", "a");
  house.write("b.ts", "GET /a");
  await Promise.all([house.event("reloaded", "a"), house.event("reloaded", "b")]);
  expect([house.owner("GET", "/a"), house.owner("GET", "/b")]).toEqual(["b", "a"]);
});

test("of two scripts with one route at the start the first by name serves; a plugin's routes are held", async () => {
  await using house = await new House({
    "b.ts": "cached:GET /x",
    "a.ts": "cached:GET /x",
    "c.ts": "GET /health/live",
  }).start();
  expect(house.owner("GET", "/x")).toBe("a");
  expect(house.problemOf("b")).toContain('"a" holds it');
  expect(house.problemOf("c")).toContain('"health" holds it');
  rmSync(join(house.dir, "a.ts"));
  await house.event("loaded", "b", house.events.length);
  expect(house.owner("GET", "/x")).toBe("b");
});

test("at the start the names decide who has a route, whichever build is done first", async () => {
  await using house = new House({ "a.ts": "slow:GET /x", "b.ts": "GET /x" });
  const started = house.start();
  await house.event("loaded", "b");
  house.gate.resolve();
  await started;
  expect(house.owner("GET", "/x")).toBe("a");
  expect(house.problemOf("b")).toContain('"b" cannot have GET /x: "a" holds it');
});

test("a path that no route can have is refused with the reason", async () => {
  await using house = await new House({ "a.ts": "GET /a/:b/:b" }).start();
  expect(house.problemOf("a")).toBe('The path "/a/:b/:b" has the parameter ":b" twice.');
});

test("a route that a script registers twice is refused, and waits for nobody", async () => {
  await using house = await new House({ "a.ts": "GET /a,GET /a" }).start();
  const problem = house.registry.status.find((one) => one.name === "a")?.problem;
  expect(problem?.message).toBe('"a" cannot have GET /a: it has registered GET /a already; remove one of the two.');
  expect(problem?.hint).toBe("Remove one of the two.");
});

test("a script removed is gone; removed and written again within a moment it never was", async () => {
  await using house = await new House({ "a.ts": "GET /a", "b.ts": "GET /b" }).start();
  rmSync(join(house.dir, "a.ts"));
  await Bun.sleep(40);
  expect(house.owner("GET", "/a")).toBe("a");
  house.write("a.ts", "GET /a2");
  await house.event("reloaded", "a");
  expect(house.owner("GET", "/a2")).toBe("a");
  expect(house.events.some((one) => one.kind === "removed")).toBe(false);
  rmSync(join(house.dir, "a.ts"));
  await house.event("removed", "a");
  expect(house.owner("GET", "/a2")).toBeNull();
  expect(house.names.at(-1)).toEqual(["b"]);
});

test("a script that is renamed takes its routes along without a refusal", async () => {
  await using house = await new House({ "a.ts": "GET /x" }).start();
  renameSync(join(house.dir, "a.ts"), join(house.dir, "b.ts"));
  await house.event("loaded", "b");
  expect(house.owner("GET", "/x")).toBe("b");
  await house.event("removed", "a");
  expect(house.events.some((one) => one.kind === "failed")).toBe(false);
});

test("a file that is emptied for a moment keeps serving; one that stays empty has no routes", async () => {
  await using house = await new House({ "a.ts": "GET /a" }).start();
  house.write("a.ts", "");
  await Bun.sleep(40);
  expect(house.owner("GET", "/a")).toBe("a");
  await house.event("reloaded", "a");
  expect(house.owner("GET", "/a")).toBeNull();
});

test("two files of one name: the version before serves on, and goes when both are gone", async () => {
  await using house = await new House({ "a.ts": "GET /a" }).start();
  house.write("a/index.ts", "GET /a2");
  await house.event("failed", "");
  await Bun.sleep(150);
  expect(house.owner("GET", "/a")).toBe("a");
  expect(house.registry.status.find(({ problem }) => problem)?.problem?.message).toContain("are both");
  rmSync(join(house.dir, "a.ts"));
  await house.event("reloaded", "a");
  expect(house.owner("GET", "/a2")).toBe("a");
});

test("what is shared rebuilds those that use it, and those that failed", async () => {
  await using house = await new House({ "a.ts": "GET /a", "b.ts": "bad", "_shared/lib.ts": "1" }).start();
  house.built.length = 0;
  house.write("_shared/lib.ts", "2");
  await house.event("failed", "b", house.events.length);
  while (house.built.length < 2) await Bun.sleep(5);
  expect(house.built.toSorted()).toEqual(["a", "b"]);
  house.built.length = 0;
  house.write("_shared/other.ts", "2");
  await house.event("failed", "b", house.events.length);
  expect(house.built).toEqual(["b"]);
});

test("a save between the first look and the end of the start is not missed", async () => {
  await using house = new House({ "a.ts": "slow:GET /a" });
  house.registry.watch();
  const started = house.registry.start(5000);
  while (house.built.length === 0) await Bun.sleep(1);
  house.write("a.ts", "GET /a2");
  house.write("b.ts", "GET /b");
  house.gate.resolve();
  await started;
  await house.event("loaded", "b");
  while (house.owner("GET", "/a2") === null) await house.event("reloaded", "a");
});

test("a folder of scripts behind a link is followed, also when the link is pointed elsewhere", async () => {
  const base = mkdtempSync(join(tmpdir(), "awe-registry-"));
  for (const [release, text] of [
    ["one", "GET /one"],
    ["two", "GET /two"],
  ] as const) {
    mkdirSync(join(base, release));
    writeFileSync(join(base, release, "a.ts"), text);
  }
  symlinkSync("one", join(base, "scripts"));
  await using house = await new House({}, [], join(base, "scripts")).start();
  expect(house.owner("GET", "/one")).toBe("a");
  symlinkSync("two", join(base, "next"));
  renameSync(join(base, "next"), join(base, "scripts"));
  await house.event("reloaded", "a");
  expect([house.owner("GET", "/one"), house.owner("GET", "/two")]).toEqual([null, "a"]);
  rmSync(base, { recursive: true });
});

test("a folder that cannot be read keeps its scripts, and reload works again afterwards", async () => {
  await using house = await new House({ "a.ts": "GET /a" }).start();
  renameSync(house.dir, `${house.dir}-aside`);
  writeFileSync(house.dir, "a file");
  await Bun.sleep(50);
  rmSync(house.dir);
  renameSync(`${house.dir}-aside`, house.dir);
  house.write("a.ts", "GET /a3");
  while (house.owner("GET", "/a3") === null) await Bun.sleep(5);
});

test("a script that config leaves out is neither built nor served, but known", async () => {
  await using house = await new House({ "a.ts": "GET /a", "b.ts": "GET /b" }, ["scripts.a.enabled=false"]).start();
  expect([house.owner("GET", "/a"), house.owner("GET", "/b")]).toEqual([null, "b"]);
  expect(house.names).toEqual([["a", "b"]]);
});
