/** One client in a hundred does not read: the others get everything, and the engine holds a bounded amount for it. */
import { expect, test } from "bun:test";
import { Crowd, CROWD_SCRIPT } from "./crowd.ts";
import { startEngine } from "./engine.ts";
import { figures } from "./processes.ts";

const READERS = 99;
const STUCK = 1;
const QUEUE = 262_144;
const BYTES = 60_000;
const MIB = 1024 * 1024;

test("stuck clients are dropped when their queue is full, and cost the others no message and the engine no memory", async () => {
  await using engine = await startEngine({
    scripts: { "crowd.js": CROWD_SCRIPT },
    config: `[plugins.streams]\nmaxPerIp = 1000\nqueueBytes = ${QUEUE}\n`,
  });
  await engine.waitForLog(/"script loaded".*"crowd"/);
  const crowd = new Crowd(engine);
  await crowd.join(READERS);
  await crowd.send(BYTES);
  await crowd.joinStuck(STUCK);
  while ((await crowd.send(10)).connections < READERS + STUCK) await Bun.sleep(10);
  const before = figures(engine.pid)?.rssBytes ?? 0;
  let failed = 0;
  let most = 0;
  let sent = 0;
  // What a socket's own buffers take comes before the queue.
  for (; failed < STUCK && sent < 2000; sent++) {
    // It resolves when every client that reads has the message.
    const it = await crowd.send(BYTES);
    failed += it.failed;
    most = Math.max(most, (figures(engine.pid)?.rssBytes ?? 0) - before);
  }
  expect(failed).toBe(STUCK);
  expect(most).toBeLessThan(STUCK * QUEUE + 64 * MIB);
  expect(await crowd.send(10)).toMatchObject({ delivered: READERS, connections: READERS, failed: 0 });
  crowd.leave();
}, 60_000);
