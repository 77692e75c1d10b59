/** The types beside scripts: complete without an install, right, and written only when they change. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { withOffersOf } from "../../../core/cli/offers.ts";
import { readConfig } from "../../../core/config/index.ts";
import { LIMITS } from "../../../core/config/limits.ts";
import { sdkServicesText, type GivenTypes } from "../../../core/script/typings/services.ts";
import { stripComments } from "../../../core/script/typings/strip.ts";
import { writeTypings, type TypingsOptions } from "../../../core/script/typings.ts";
import { consoleGlobal } from "../../../core/isolate/realm/console.ts";
import { timerGlobals } from "../../../core/isolate/realm/timers.ts";
import { installWebGlobals } from "../../../core/isolate/realm/web/index.ts";
import { namesOf } from "../../../core/plugin/context.ts";
import graphql from "../../../plugins/graphql/index.ts";
import { BUILT_INS } from "../../../plugins/index.ts";
import kv from "../../../plugins/kv/index.ts";
import mcp from "../../../plugins/mcp/index.ts";
import pubsub from "../../../plugins/pubsub/index.ts";
import type { AnyPlugin } from "../../../sdk/plugin.ts";
import { serve } from "../../plugins/harness.ts";

const kvTypes = await typesOf(kv);
const OPTIONS: TypingsOptions = {
  services: [
    { name: "kv", types: kvTypes },
    { name: "mcp", types: await typesOf(mcp) },
  ],
  points: [...(await pointsOf(mcp)), ...(await pointsOf(graphql))],
  version: "1.2.3",
};
async function contributionsOf(plugin: AnyPlugin) {
  const served = await serve([pubsub, plugin], { given: { engine: { version: "1.0.0", ready: true } } });
  await served.close();
  return served.adopted[0]?.contributions;
}
async function pointsOf(plugin: AnyPlugin): Promise<NonNullable<TypingsOptions["points"]>> {
  const points = [...((await contributionsOf(plugin))?.points.values() ?? [])];
  return points.map(({ spec }) => ({ types: spec.types, names: namesOf(spec) }));
}
async function typesOf(plugin: AnyPlugin): Promise<string> {
  return (await contributionsOf(plugin))?.services.get(plugin.name)?.spec.types ?? "";
}
const ROOT = join(import.meta.dir, "../../..");

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "typings-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function folder(name: string, scripts: Readonly<Record<string, string>> = {}): Promise<string> {
  const dir = join(home, name);
  await mkdir(dir, { recursive: true });
  await writeTypings(dir, OPTIONS);
  for (const [path, content] of Object.entries(scripts)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  return dir;
}

/** Runs the type checker in a folder that has nothing but what the engine wrote. */
async function check(dir: string): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([process.execPath, "check", "--no-pretty", "-p", "tsconfig.json"], {
    cwd: dir,
    env: { PATH: process.env["PATH"] ?? "", BUN_BE_BUN: "1" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, output: stdout + stderr };
}

async function snapshot(dir: string): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  for (const path of (await readdir(dir, { recursive: true })).sort())
    times[path] = (await stat(join(dir, path))).mtimeMs;
  return times;
}

const EVERYTHING = `
import { HttpError, html, json, kv, limits, log, redirect, register, registerWebHandler, text, waitUntil, config } from "@aiwebengine/sdk";
import type { Context, FetchHandler } from "@aiwebengine/sdk";
import about from "./about.md" with { type: "text" };
import data from "./data.json";

export const add = registerWebHandler("POST /notes/:id", {
  body: { text: "string <= 280", "tags?": "string[]", kind: "'a' | 'b'", email: "string.email" },
  query: { limit: "1 <= number.integer <= 100 = 20" },
}, async ({ params, body, query, kv, signal, request, cookies, files, log, id, state, ip, user }) => {
  const upper: string = body.text.toUpperCase() + params.id + query.limit.toFixed() + body.kind + about + data.name;
  const answer = await fetch("https://example.com", { signal, method: "POST", body: new URLSearchParams({ upper }) });
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(upper)));
  await kv.set(id, { upper, hash: [...hash] }, { ttlMs: 1000 });
  const stream = new ReadableStream<Uint8Array>({ start: (c) => { c.enqueue(hash); c.close(); } });
  for await (const chunk of stream) log.info("chunk", { length: chunk.length });
  cookies.set("a", "b");
  setTimeout(() => console.log(performance.now()), 10);
  state["x"] = structuredClone({ ip, user, at: new URL(request.url).searchParams.get("x"), files });
  if (!answer.ok) throw new HttpError(502, "No.");
  return new Response(answer.body, { headers: answer.headers });
});
register("/old", (context: Context) => { waitUntil(kv.delete("x")); return text(String(limits.wallMs) + context.path + String(config["x"])); }, "POST");
registerWebHandler("GET /go", () => redirect("/"));
registerWebHandler("GET /page", () => html(<p class="x" onClick="no">{[1, "a", null]}</p>));
registerWebHandler("GET /json", () => json({ a: 1 }, { status: 201 }));
export default { fetch: (request, env, { waitUntil }) => new Response(request.url) } satisfies FetchHandler;
`;

describe("in a folder with nothing but what the engine wrote", () => {
  test("a script that uses everything has no type errors", async () => {
    const dir = await folder("good", {
      "all/index.tsx": EVERYTHING,
      "all/about.md": "# About",
      "all/data.json": '{"name":"x"}',
      "classic.js": `register("/send", "send", "POST");\nfunction send(req) { log.info("sent"); return { status: 200, body: "sent" }; }\n`,
      "classic-too.ts": `function send(): string { return "x"; }\nregisterWebHandler("GET /send", send);\n`,
    });
    expect(await check(dir)).toEqual({ code: 0, output: expect.stringContaining("No type errors") as string });
  }, 30_000);

  test("mistakes are errors: in the body, in a definition, and names that a realm does not have", async () => {
    const lines = [
      `registerWebHandler("POST /a", { body: { text: "string" } }, ({ body }) => body.txt);`,
      `registerWebHandler("POST /a", { body: { text: "strin" } }, () => "");`,
      `registerWebHandler("GET /a/:id", ({ params }) => params.nope);`,
      ...["Bun", "process", "require", "window", "document", "localStorage", "Buffer", "WebSocket", "WebAssembly"].map(
        (name) => `export const ${name}_ = ${name};`,
      ),
    ];
    const dir = await folder("bad", {
      "bad.ts": `import { registerWebHandler } from "@aiwebengine/sdk";\n${lines.join("\n")}\n`,
    });
    const { code, output } = await check(dir);
    expect(code).toBe(1);
    const wrong = new Set([...output.matchAll(/bad\.ts\((\d+),/g)].map((match) => Number(match[1])));
    expect([...wrong].sort((a, b) => a - b)).toEqual(lines.map((_, i) => i + 2));
  }, 30_000);

  test("the examples, those in the docs included, have no type errors", async () => {
    const examples: Record<string, string> = {};
    const page = await readFile(join(ROOT, "docs/scripts.md"), "utf8");
    for (const [at, block] of [...page.matchAll(/```(ts|js)\n(.*?)```/gs)].entries()) {
      examples[`docs-${at}.${block[1]}`] = block[2] as string;
    }
    for (const name of (await readdir(join(ROOT, "scripts"))).filter((file) => /^[a-z-]+\.tsx?$/.test(file))) {
      examples[name] = await readFile(join(ROOT, "scripts", name), "utf8");
    }
    expect(Object.keys(examples).length).toBeGreaterThanOrEqual(9);
    expect(await check(await folder("examples", examples))).toEqual({
      code: 0,
      output: expect.stringContaining("No type errors") as string,
    });
  }, 30_000);
});

describe("what belongs to a script and to a project is typed too", () => {
  test("a script's test has no type errors, and a wrong matcher is one", async () => {
    const template = await readFile(join(ROOT, "core/cli/templates/hello-test.txt"), "utf8");
    const dir = await folder("tested", { "hello.test.ts": template });
    expect(await check(dir)).toEqual({ code: 0, output: expect.stringContaining("No type errors") as string });
    await writeFile(join(dir, "hello.test.ts"), `${template}\nexpect(1).toBee(1);\nrequest(1);\n`);
    const { output } = await check(dir);
    expect(output).toContain("'toBee' does not exist");
    expect(output).toContain("'number' is not assignable to parameter of type 'string | Request'");
  }, 30_000);

  test("a plugin completes against its own SDK, in a folder that the author may configure", async () => {
    const project = join(home, "project");
    await mkdir(join(project, "plugins"), { recursive: true });
    await mkdir(join(project, "scripts"), { recursive: true });
    await writeTypings(join(project, "scripts"), OPTIONS);
    const plugins = join(project, "plugins");
    const template = await readFile(join(ROOT, "core/cli/templates/plugin.txt"), "utf8");
    await writeFile(
      join(plugins, "teapot.ts"),
      `import { join } from "node:path";\n${template.replaceAll("{{name}}", "teapot")}`,
    );
    expect(await check(plugins)).toEqual({ code: 0, output: expect.stringContaining("No type errors") as string });
    await writeFile(
      join(plugins, "teapot.ts"),
      template.replace("config.greeting", "config.greting").replace("route(", "rout("),
    );
    const { output } = await check(plugins);
    expect(output).toContain("'greting'");
    expect(output).toContain("'rout'");
    await writeFile(join(plugins, "tsconfig.json"), "{}");
    const before = await snapshot(plugins);
    await writeTypings(join(project, "scripts"), OPTIONS);
    expect(await snapshot(plugins)).toEqual(before);
  }, 30_000);

  test("a project without plugins gets no folder for them", async () => {
    const project = join(home, "without");
    await mkdir(join(project, "scripts"), { recursive: true });
    await writeTypings(join(project, "scripts"), OPTIONS);
    expect(await readdir(project)).toEqual(["scripts"]);
  });

  test("a point's functions are exports of the SDK and globals, with the types that its plugin gave", async () => {
    const types = `export declare function registerJob<const Input>(
      name: string, options: { input: Checked<Input> }, handler: (context: PointContext<Infer<Input>>) => unknown): void;
      export declare const addJob: typeof registerJob;`;
    const dir = join(home, "points");
    await writeTypings(dir, { ...OPTIONS, points: [{ names: ["registerJob", "addJob"], types }] });
    await writeFile(
      join(dir, "a.ts"),
      `import { registerJob } from "@aiwebengine/sdk";
       registerJob("a", { input: { n: "number" } }, ({ payload, kind, kv }) => [payload.n.toFixed(), kind, kv]);
       addJob("b", { input: "string" }, (context) => context.payload.length);`,
    );
    expect(await check(dir)).toEqual({ code: 0, output: expect.stringContaining("No type errors") as string });
    await writeFile(join(dir, "a.ts"), `registerJob("a", { input: "strin" }, ({ request }) => request);`);
    const { output } = await check(dir);
    expect(output).toContain("strin");
    expect(output).toContain("'request' does not exist");
  }, 30_000);
});

describe("writing", () => {
  test("a second time changes no file", async () => {
    const dir = await folder("twice");
    const before = await snapshot(dir);
    await writeTypings(dir, OPTIONS);
    expect(await snapshot(dir)).toEqual(before);
  });

  test("the author's tsconfig.json is never replaced", async () => {
    const dir = join(home, "own-config");
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, "tsconfig.json"), "{}");
    await writeTypings(dir, OPTIONS);
    expect(await readFile(join(dir, "tsconfig.json"), "utf8")).toBe("{}");
  });

  test("a changed, a missing and an older file are put right", async () => {
    const dir = await folder("repair");
    const sdk = join(dir, ".aiwebengine/sdk.d.ts");
    const good = await readFile(sdk, "utf8");
    await writeFile(sdk, "export {};");
    await rm(join(dir, ".aiwebengine/globals.d.ts"));
    await writeFile(join(dir, ".aiwebengine/node_modules/.stamp"), "older");
    await writeFile(join(dir, ".aiwebengine/node_modules/left-over.d.ts"), "");
    await writeTypings(dir, OPTIONS);
    expect(await readFile(sdk, "utf8")).toBe(good);
    const files = await readdir(join(dir, ".aiwebengine"), { recursive: true });
    expect(files).toContain("globals.d.ts");
    expect(files).not.toContain("node_modules/left-over.d.ts");
  });

  test("a service without its interface is refused", async () => {
    const services = [{ name: "mail", types: "export interface Post {}" }];
    await expect(writeTypings(join(home, "refused"), { ...OPTIONS, services })).rejects.toThrow(
      "export interface Mail",
    );
  });

  test("a method that is a function of its own is an export and a global, typed as the method", async () => {
    const dir = await folder("functions", {
      "a.js": 'tick("x").then((n) => n.toFixed());\n',
      "b.ts": 'import { tick } from "@aiwebengine/sdk";\nexport const n: Promise<string> = tick("x");\n',
    });
    const types = "export interface Clock { beat(name: string): Promise<number> }";
    const clock = { name: "clock", types, functions: { tick: "beat" } };
    await writeTypings(dir, { services: [clock], version: "1" });
    const { output } = await check(dir);
    expect(output).toContain("Type 'Promise<number>' is not assignable to type 'Promise<string>'");
    expect(output).not.toContain("a.js");
  }, 30_000);

  test("a service appears in the context, in the SDK and as a global", async () => {
    const dir = join(home, "services");
    const services = [
      ...OPTIONS.services,
      { name: "mail", types: "export interface Mail { send(to: string): Promise<void>; }" },
    ];
    await writeTypings(dir, { ...OPTIONS, services });
    await writeFile(
      join(dir, "a.ts"),
      `import { mail as imported, registerWebHandler } from "@aiwebengine/sdk";
       registerWebHandler("GET /a", async (context) => { await context.mail.send("x"); await imported.send("x"); await mail.send("x"); });`,
    );
    expect((await check(dir)).code).toBe(0);
  }, 30_000);
});

describe("one truth", () => {
  const unit = (limit: { unit: string }) => (limit.unit === "count" ? "" : ` ${limit.unit}`);

  const given = (): Promise<GivenTypes> => {
    const loaded = readConfig({ dir: home, env: {}, set: [], flags: {} });
    const engine = { builtIns: () => Promise.resolve(BUILT_INS), version: "1.2.3" };
    return withOffersOf(loaded, engine, async ({ types }) => types);
  };

  test("what the plugins of the binary declare for scripts is what the SDK has (else: npm run build)", async () => {
    const bare = (text: string): string => text.replace(/\s+/g, "").replace(/[;,](?=[)}>\]])|(?<=[<:(=])\|/g, "");
    const text = sdkServicesText(await given());
    expect(bare(await readFile(join(ROOT, "sdk/services.ts"), "utf8"))).toBe(bare(text));
  });

  test("and it uses no name that it does not have", async () => {
    const dir = join(home, "whole");
    await writeTypings(dir, { ...(await given()), version: "1.2.3" });
    const strict = { extends: "./.aiwebengine/tsconfig.json", compilerOptions: { skipLibCheck: false } };
    await writeFile(join(dir, "tsconfig.json"), JSON.stringify(strict));
    const { output } = await check(dir);
    expect(output.split("\n").filter((line) => line.includes("services.d.ts("))).toEqual([]);
  }, 30_000);

  test("the globals that are declared are those that a realm has", async () => {
    const text = await readFile(join(ROOT, "core/script/typings/globals.txt"), "utf8");
    const declared = [...text.matchAll(/^declare (?:var|function|class) (\w+)/gm)].map((match) => match[1] as string);
    const web: object = {};
    installWebGlobals(web);
    const real = [...Object.getOwnPropertyNames(web), ...Object.keys(timerGlobals), "console", "fetch"];
    expect(declared.sort()).toEqual(real.sort());
    const methods = /interface Console \{(.*?)\n\}/s.exec(text)![1]!;
    expect([...methods.matchAll(/^  (\w+)\(/gm)].map((match) => match[1])).toEqual(Object.keys(consoleGlobal).sort());
  });

  test("the limits of the SDK have the names and defaults of the table", async () => {
    const text = await readFile(join(ROOT, "sdk/limits.ts"), "utf8");
    expect([...text.matchAll(/readonly (\w+): number/g)].map((match) => match[1])).toEqual(Object.keys(LIMITS));
    for (const [name, limit] of Object.entries(LIMITS)) {
      const value = `${limit.default.toLocaleString("en")}${unit(limit)}`;
      expect(text).toMatch(new RegExp(`Default ${value}\\. \\*/\\n  readonly ${name}: number;`));
    }
  });
});

describe("taking comments out", () => {
  test("strings and templates are left alone", () => {
    expect(stripComments('/** doc */\nexport type A = "//" | `/*${string}*/` | "\\"//"; // end\n')).toBe(
      '\nexport type A = "//" | `/*${string}*/` | "\\"//";\n',
    );
  });
});
