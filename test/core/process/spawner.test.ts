import { describe, expect, test } from "bun:test";
import { startSpawner } from "../../../core/process/spawner.ts";
import { COMMAND, talkTo, withChild, withSpawner } from "../isolate/jail/children.ts";

describe.each([true, false])("the spawner (jail: %p)", (jail) => {
  test("says whether it jails", async () => {
    await withSpawner(jail, async (spawner) => expect(spawner.jailed).toBe(jail && process.platform === "linux"));
  });

  test("ends a child that does not yield, however often it is told to, also afterwards", async () => {
    await withChild({ jail }, async (talk) => {
      void talk.ask("spin").catch(() => {});
      talk.child.kill();
      talk.child.kill();
      expect(await talk.child.exited).toEqual({ code: null, signal: "SIGKILL" });
      talk.child.kill();
    });
  });

  test("a child ends by itself when the engine's end of its socket closes", async () => {
    await withChild({ jail }, async (talk) => {
      talk.close();
      expect(await talk.child.exited).toEqual({ code: 0, signal: null });
    });
  });

  test("keeps the last 4 KiB of what a child wrote to stderr, and no more", async () => {
    await withChild({ jail }, async (talk) => {
      expect(await talk.ask<string>("flood")).toBe("done");
      talk.close();
      await talk.child.exited;
      expect(talk.child.stderr()).toBe("x".repeat(4096));
    });
  });

  test("ends all children when it is disposed, and starts none after that", async () => {
    const spawner = await startSpawner({ command: COMMAND, jail });
    const talks = await Promise.all(
      [spawner.spawn("isolate"), spawner.spawn("builder")].map(async (child) => talkTo(await child)),
    );
    await spawner.dispose();
    for (const { child } of talks) expect((await child.exited).signal).toBe("SIGKILL");
    expect(spawner.spawn("isolate")).rejects.toThrow("after the engine had begun to stop");
  });

  test("names the program that it could not start", async () => {
    const spawner = await startSpawner({ command: [process.execPath], jail });
    const broken = await startSpawner({ command: jail ? ["/bin/sh"] : ["/nonexistent/aiwebengine"], jail });
    const started = await broken.spawn("isolate").then(
      async (child) => `exit ${(await child.exited).code}`,
      (error: Error) => error.message,
    );
    expect(started).toMatch(jail ? /^exit [1-9]/ : /could not be started with \/nonexistent\/aiwebengine/);
    await Promise.all([spawner.dispose(), broken.dispose()]);
  });
});
