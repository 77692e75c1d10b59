/** What the engine tells when services, streams and calls go wrong, to whom, and what it keeps to itself. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { startEngine, type Engine, type EngineOptions } from "../e2e/engine.ts";

setDefaultTimeout(30_000);

const start = (options: EngineOptions): Promise<Engine> => startEngine({ ...options, inProcess: true });

const VAULT = `import { definePlugin, ProblemError } from "@aiwebengine/sdk/plugin";
export default definePlugin({ name: "vault", version: "1.0.0", setup({ service, hook }) {
  service("vault", {
    types: "export interface Vault { open(): Promise<string>; shut(): Promise<string> }",
    methods: {
      open: async () => { throw new Error("password is hunter2", { cause: new Error("disk") }); },
      shut: async () => { throw new ProblemError("forbidden", "The vault is shut."); },
    },
  });
  hook("invoke", async (event, next) => {
    const answer = await next();
    return event.kind === "http" && event.registration === 0 ? "no answer" : answer;
  });
} });
`;

const BANK = `import { registerWebHandler, vault } from "@aiwebengine/sdk";
registerWebHandler("GET /swapped", () => "an answer");
const told = (error) => ({ code: error.code, message: error.message, name: error.name });
registerWebHandler("GET /open", () => vault.open().catch(told));
registerWebHandler("GET /shut", () => vault.shut().catch(told));
registerWebHandler("GET /many", async () => {
  const seen = await Promise.all(Array.from({ length: 6 }, () => fetch("http://127.0.0.1:9/").catch(told)));
  return seen.map(({ code }) => code);
});
registerWebHandler("GET /network", () => fetch("http://host.invalid/").then(() => "there", told));
registerWebHandler("GET /breaks", () => {
  let sent = false;
  return new Response(new ReadableStream({
    pull(controller) {
      if (sent) throw new Error("no more");
      sent = true;
      controller.enqueue(new TextEncoder().encode("first"));
    },
  }));
});
registerWebHandler("GET /endless", () => new Response(new ReadableStream({
  pull: (controller) => controller.enqueue(new Uint8Array(50_000)),
})));
registerWebHandler("GET /fails", () => { throw new Error("a fault <b>of</b> mine"); });
`;

describe("in production", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await start({
      scripts: { "bank.js": BANK },
      files: { "plugins/vault.ts": VAULT },
      config: '[limits]\nsubrequests = 4\nresponseBytes = 100000\n[log]\nformat = "json"\nlevel = "debug"\n',
    });
  });
  afterAll(() => engine.stop());
  const line = async (match: RegExp, after: number): Promise<Record<string, unknown>> =>
    JSON.parse(await engine.waitForLog(match, { after })) as Record<string, unknown>;

  test("why a service failed is for the log; the script learns that it did", async () => {
    const after = engine.mark();
    const answer = await engine.fetch("/open");
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ code: "internal" });
    expect(text).not.toContain("hunter2");
    const told = await line(/a service failed/, after);
    expect(told).toMatchObject({ level: "error", script: "bank", error: "password is hunter2 (disk)" });
    expect(told["id"]).toBe(answer.headers.get("x-request-id") as string);
  });

  test("what a service says to the script is said, word for word", async () => {
    expect(await (await engine.fetch("/shut")).json()).toMatchObject({
      code: "forbidden",
      message: "The vault is shut.",
    });
  });

  test("requests past limits.subrequests are refused one by one", async () => {
    const codes = (await (await engine.fetch("/many")).json()) as string[];
    expect(codes.toSorted()).toEqual([
      "fetch_blocked",
      "fetch_blocked",
      "fetch_blocked",
      "fetch_blocked",
      "subrequests_exceeded",
      "subrequests_exceeded",
    ]);
  });

  test("a host that is not there is an error that the script can catch", async () => {
    const told = (await (await engine.fetch("/network")).json()) as { name: string };
    expect(told.name).toBe("TypeError");
  });

  test("an answer that breaks off is broken off, and the log says whose", async () => {
    const after = engine.mark();
    const answer = await engine.fetch("/breaks");
    expect(answer.status).toBe(200);
    const id = answer.headers.get("x-request-id") as string;
    expect(await answer.text().catch(() => "broken")).toBe("broken");
    expect(await line(new RegExp(`"script error".*${id}`), after)).toMatchObject({
      script: "bank",
      route: "GET /breaks",
    });
  });

  test("an answer past limits.responseBytes is broken off, and the log names the limit", async () => {
    const after = engine.mark();
    const answer = await engine.fetch("/endless");
    expect(await answer.text().catch(() => "broken")).toBe("broken");
    expect(await line(/"answer broken off"/, after)).toMatchObject({
      level: "warn",
      script: "bank",
      route: "GET /endless",
      id: answer.headers.get("x-request-id") as string,
      limit: { name: "responseBytes", value: 100_000 },
    });
  });

  test("an invoke hook that gives no Response is a fault of the engine's side, not an answer", async () => {
    const answer = await engine.fetch("/swapped");
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ code: "internal" });
  });

  test("nothing of a script's fault is told to the caller", async () => {
    const text = await (await engine.fetch("/fails")).text();
    expect(text).not.toContain("of mine");
    expect(text).not.toContain("bank.js");
  });
});

test("with --dev the caller learns where it failed, a browser as a page, and the console shows the lines", async () => {
  const script = BANK.replace(", vault }", " }").replace(/^.*vault.*$/gm, "");
  await using engine = await start({ scripts: { "bank.js": script }, args: ["--dev", "--set", "log.format=pretty"] });
  const after = engine.mark();
  const { dev } = (await (await engine.fetch("/fails")).json()) as { dev: { file: string; stack: string } };
  expect(dev).toMatchObject({ file: "bank.js", stack: expect.stringContaining("a fault <b>of</b> mine") });
  const page = await (await engine.fetch("/fails", { headers: { accept: "text/html" } })).text();
  expect(page).toContain("a fault &lt;b&gt;of&lt;/b&gt; mine");
  expect(await engine.waitForLog(/a fault <b>of<\/b> mine/, { after })).toContain("Error");
  expect(await engine.waitForLog(/^ *> +\d+ \| registerWebHandler\("GET \/fails"/, { after })).toContain("fails");
});
