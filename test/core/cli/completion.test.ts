/** What shells are given to complete with, and that bash completes with it. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isGroup } from "../../../core/cli/command.ts";
import { COMMANDS } from "../../../core/cli/commands.ts";
import { renderCompletion } from "../../../core/cli/completion.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
const dir = mkdtempSync(join(tmpdir(), "awe-completion-"));
afterAll(() => rmSync(dir, { recursive: true }));

describe.each([...SHELLS])("%s", (shell) => {
  const text = renderCompletion(shell, COMMANDS);

  test("knows every command and every flag", () => {
    const commands = COMMANDS.flatMap((entry) => (isGroup(entry) ? entry.commands : [entry]));
    for (const { name } of [...COMMANDS, ...commands]) expect(text).toContain(name);
    for (const { flags = [] } of commands) for (const { name } of flags) expect(text).toContain(name);
  });

  test.skipIf(Bun.which(shell) === null)("reads it without an error", () => {
    const file = join(dir, shell);
    writeFileSync(file, text);
    const { exitCode, stderr } = Bun.spawnSync([shell, "-n", file]);
    expect([exitCode, String(stderr)]).toEqual([0, ""]);
  });
});

describe.skipIf(Bun.which("bash") === null)("in bash", () => {
  mkdirSync(join(dir, "scripts/shop"), { recursive: true });
  for (const file of [
    "hello.ts",
    "hello.test.ts",
    "_shared.ts",
    "tsconfig.json",
    "$(touch pwned).ts",
    "`touch pwned`.ts",
  ])
    writeFileSync(join(dir, "scripts", file), "");
  const complete = (...words: readonly string[]): readonly string[] => {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const program = `${renderCompletion("bash", COMMANDS)}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _aiwebengine; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = Bun.spawnSync(["bash", "-c", program], { cwd: dir });
    expect(String(stderr)).toBe("");
    return String(stdout).trim().split("\n").toSorted();
  };

  test("a word is a command, a flag, a choice or a folder, by its place", () => {
    expect(complete("aiwebengine", "che")).toEqual(["check"]);
    expect(complete("aiwebengine", "help", "doc")).toEqual(["doctor"]);
    expect(complete("aiwebengine", "serve", "--po")).toEqual(["--port"]);
    expect(complete("aiwebengine", "completion", "z")).toEqual(["zsh"]);
    expect(complete("aiwebengine", "init", "scr")).toEqual(["scripts"]);
    expect(complete("aiwebengine", "serve", "--dir", "scr")).toEqual(["scripts"]);
  });

  test("scripts are named, and a file's name is never run", () => {
    expect(complete("aiwebengine", "check", "")).toEqual([
      "--config",
      "--dir",
      "--help",
      "--json",
      "--profile",
      "--set",
      "hello",
      "shop",
    ]);
    expect(existsSync(join(dir, "pwned"))).toBe(false);
  });
});
