/** The cache: what is found again, what is not, and what is mended. */
import { expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { bench, type Bench } from "./build-bench.ts";

// Each build starts a process; a machine under load takes its time.
setDefaultTimeout(30_000);

const route = (path: string): string => `register('${path}', () => 1); export {};`;

async function built(at: Bench, entry: string) {
  return (await at.bundle(entry)).bundle;
}

test("a restart finds the bundle, with its registrations and its code", async () => {
  await using at = await bench({ "a.ts": route("/a"), "_shared/x.ts": "" });
  const first = await built(at, "a.ts");
  const found = await at.again().cached(at.input("a.ts"));
  expect({ ...found, readCode: null }).toEqual({ ...first, readCode: null });
  expect(await found?.readCode()).toEqual(await first.readCode());
});

test("another engine version, service, point, config or limit misses", async () => {
  await using at = await bench({ "a.ts": route("/a") });
  await built(at, "a.ts");
  expect(await at.again({ engineVersion: "other" }).cached(at.input("a.ts"))).toBeNull();
  expect(
    await at.again({ offer: () => ({ services: { kv: ["get"] }, points: {} }) }).cached(at.input("a.ts")),
  ).toBeNull();
  const points = { ring: { point: "bells", canonical: "ring", args: [] } };
  expect(await at.again({ offer: () => ({ services: {}, points }) }).cached(at.input("a.ts"))).toBeNull();
  expect(await at.again().cached(at.input("a.ts", { other: true }))).toBeNull();
  expect(await at.again().cached({ ...at.input("a.ts"), limits: { wallMs: 1 } })).toBeNull();
  expect(await at.again().cached(at.input("a.ts"))).not.toBeNull();
});

test("what was built before a plugin came is found again when it has gone", async () => {
  await using at = await bench({ "a.ts": route("/a") });
  const first = await built(at, "a.ts");
  const offer = { services: { kv: ["get"] }, points: {} };
  const other = at.again({ offer: () => offer });
  const second = await other.build(at.input("a.ts"));
  expect(second.ok && second.bundle.hash).not.toBe(first.hash);
  expect((await at.again().cached(at.input("a.ts")))?.hash).toBe(first.hash);
  expect((await other.cached(at.input("a.ts")))?.offer).toEqual(offer);
});

test("a changed file misses, also one of the same size; a touched one hits", async () => {
  await using at = await bench({
    "s/index.ts": 'import { p } from "./p.ts"; register(p, () => 1);',
    "s/p.ts": "export const p = '/a';",
  });
  const part = join(at.folder.scriptsDir, "s/p.ts");
  await built(at, "s/index.ts");
  const later = new Date(Date.now() + 5000);
  utimesSync(part, later, later);
  expect(await at.again().cached(at.input("s/index.ts"))).not.toBeNull();
  at.folder.write({ "s/p.ts": "export const p = '/b';" });
  utimesSync(part, new Date(0), new Date(0));
  expect(await at.again().cached(at.input("s/index.ts"))).toBeNull();
  rmSync(part);
  expect(await at.again().cached(at.input("s/index.ts"))).toBeNull();
});

test("a file that would now be found first misses", async () => {
  await using at = await bench({
    "s/index.ts": 'import { p } from "./p"; register(p, () => 1);',
    "s/p.js": "export const p = '/a';",
  });
  await built(at, "s/index.ts");
  expect(await at.again().cached(at.input("s/index.ts"))).not.toBeNull();
  at.folder.write({ "s/p.ts": "export const p = '/b';" });
  expect(await at.again().cached(at.input("s/index.ts"))).toBeNull();
});

const damage: [name: string, harm: (bundle: string, text: string) => void][] = [
  ["cut short", (path, text) => writeFileSync(path, text.slice(0, 100))],
  ["emptied", (path) => writeFileSync(path, "")],
  ["no object", (path) => writeFileSync(path, "null")],
  ["changed in one place", (path, text) => writeFileSync(path, text.replace('"/a"', '"/b"'))],
  [
    "without its inputs",
    (path, text) => writeFileSync(path, JSON.stringify({ ...JSON.parse(text), inputs: undefined })),
  ],
];

test("a damaged entry is rebuilt, with a warning", async () => {
  await using at = await bench({ "a.ts": route("/a") });
  const first = await built(at, "a.ts");
  const path = join(at.cacheDir, first.hash, "bundle.json");
  const whole = readFileSync(path, "utf8");
  for (const [name, harm] of damage) {
    harm(path, whole);
    expect({ name, found: await at.builder.cached(at.input("a.ts")) }).toEqual({ name, found: null });
    const { bundle, warnings } = await at.bundle("a.ts");
    expect(warnings).toMatchObject([{ code: "internal", message: expect.stringContaining("damaged") }]);
    expect(bundle.hash).toBe(first.hash);
    expect(await at.again().cached(at.input("a.ts"))).not.toBeNull();
  }
});

test("code that was damaged or deleted under a running engine is made again", async () => {
  await using at = await bench({ "a.ts": route("/a") });
  const first = await built(at, "a.ts");
  const whole = await first.readCode();
  writeFileSync(join(at.cacheDir, first.hash, "code.js"), "evil()");
  expect(await first.readCode()).toEqual(whole);
  rmSync(at.cacheDir, { recursive: true });
  expect(await first.readCode()).toEqual(whole);
});

test("code that cannot be made again is refused, not replaced by other code", async () => {
  await using at = await bench({ "a.ts": route("/a") });
  const first = await built(at, "a.ts");
  rmSync(at.cacheDir, { recursive: true });
  at.folder.write({ "a.ts": route("/b") });
  const error = await first.readCode().then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(String(error)).toContain("have changed since");
});

test("an unwritable cache still serves, with a warning", async () => {
  await using at = await bench({ "a.ts": route("/a") });
  mkdirSync(join(at.folder.dir, "data"));
  writeFileSync(at.cacheDir, "a file where the folder should be");
  const { bundle, warnings } = await at.bundle("a.ts");
  expect(warnings).toMatchObject([{ code: "internal", hint: expect.stringContaining("at each start") }]);
  expect((await bundle.readCode()).code).toContain("/a");
});

test("the last three builds of a script are kept, and no drafts", async () => {
  await using at = await bench({ "a.ts": "", "b.ts": route("/other") });
  const other = await built(at, "b.ts");
  const hashes: string[] = [];
  for (let i = 0; i < 5; i++) {
    at.folder.write({ "a.ts": route(`/${i}`) });
    hashes.push((await built(at, "a.ts")).hash);
  }
  expect(readdirSync(at.cacheDir).sort()).toEqual([...hashes.slice(2), other.hash, "a.ref", "b.ref"].sort());
});

test("two scripts of the same content do not share an entry", async () => {
  await using at = await bench({ "a.ts": route("/a"), "b.ts": route("/a") });
  expect((await built(at, "a.ts")).hash).not.toBe((await built(at, "b.ts")).hash);
});

test("a removed script leaves no build behind", async () => {
  await using at = await bench({ "a.ts": route("/a"), "b.ts": route("/b") });
  const other = await built(at, "b.ts");
  await built(at, "a.ts");
  at.builder.forget("a");
  expect(readdirSync(at.cacheDir).sort()).toEqual([other.hash, "b.ref"].sort());
});

test("a ref cannot lead out of the cache", async () => {
  await using at = await bench({ "a.ts": route("/a") });
  await built(at, "a.ts");
  writeFileSync(join(at.cacheDir, "a.ref"), "../../../etc");
  expect(await at.again().cached(at.input("a.ts"))).toBeNull();
});

test("a cache in a moved project is still good", async () => {
  await using at = await bench({ "s/index.ts": route("/a") });
  const first = await built(at, "s/index.ts");
  const entry = readFileSync(join(at.cacheDir, first.hash, "bundle.json"), "utf8");
  expect(entry).not.toContain(at.folder.dir);
  const { code, map } = await first.readCode();
  expect(code + map).not.toContain(at.folder.dir);
});

test.skipIf(process.getuid?.() === 0)("a read-only cache still serves", async () => {
  await using at = await bench({ "a.ts": route("/a") });
  mkdirSync(at.cacheDir, { recursive: true });
  chmodSync(at.cacheDir, 0o500);
  expect((await at.bundle("a.ts")).warnings).toHaveLength(1);
  expect(existsSync(join(at.cacheDir, "a.ref"))).toBe(false);
});
