/** Messages between real scripts: who gets them, what the sender learns, and what stops those who call each other. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type Engine } from "./engine.ts";

const SCRIPTS = {
  "sender.ts": `import { registerWebHandler, registerMessageHandler, sendMessage } from "@aiwebengine/sdk";
registerWebHandler("POST /send", async ({ body, messages }) => {
  const { target, payload, short } = body as never as { target: string; payload: unknown; short?: boolean };
  const sent = short ? sendMessage(target, payload) : messages.send(target, payload);
  return sent.catch(({ code, message }) => ({ code, message }));
});
registerMessageHandler("note", ({ payload, log }) => log.info("own got it", { payload }));
`,
  "orders.ts": `import { registerMessageHandler, HttpError, log } from "@aiwebengine/sdk";
registerMessageHandler("note", ({ payload, id, kind }) => { log.info("orders got it", { payload, id, kind }); return "x"; });
registerMessageHandler("paid", { input: { cents: "number.integer > 0" } }, ({ payload }) => {
  log.info("paid", { cents: payload.cents });
});
registerMessageHandler("refuse", () => { throw new HttpError(409, "Not on Sundays."); });
registerMessageHandler("break", () => { throw new Error("hunter2"); });
registerMessageHandler("spin", () => { for (;;); });
`,
  "ping.ts": `import { registerMessageHandler, sendMessage } from "@aiwebengine/sdk";
registerMessageHandler("ping", async () => { const d = await sendMessage("pong/pong"); if (d.failed) throw new Error("failed"); });
`,
  "pong.ts": `import { registerMessageHandler, sendMessage } from "@aiwebengine/sdk";
registerMessageHandler("pong", async () => { const d = await sendMessage("ping/ping"); if (d.failed) throw new Error("failed"); });
`,
};

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({
    scripts: SCRIPTS,
    config: `[limits]
uninterruptedMs = 600
[plugins.messages]
maxBytes = 1000
`,
  });
});
afterAll(() => engine.stop());

async function send(target: unknown, payload?: unknown, more: object = {}): Promise<{ [key: string]: unknown }> {
  const init = { method: "POST", headers: { "content-type": "application/json" } };
  const answer = await engine.fetch("/send", { ...init, body: JSON.stringify({ target, payload, ...more }) });
  return (await answer.json()) as never;
}

describe("a message", () => {
  test("goes to every script that handles its name, the sender's own among them", async () => {
    expect(await send("note", { a: [1] })).toEqual({ delivered: 2, failed: 0 });
    expect(await engine.waitForLog(/orders got it/)).toContain('"a":[1]');
    expect(await engine.waitForLog(/own got it/)).toContain('"a":[1]');
  });

  test("goes to one script alone where the target names it, in either form, also by sendMessage", async () => {
    expect(await send("orders/note")).toEqual({ delivered: 1, failed: 0 });
    expect(await send({ script: "sender", name: "note" })).toEqual({ delivered: 1, failed: 0 });
    expect(await send("orders/note", 1, { short: true })).toEqual({ delivered: 1, failed: 0 });
  });

  test("to nobody is no failure", async () => {
    expect(await send("nobody")).toEqual({ delivered: 0, failed: 0 });
    expect(await send("nobody/note")).toEqual({ delivered: 0, failed: 0 });
  });

  test("that does not fit its handler's schema fails, and the handler is not called", async () => {
    expect(await send("paid", { cents: -1 })).toMatchObject({
      delivered: 0,
      failed: 1,
      errors: [{ script: "orders", code: "invalid_input" }],
    });
    expect(await send("paid", { cents: 5 })).toEqual({ delivered: 1, failed: 0 });
    expect(await engine.waitForLog(/"paid"/)).toContain('"cents":5');
  });

  test("reaches a script that comes while the engine runs, and not one that went", async () => {
    const mark = engine.mark();
    await engine.write(
      "scripts/late.ts",
      'import { registerMessageHandler } from "@aiwebengine/sdk";\nregisterMessageHandler("late", () => {});\n',
    );
    await engine.waitForLog(/late/, { after: mark });
    expect(await send("late")).toEqual({ delivered: 1, failed: 0 });
    const gone = engine.mark();
    await engine.remove("scripts/late.ts");
    await engine.waitForLog(/late/, { after: gone });
    expect(await send("late")).toEqual({ delivered: 0, failed: 0 });
  });
});

describe("closed doors", () => {
  test("a sender learns what an HttpError says, and of any other failure the code only", async () => {
    expect(await send("refuse")).toMatchObject({ errors: [{ code: "conflict", message: "Not on Sundays." }] });
    const broken = await send("break");
    expect(broken).toMatchObject({ delivered: 0, failed: 1, errors: [{ script: "orders", code: "script_failed" }] });
    expect(JSON.stringify(broken)).not.toContain("hunter2");
    expect(await engine.waitForLog(/hunter2/)).toContain("orders");
  });

  test("a payload beyond the limit is refused, and so is a target that is none", async () => {
    expect(await send("note", "x".repeat(999))).toMatchObject({ code: "bad_request" });
    for (const target of [null, 1, [], {}, { name: 1 }, { script: 1, name: "note" }]) {
      expect(await send(target)).toMatchObject({ code: "bad_request" });
    }
  });

  test("scripts that message each other end", async () => {
    expect(await send("ping/ping")).toMatchObject({ delivered: 0, failed: 1 });
  });

  test("a handler that does not yield costs itself; the sender's script goes on", async () => {
    expect(await send("spin")).toMatchObject({ failed: 1, errors: [{ code: "uninterrupted_exceeded" }] });
    expect(await send("sender/note")).toEqual({ delivered: 1, failed: 0 });
  });

  test("two handlers of one message, or a name with a slash, are refused when the script loads", async () => {
    for (const [name, why] of [
      ["a", "handles this message already"],
      ["a/b", 'has a "/"'],
    ] as const) {
      const mark = engine.mark();
      const one = `registerMessageHandler(${JSON.stringify(name)}, () => {});\n`;
      await engine.write("scripts/twice.js", one + one);
      expect(await engine.waitForLog(/twice/, { after: mark })).toContain(why.replaceAll('"', '\\"'));
    }
  });
});
