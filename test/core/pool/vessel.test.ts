import { describe, expect, test } from "bun:test";
import { openLibc } from "../../../core/isolate/jail/libc.ts";
import type { Child } from "../../../core/process/spawner.ts";
import { Early, processVessel, type VesselEvents } from "../../../core/pool/vessel.ts";

const libc = openLibc();

/** What a test sees of a vessel. */
function recorder(): VesselEvents & { readonly got: Buffer[]; readonly ends: string[] } {
  const got: Buffer[] = [];
  const ends: string[] = [];
  return {
    got,
    ends,
    data: (bytes) => void got.push(Buffer.from(bytes)),
    drain() {},
    gone: (why) => void ends.push(why),
  };
}

/** A child that is only a socket. */
async function pair() {
  const fds = new Int32Array(2);
  if (libc?.socketpair(1, 1, fds) !== 0) throw new Error("no socket pair");
  const exit = Promise.withResolvers<{ code: number | null; signal: string | null }>();
  const state = { kills: 0, words: "" };
  const child: Child = {
    kind: "isolate",
    pid: 1,
    fd: fds[0] as number,
    words: new Int32Array(16),
    bodies: null,
    exited: exit.promise,
    kill: () => void state.kills++,
    stderr: () => state.words,
  };
  const received: Buffer[] = [];
  const other = await Bun.connect({
    fd: fds[1] as number,
    socket: { data: (_socket: unknown, bytes: Buffer) => void received.push(Buffer.from(bytes)) },
  } as unknown as Bun.TCPSocketConnectOptions<undefined>);
  return { child, exit, state, received, other, vessel: await processVessel(child) };
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !holds(); i++) await Bun.sleep(5);
  expect(holds()).toBe(true);
}

describe.skipIf(libc === null)("a process", () => {
  test("is heard from the first byte on, and hears", async () => {
    const { vessel, other, received } = await pair();
    other.write("early");
    await Bun.sleep(20);
    const events = recorder();
    vessel.receive(events);
    other.write("late");
    await until(() => Buffer.concat(events.got).toString() === "earlylate");
    expect(vessel.send(Buffer.from("hello"))).toBe(5);
    await until(() => Buffer.concat(received).toString() === "hello");
    vessel.kill();
  });

  test("that closes its socket is killed, and its end is told with its exit", async () => {
    const { vessel, other, state, exit } = await pair();
    const events = recorder();
    vessel.receive(events);
    other.end();
    await until(() => state.kills > 0);
    expect(events.ends).toEqual([]);
    state.words = "panic: a last word";
    exit.resolve({ code: null, signal: "SIGKILL" });
    await until(() => events.ends.length === 1);
    expect(events.ends[0]).toContain("SIGKILL");
    expect(events.ends[0]).toContain("panic: a last word");
    // Whatever is still to be sent goes nowhere, and nobody waits for it.
    expect(vessel.send(Buffer.from("x"))).toBe(1);
  });

  test("that had ended before anyone listened says so at once", async () => {
    const { vessel, exit } = await pair();
    exit.resolve({ code: 3, signal: null });
    await Bun.sleep(5);
    const events = recorder();
    vessel.receive(events);
    expect(events.ends).toEqual(["the isolate's process ended (exit code 3)"]);
  });
});

test("an end is told once", () => {
  const early = new Early();
  const events = recorder();
  early.gone("first");
  early.gone("second");
  early.listen(events);
  early.gone("third");
  expect(events.ends).toEqual(["first"]);
});
