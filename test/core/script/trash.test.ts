/** A removed script's data: when it moves, when it does not, and when it is deleted. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTrash } from "../../../core/script/trash.ts";

const root = mkdtempSync(join(tmpdir(), "awe-trash-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

class House {
  readonly dataDir = mkdtempSync(join(root, "p-"));
  readonly released: string[] = [];
  readonly errors: string[] = [];
  now = Date.UTC(2026, 0, 2, 3, 4, 5, 67);
  moved = Promise.withResolvers<string | null>();
  readonly trash = createTrash({
    dataDir: this.dataDir,
    release: (script) => void this.released.push(script),
    onMoved: (_script, path) => this.moved.resolve(path),
    onError: (path) => void this.errors.push(path),
    now: () => this.now,
    graceMs: 20,
  });

  constructor(...scripts: string[]) {
    for (const script of scripts) {
      mkdirSync(join(this.dataDir, "scripts", script), { recursive: true });
      writeFileSync(join(this.dataDir, "scripts", script, "kv"), `of ${script}`);
    }
  }

  see(...names: string[]): void {
    this.trash.seen(new Set(names));
  }

  get inTrash(): string[] {
    return existsSync(join(this.dataDir, ".trash")) ? readdirSync(join(this.dataDir, ".trash")) : [];
  }

  get scripts(): string[] {
    return readdirSync(join(this.dataDir, "scripts")).toSorted();
  }
}

test("data of a script that stays away goes to the trash whole, after it was let go of", async () => {
  const house = new House("a", "b");
  house.see("a", "b");
  house.see("b");
  expect(house.scripts).toEqual(["a", "b"]);
  house.now += 20;
  const path = await house.moved.promise;
  expect(path).toBe(join(house.dataDir, ".trash", "a-20260102T030405087Z"));
  expect(readFileSync(join(path as string, "kv"), "utf8")).toBe("of a");
  expect([house.scripts, house.released, house.errors]).toEqual([["b"], ["a"], []]);
  house.trash.close();
});

test("a script that comes back in time has its data", async () => {
  const house = new House("a", "b");
  house.see("a", "b");
  house.see("b");
  house.now += 19;
  house.see("a", "b");
  house.now += DAY;
  house.see("a");
  house.see("a", "b");
  await Bun.sleep(30);
  expect([house.scripts, house.released]).toEqual([["a", "b"], []]);
  house.trash.close();
});

test("what was removed while the engine did not run is seen at its start, and gets the same time", async () => {
  const house = new House("gone");
  house.see("a");
  expect(house.scripts).toEqual(["gone"]);
  house.now += 20;
  await house.moved.promise;
  expect(house.scripts).toEqual([]);
  house.trash.close();
});

test("a folder of scripts that is suddenly empty costs no data: it may not be mounted", async () => {
  const house = new House("a", "b");
  house.see("a", "b");
  house.see();
  house.now += DAY;
  house.see();
  await Bun.sleep(30);
  expect(house.scripts).toEqual(["a", "b"]);
  house.trash.close();
});

test("a script without data is let go of, and nothing is moved", async () => {
  const house = new House();
  house.see("a", "b");
  house.see("b");
  house.now += 20;
  expect(await house.moved.promise).toBeNull();
  expect([house.released, house.inTrash, house.errors]).toEqual([["a"], [], []]);
  house.trash.close();
});

test("the trash of a week ago is deleted at the start; what is younger, or not ours, stays", () => {
  const house = new House("a");
  for (const name of ["old-20251226T030405066Z", "young-20251226T030405068Z", "notes", "x-2025"]) {
    mkdirSync(join(house.dataDir, ".trash", name), { recursive: true });
  }
  house.see("a");
  expect(house.inTrash.toSorted()).toEqual(["notes", "x-2025", "young-20251226T030405068Z"]);
  house.trash.close();
});

test("folders in data/scripts that no script can have are left alone", async () => {
  const house = new House("Backup of mine", "gone");
  house.see("a");
  house.now += 20;
  await house.moved.promise;
  expect(house.scripts).toEqual(["Backup of mine"]);
  house.trash.close();
});
