import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createPage, PAGE_BYTES } from "../../../../core/isolate/jail/page.ts";
import { RING_BYTES } from "../../../../core/isolate/ring.ts";
import { withChild } from "./children.ts";

const LINUX = process.platform === "linux";

describe.skipIf(!LINUX)("the shared page (Linux only)", () => {
  test("is one page of zeros", () => {
    const page = createPage();
    expect(page.words.byteLength).toBe(PAGE_BYTES);
    expect(page.words.every((word) => word === 0)).toBe(true);
    page.close();
  });

  test("may be read after its descriptor was closed, any number of times", () => {
    const page = createPage();
    page.close();
    page.close();
    page.words[3] = 9;
    expect(page.words[3]).toBe(9);
  });

  test("is unmapped when nobody holds it any more", async () => {
    const mapped = (): number => readFileSync("/proc/self/maps", "utf8").split("memfd:").length - 1;
    const before = mapped();
    (() => {
      for (let at = 0; at < 50; at++) createPage().close();
    })();
    for (let round = 0; round < 20 && mapped() > before + 5; round++) {
      Bun.gc(true);
      await Bun.sleep(1); // finalizers run with the event loop
    }
    expect(mapped()).toBeLessThanOrEqual(before + 5);
  });

  test("carries what a jailed child writes, without a message", async () => {
    await withChild({}, async (talk) => {
      expect(await talk.ask<boolean>("page")).toBe(true);
      expect(talk.child.words[0]).toBe(4242);
    });
  });

  test("has two rings for long bodies behind it, each end of which sees what the other wrote", async () => {
    await withChild({}, async ({ ask, child: { bodies, words } }) => {
      if (bodies === null) throw new Error("none are shared");
      bodies.toIsolate.bytes().write("of the engine", 5);
      expect(await ask<string>("bodies")).toBe("of the engine");
      const written = (): string => bodies.fromIsolate.bytes().latin1Slice(RING_BYTES - 12);
      expect(written()).toBe("of the child");
      words[0] = 7;
      bodies.release();
      expect([written(), bodies.toIsolate.bytes()[5], words[0]]).toEqual(["\0".repeat(12), 0, 7]);
    });
  });

  test("takes no memory of a ring before it is used", () => {
    const resident = (): number => {
      const maps = readFileSync("/proc/self/smaps", "latin1").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
      const kib = maps.filter((map) => map.includes("memfd:")).map((map) => Number(/^Rss:\s+(\d+)/m.exec(map)?.[1]));
      return kib.reduce((sum, one) => sum + one * 1024, 0);
    };
    const before = resident();
    const pages = Array.from({ length: 20 }, () => createPage());
    for (const { bodies } of pages) bodies?.toIsolate.bytes();
    expect(resident() - before).toBeLessThanOrEqual(20 * PAGE_BYTES);
    pages[0]?.bodies?.toIsolate.bytes().fill(1);
    // Pages of the tests before may go meanwhile.
    expect(resident() - before).toBeGreaterThan(RING_BYTES / 2);
    for (const page of pages) page.close();
  });

  test("cannot be cut off by a hostile child, which would end the engine with SIGBUS", async () => {
    await withChild({ args: ["keep-page", "unlocked"] }, async (talk) => {
      expect(await talk.ask<string>("shrink page")).toBe("errno 1");
      expect(talk.child.words[0]).toBe(0);
    });
  });
});
