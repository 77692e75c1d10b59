/** Which file is read, what is said of it where it cannot be, and how it is shown. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LiveConfig, loadConfig, type ConfigError } from "../../../core/config/index.ts";
import { project, refusal } from "./project.ts";

const outside = mkdtempSync(join(tmpdir(), "awe-config-file-"));
afterAll(() => rmSync(outside, { recursive: true }));

const refused = (dir: string, file?: string): ConfigError =>
  refusal(() => loadConfig({ dir, file, set: [], flags: {} }));

test("a folder that is not there, or is a file, is refused by the name that was typed, and not made", () => {
  writeFileSync(join(outside, "file"), "");
  for (const name of ["nowhere", "file"]) {
    const dir = join(outside, name);
    const { exitCode, problems } = refused(dir);
    expect(exitCode).toBe(2);
    expect(problems).toEqual([{ key: "", message: "there is no such folder", place: `--dir ${dir}` }]);
  }
});

test("a file in the folder is shown relative to it, any other with its whole path", () => {
  const dir = project({ "aiwebengine.toml": "wrong = 1", "..hidden.toml": "wrong = 1" });
  expect(refused(dir).message).toContain("\naiwebengine.toml:1:1: wrong: unknown key");
  const elsewhere = join(outside, "other.toml");
  writeFileSync(elsewhere, "wrong = 1");
  expect(refused(dir, elsewhere).message).toContain(`\n${elsewhere}:1:1: wrong: unknown key`);
});

test("a file that cannot be read is refused with the reason, never passed over", () => {
  const dir = project({ "bytes.toml": new Uint8Array([0x61, 0xff, 0xfe]), "long.toml": "#".repeat(1_048_577) });
  const reasons = [
    ["gone.toml", "cannot be read: there is no such file"],
    ["bytes.toml", "cannot be read: it is not UTF-8 text"],
    [".", "cannot be read: it is a folder"],
    ["long.toml", "cannot be read: it has 1048577 bytes; a config file may have 1048576 (1 MiB)"],
  ] as const;
  for (const [file, message] of reasons) {
    const { problems } = refused(dir, join(dir, file));
    expect(problems.map((problem) => problem.message)).toEqual([message]);
  }
});

test("a config that is a link to nowhere is refused: the defaults would not be what its author meant", () => {
  const dir = project({});
  symlinkSync(join(outside, "gone.toml"), join(dir, "aiwebengine.toml"));
  expect(refused(dir).message).toContain("aiwebengine.toml: cannot be read: there is no such file");
});

test("of two config files neither is read, and both are named", () => {
  const dir = project({ "aiwebengine.toml": "", "aiwebengine.json": "{}" });
  const { message } = refused(dir);
  expect(message).toContain("there is more than one config file: ");
  for (const part of ["aiwebengine.toml", "aiwebengine.json", " and ", "name one with --config"])
    expect(message).toContain(part);
});

test("of very many problems the first are shown, and all are counted", () => {
  const text = Array.from({ length: 100 }, (_, index) => `wrong${index} = 1`).join("\n");
  const { message, problems } = refused(project({ "aiwebengine.toml": text }));
  expect(problems.length).toBe(100);
  expect(message.match(/unknown key/g)?.length).toBe(20);
  expect(message).toEndWith("\n\nand 80 more");
});

test("several problems are counted", () => {
  const dir = project({ "aiwebengine.toml": "one = 1\ntwo = 2\n" });
  expect(refused(dir).message).toStartWith("The config has 2 problems.");
});

test("the live config is the one that was given last", () => {
  const load = (port: number) => loadConfig({ dir: project({}), set: [`server.port=${port}`], flags: {} });
  const live = new LiveConfig(load(1));
  expect(live.current.server.port).toBe(1);
  live.replace(load(2));
  expect(live.current.server.port).toBe(2);
});
