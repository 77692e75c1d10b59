/** Two engines on one `data/`: the second is refused, and no ending of the first leaves the folder locked. */
import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataDirError, lockDataDir } from "../../core/lock.ts";

const root = mkdtempSync(join(tmpdir(), "awe-lock-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fresh = (): string => join(mkdtempSync(join(root, "p-")), "data");

function refusal(dir: string): string {
  try {
    lockDataDir(dir).release();
  } catch (error) {
    if (error instanceof DataDirError) return error.message;
    throw error;
  }
  throw new Error("was accepted");
}

const HOLDER = `
import { lockDataDir } from ${JSON.stringify(join(import.meta.dir, "../../core/lock.ts"))};
const lock = lockDataDir(process.argv.at(-1), () => 0);
lock.announce("http://127.0.0.1:8080");
await Bun.write(Bun.stdout, "held\\n");
await new Promise(() => setInterval(() => {}, 1000));
`;

async function startHolder(dir: string) {
  const child = Bun.spawn([process.execPath, "-e", HOLDER, dir], { stdout: "pipe", stdin: "ignore" });
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("held\n");
  return child;
}

test("the folder is made, ignored by git and closed to other users", () => {
  const dir = fresh();
  const lock = lockDataDir(dir);
  expect(readFileSync(join(dir, ".gitignore"), "utf8")).toBe("*\n");
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  lock.release();
  writeFileSync(join(dir, ".gitignore"), "mine\n");
  lockDataDir(dir).release();
  expect(readFileSync(join(dir, ".gitignore"), "utf8")).toBe("mine\n");
  expect(existsSync(join(dir, "run/engine.json"))).toBe(false);
});

test("a data/ that is a link to nowhere is refused with what it is", () => {
  const dir = fresh();
  symlinkSync(join(root, "gone"), dir);
  expect(refusal(dir)).toContain("it is a link that leads nowhere");
});

test("a second engine is refused and told who holds the folder; SIGKILL of the first frees it", async () => {
  const dir = fresh();
  const holder = await startHolder(dir);
  expect(refusal(dir)).toBe(
    `Another engine uses ${dir} (process ${holder.pid}, running since 1970-01-01T00:00:00.000Z, serving http://127.0.0.1:8080). ` +
      "Stop it first, or start this one with another --dir.",
  );
  writeFileSync(join(dir, "run/engine.json"), '{"pid": "\\u001b[31m"');
  expect(refusal(dir)).toStartWith(`Another engine uses ${dir}. Stop`);
  holder.kill("SIGKILL");
  await holder.exited;
  lockDataDir(dir).release();
});

test("a second lock in the same process is refused too, and release frees it", () => {
  const dir = fresh();
  const first = lockDataDir(dir);
  expect(refusal(dir)).toContain(`process ${process.pid}`);
  first.release();
  lockDataDir(dir).release();
});

test("a file in the folder's place, and a lock that is no lock, are told in a sentence", () => {
  const dir = fresh();
  writeFileSync(dir, "");
  expect(refusal(dir)).toContain("is a file, not a folder");
  expect(refusal(join(dir, "deeper"))).toContain("a part of the path is a file");
  const broken = fresh();
  mkdirSync(broken);
  writeFileSync(join(broken, "lock"), "this is no database, and long enough to be looked at as one ".repeat(20));
  expect(refusal(broken)).toBe(
    `Cannot keep data in ${join(broken, "lock")}: it is not a lock of this engine; remove it and start again.`,
  );
});

test("a folder that this user may not write to is told in a sentence", async () => {
  const parent = mkdtempSync(join(root, "closed-"));
  chmodSync(root, 0o755);
  chmodSync(parent, 0o555);
  const body = `
    import { lockDataDir } from ${JSON.stringify(join(import.meta.dir, "../../core/lock.ts"))};
    if (process.getuid() === 0) process.setuid(65534);
    try { lockDataDir(process.argv.at(-1)); } catch (error) { await Bun.write(Bun.stdout, error.message); }
  `;
  const child = Bun.spawn([process.execPath, "-e", body, join(parent, "data")], { stdout: "pipe", stdin: "ignore" });
  expect(await new Response(child.stdout).text()).toBe(
    `Cannot keep data in ${join(parent, "data")}: this user may not write there; give it the folder, or start with another --dir.`,
  );
});
