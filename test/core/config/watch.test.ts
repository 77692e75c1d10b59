/** Changes of config files are noticed, however they are made; and which changes a running engine refuses. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  configFiles,
  configStates,
  loadConfig,
  restartNeeded,
  watchConfig,
  type Config,
} from "../../../core/config/index.ts";
import { project } from "./project.ts";

const open: { close(): void }[] = [];
afterEach(() => {
  for (const watcher of open.splice(0)) watcher.close();
});

/** Counts what is told; `next` resolves with the text of the next told change. */
function watching(dir: string, file?: string): { next(): Promise<void>; readonly told: number } {
  let told = 0;
  let wake: () => void = () => {};
  const onLost = (error: Error): void => {
    throw error;
  };
  const watcher = watchConfig(
    configFiles(dir, file),
    () => {
      told++;
      wake();
    },
    onLost,
  );
  open.push(watcher);
  return {
    next: () => new Promise((resolve) => (wake = resolve)),
    get told() {
      return told;
    },
  };
}

describe("a change is told", () => {
  test("when a file is made, written, replaced by a rename and removed", async () => {
    const dir = project();
    const path = join(dir, "aiwebengine.toml");
    const seen = watching(dir);
    for (const change of [
      () => writeFileSync(path, "server.port = 1"),
      () => writeFileSync(path, "server.port = 2"),
      () => {
        writeFileSync(join(dir, "new"), "server.port = 3");
        renameSync(join(dir, "new"), path);
      },
      () => rmSync(path),
      () => writeFileSync(join(dir, "aiwebengine.yaml"), "server: {}"),
    ]) {
      const next = seen.next();
      change();
      await next;
    }
    expect(seen.told).toBe(5);
  });

  test("when a mounted folder changes behind its link, as a ConfigMap does", async () => {
    const dir = project();
    for (const version of ["v1", "v2"]) {
      mkdirSync(join(dir, version));
      writeFileSync(join(dir, version, "aiwebengine.toml"), `# ${version}`);
    }
    symlinkSync("v1", join(dir, "data"));
    symlinkSync("data/aiwebengine.toml", join(dir, "aiwebengine.toml"));
    const seen = watching(dir);
    const next = seen.next();
    symlinkSync("v2", join(dir, "data.new"));
    renameSync(join(dir, "data.new"), join(dir, "data"));
    await next;
    expect(seen.told).toBe(1);
  });

  test("once for an editor that empties the file before it writes, and never while it is empty", async () => {
    const dir = project({ "a.toml": "server.port = 1" });
    const path = join(dir, "a.toml");
    const seen = watching(dir, path);
    const next = seen.next();
    truncateSync(path);
    await Bun.sleep(60); // longer than what settles any other change
    expect(seen.told).toBe(0);
    writeFileSync(path, "server.port = 2");
    await next;
    expect(seen.told).toBe(1);
  });

  test("when it was made after the state that is given, before anybody watched", async () => {
    const dir = project({ "aiwebengine.toml": "server.port = 1" });
    const files = configFiles(dir);
    const since = configStates(files);
    writeFileSync(join(dir, "aiwebengine.toml"), "server.port = 2 # meanwhile");
    await new Promise<void>((resolve) => open.push(watchConfig(files, resolve, () => {}, since)));
  });

  test("not for other files of the folder", async () => {
    const dir = project({ "aiwebengine.toml": "" });
    const seen = watching(dir);
    const next = seen.next();
    writeFileSync(join(dir, "other.txt"), "x");
    await Bun.sleep(50); // longer than a change needs to settle
    expect(seen.told).toBe(0);
    writeFileSync(join(dir, "aiwebengine.toml"), "server.port = 1");
    await next;
    expect(seen.told).toBe(1);
  });

  test("a folder that cannot be watched is reported", () => {
    const lost: Error[] = [];
    open.push(
      watchConfig(
        ["/nowhere/at/all/a.toml"],
        () => {},
        (error) => lost.push(error),
      ),
    );
    expect(lost.map(({ message }) => message)).toEqual(["cannot watch /nowhere/at/all for changes of the config"]);
  });
});

describe("restartNeeded", () => {
  const dir = project({ "c.pem": "", "k.pem": "" });
  const load = (...set: string[]): Config => loadConfig({ dir, set, flags: {} });

  test("names what a running engine cannot change", () => {
    const tls = ["server.tls.cert=c.pem", "server.tls.key=k.pem"];
    const next = load(
      "server.port=1",
      "server.host=::",
      "server.maxHeaderBytes=2048",
      "isolates.mode=thread",
      'isolates.require=["uid"]',
      "log.format=pretty",
      ...tls,
    );
    expect(restartNeeded(load(), next)).toEqual([
      "server.host",
      "server.port",
      "server.maxHeaderBytes",
      "server.tls.cert",
      "server.tls.key",
      "isolates.mode",
      "isolates.require",
      "log.format",
    ]);
  });

  test("is silent about everything else, and about what stays the same", () => {
    const next = load(
      "limits.wallMs=5",
      "scripts.a.enabled=false",
      "log.level=debug",
      "fetch.allowPrivate=true",
      "isolates.max=2",
    );
    expect(restartNeeded(load(), next)).toEqual([]);
    expect(restartNeeded(load("server.port=1"), load("server.port=1"))).toEqual([]);
  });
});
