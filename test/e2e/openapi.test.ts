/** `api-docs` in the binary: the document that is served is the one that is printed, and what the scripts do fits it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020, { type ValidateFunction } from "ajv/dist/2020.js";
import fc, { type Arbitrary } from "fast-check";
import { startEngine, runEngine, type Engine } from "./engine.ts";

const EXAMPLES = join(import.meta.dir, "../../scripts");
/** What the examples do not have: an answer with a schema, names in the path that are checked, headers, a schema in itself. */
const ORDERS = `import { registerWebHandler, HttpError } from "@aiwebengine/sdk";
const LINE = { sku: "string > 0", count: "1 <= number.integer <= 99", "gift?": "boolean" };
registerWebHandler("PUT /orders/:number", {
  summary: "Place an order",
  params: { number: "0 < number.integer < 1000000" },
  query: { "mode?": "'fast' | 'slow'", "tag?": "string[] <= 3" },
  headers: { "x-key?": "string <= 40" },
  body: { lines: [LINE, "[]"], "note?": "string <= 20 | null", "parent?": "this" },
  response: { number: "number", lines: [LINE, "[]"], mode: "'fast' | 'slow'" },
}, ({ params, query, body }) => {
  if (body.note === "gone") throw new HttpError(410, "It is gone.");
  return { number: params.number, lines: body.lines, mode: query.mode ?? "slow" };
});
`;
const EVIL = `registerWebHandler("POST /evil/<img%20src=x%20onerror=alert(1)>/:id", {
  summary: "<script>document.title = 'pwned'</script>",
  description: "<img src=x onerror=\\"document.title='pwned'\\">",
  tags: ["</script><script>document.title='pwned'</script>"],
  body: { "<b>x</b>": "string" },
}, ({ params }) => ({ id: params.id, html: "<img src=x onerror=document.title='pwned'>" }));
`;

type Schema = { readonly [key: string]: unknown } | undefined;
interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly {
    name: string;
    in: "path" | "query" | "header";
    required?: boolean;
    schema: Schema;
  }[];
  readonly requestBody?: { readonly content: { readonly [type: string]: { readonly schema?: Schema } } };
  readonly responses: {
    readonly [status: string]: { readonly content?: { readonly [type: string]: { schema: Schema } } };
  };
}
interface Document {
  readonly "x-endpoints"?: readonly { readonly title: string; readonly path: string }[];
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: { readonly schemas: { readonly [name: string]: Schema } };
}

let engine: Engine;
let api: Document;
/** Scripts whose answers are held against the document. */
const names: ReadonlySet<string> = new Set(["hello", "menu", "notes", "orders", "pages", "worker"]);
beforeAll(async () => {
  const scripts: Record<string, string> = { "orders.ts": ORDERS, "evil.js": EVIL };
  // What the engine wrote beside them stays behind: hidden folders, the tsconfig.
  for (const name of (await readdir(EXAMPLES, { recursive: true })).filter((file) => /^[a-z0-9/-]+\.\w+$/.test(file))) {
    if (name !== "tsconfig.json") scripts[name] = await readFile(join(EXAMPLES, name), "utf8");
  }
  // With --dev an answer that does not fit its own schema is a failure.
  engine = await startEngine({ scripts, args: ["--dev"] });
  // A build that takes long goes on while the engine serves.
  for (const name of new Set(Object.keys(scripts).map((file) => file.replace(/[./].*/, ""))))
    await engine.waitForLog(new RegExp(`script loaded.*\\b${name}\\b`));
  api = (await (await engine.fetch("/openapi.json")).json()) as Document;
}, 30_000);
afterAll(() => engine?.stop());

test("what is served is valid, is what the command prints, and changes when a script does", async () => {
  expect((await new Validator().validate(structuredClone(api) as never)).valid).toBe(true);
  const { code, stdout, stderr } = await runEngine(["openapi", "--dir", engine.dir]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toEqual(api);
  const etag = (await engine.fetch("/openapi.json")).headers.get("etag") as string;
  const unchanged = await engine.fetch("/openapi.json", { headers: { "if-none-match": etag } });
  expect(unchanged.status).toBe(304);
  const after = engine.mark();
  await engine.write("scripts/more.js", `registerWebHandler("GET /more", { summary: "More" }, () => 1);`);
  await engine.waitForLog(/script loaded.*\bmore\b/, { after });
  expect(await (await engine.fetch("/llms.txt")).text()).toContain("- `GET /more`: More");
  const changed = await engine.fetch("/openapi.json", { headers: { "if-none-match": etag } });
  expect([changed.status, Object.keys(((await changed.json()) as Document).paths)]).toEqual([
    200,
    expect.arrayContaining(["/more"]),
  ]);
  await engine.remove("scripts/more.js");
}, 20_000);

test("what speaks a protocol of its own is named: in the document, to agents, in the banner or when it comes and goes", async () => {
  const titles = ({ "x-endpoints": all = [] }: Document): string[] => all.map(({ title, path }) => `${title} ${path}`);
  expect(titles(api)).toEqual(["GraphQL /graphql", "MCP /mcp"]);
  expect(Object.keys(api.paths).filter((path) => /^\/(mcp|graphql)/.test(path))).toEqual([]);
  expect(api.paths["/events"]?.["get"]?.responses["2XX"]?.content).toHaveProperty("text/event-stream");
  expect(await (await engine.fetch("/llms.txt")).text()).toContain("- [MCP](/mcp): ");
  expect(engine.logs).toMatch(new RegExp(`API docs +${engine.url}/docs`));
  const told = (kind: string, title: string, after: number): Promise<string> =>
    quiet.waitForLog(new RegExp(`endpoint ${kind}.*${title}.*${quiet.url}/`), { after });
  const quiet = await startEngine({ scripts: { "a.js": `register("/a", () => "a");` }, args: ["--dev"] });
  try {
    expect(quiet.logs).not.toContain("MCP");
    let after = quiet.mark();
    await quiet.write("scripts/t.js", `registerToolHandler("t", { description: "T." }, () => 1);`);
    await told("opened", "MCP", after);
    expect(titles((await (await quiet.fetch("/openapi.json")).json()) as Document)).toEqual(["MCP /mcp"]);
    after = quiet.mark();
    await quiet.remove("scripts/t.js");
    await told("closed", "MCP", after);
    expect(titles((await (await quiet.fetch("/openapi.json")).json()) as Document)).toEqual([]);
  } finally {
    await quiet.stop();
  }
}, 20_000);

test("the command tells of a script that would not serve, and takes no words", async () => {
  const broken = await startEngine({ scripts: { "good.js": `registerWebHandler("/good", () => 1);`, "bad.js": "(" } });
  try {
    const { code, stdout, stderr } = await runEngine(["openapi", "--dir", broken.dir]);
    expect([code, Object.keys((JSON.parse(stdout) as Document).paths)]).toEqual([1, expect.arrayContaining(["/good"])]);
    expect(stderr).toStartWith('Left out: the script "bad", since it would not serve: bad.js: ');
    expect((await runEngine(["openapi", "json", "--dir", broken.dir])).code).toBe(2);
    // Without --dev nothing of it is public.
    expect([(await broken.fetch("/docs")).status, (await broken.fetch("/openapi.json")).status]).toEqual([404, 404]);
  } finally {
    await broken.stop();
  }
}, 20_000);

/** Values that fit a schema of the document. */
function fitting(schema: Schema, depth = 0): Arbitrary<unknown> {
  if (schema === undefined) return fc.jsonValue();
  const { $ref, const: only, enum: some, anyOf, type } = schema;
  if (typeof $ref === "string") return fitting(api.components.schemas[$ref.split("/").at(-1) ?? ""], depth + 1);
  if ("const" in schema) return fc.constant(only);
  if (Array.isArray(some)) return fc.constantFrom(...(some as unknown[]));
  if (Array.isArray(anyOf)) return fc.oneof(...(anyOf as Schema[]).map((one) => fitting(one, depth)));
  const number = (key: string): number | undefined => schema[key] as number | undefined;
  if (type === "integer") {
    const min = number("minimum") ?? (number("exclusiveMinimum") ?? -1e9) + 1;
    return fc.integer({ min, max: number("maximum") ?? (number("exclusiveMaximum") ?? 1e9) - 1 });
  }
  if (type === "number") return fc.double({ noNaN: true, noDefaultInfinity: true });
  if (type === "boolean") return fc.boolean();
  if (type === "null") return fc.constant(null);
  if (type === "string") {
    if (typeof schema["pattern"] === "string") return fc.stringMatching(new RegExp(schema["pattern"]));
    const [minLength, maxLength] = [number("minLength") ?? 0, Math.min(number("maxLength") ?? 40, 300)];
    return fc.string({ minLength, maxLength, unit: "binary" }).filter((text) => {
      const length = [...text].length;
      return length >= minLength && length <= maxLength;
    });
  }
  if (type === "array")
    return fc.array(fitting(schema["items"] as Schema, depth + 1), { maxLength: number("maxItems") ?? 5 });
  const required = (schema["required"] ?? []) as string[];
  const entries = Object.entries((schema["properties"] ?? {}) as { [name: string]: Schema });
  const kept = entries.filter(([name]) => depth < 3 || required.includes(name));
  return fc.record(Object.fromEntries(kept.map(([name, one]) => [name, fitting(one, depth + 1)])), {
    requiredKeys: required,
  });
}

interface Trial {
  readonly path: string;
  readonly init: RequestInit;
  /** All of it fits the document. */
  readonly fits: boolean;
}

// `.` and `..` are resolved away by every client.
const piece = (value: unknown): string => encodeURIComponent(String(value)).replace(/^\.\.?$/, "dot");
const headerText = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

function trials(path: string, method: string, operation: Operation): Arbitrary<Trial> {
  const { parameters = [], requestBody } = operation;
  const wild = fc.string({ minLength: 1, maxLength: 30, unit: "binary" });
  const one = (fits: boolean, schema: Schema): Arbitrary<unknown> =>
    fits ? fitting(schema) : fc.oneof(fitting(schema), wild);
  const values = (fits: boolean) =>
    fc.tuple(
      ...parameters.map(({ required, schema }) => (required ? one(fits, schema) : fc.option(one(fits, schema)))),
    );
  const json = requestBody?.content["application/json"]?.schema;
  const body = (fits: boolean): Arbitrary<string | undefined> => {
    if (requestBody === undefined) return fc.constant(undefined);
    const good = fitting(json).map((value) => JSON.stringify(value));
    return fits ? good : fc.oneof(good, fc.json(), wild, fc.constant(undefined));
  };
  return fc.boolean().chain((fits) =>
    fc
      .tuple(
        values(fits),
        body(fits),
        fc.constantFrom("application/json", "text/plain", "application/x-www-form-urlencoded"),
      )
      .map(([given, text, type]): Trial => {
        let target = path;
        const query = new URLSearchParams();
        const headers: Record<string, string> = {};
        for (const [at, { name, in: where }] of parameters.entries()) {
          const value = given[at];
          if (where === "path") target = target.replace(`{${name}}`, () => piece(value));
          else if (value === null || value === undefined) continue;
          else if (where === "query") for (const part of [value].flat()) query.append(name, String(part));
          else if (headerText.test(String(value))) headers[name] = String(value);
        }
        if (text !== undefined) headers["content-type"] = fits ? "application/json" : type;
        const init = {
          method: method.toUpperCase(),
          headers,
          redirect: "manual" as const,
          ...(text === undefined ? {} : { body: text }),
        };
        return { path: `${target}?${query}`, init, fits };
      }),
  );
}

describe("what the examples do fits the document, whatever they are sent", () => {
  const compiled = new Map<unknown, ValidateFunction>();
  function fits(schema: Schema, value: unknown): unknown {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const check = compiled.get(schema) ?? ajv.compile({ ...schema, components: api.components });
    compiled.set(schema, check);
    return check(value) ? "fits" : check.errors;
  }

  async function tryOne(operation: Operation, { path, init, fits: good }: Trial): Promise<void> {
    const answer = await engine.fetch(path, init);
    const { status } = answer;
    const type = answer.headers.get("content-type") ?? "";
    const text = await answer.text();
    expect({ status, text: status >= 500 ? text : "" }).toEqual({ status: expect.any(Number), text: "" });
    if (status >= 400) {
      expect(type).toBe("application/problem+json");
      expect(fits(api.components.schemas["Problem"], JSON.parse(text))).toBe("fits");
      if (status === 422) expect(Object.keys(operation.responses)).toContain("422");
      if (good) expect([status, text]).not.toEqual([422, text]);
    } else if (status < 300) {
      const declared = operation.responses["2XX"]?.content?.["application/json"]?.schema;
      if (declared !== undefined) expect(fits(declared, JSON.parse(text))).toBe("fits");
    }
  }

  test("no failure of the engine or the script; every problem is one; what fits is not refused; answers fit", async () => {
    const all = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    expect(all.length).toBeGreaterThan(12);
    for (const { path, method, operation } of all) {
      if (path.startsWith("/evil") || !names.has(operation.tags[0] ?? "")) continue;
      const property = fc.asyncProperty(trials(path, method, operation), (trial) => tryOne(operation, trial));
      await fc.assert(property, { numRuns: 40, interruptAfterTimeLimit: 1500, markInterruptAsFailure: false });
    }
  }, 40_000);
});

const CHROMIUM = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && existsSync(path),
);
const missing = CHROMIUM === undefined ? ": no Chromium here; name one in CHROMIUM" : "";

describe("in a browser", () => {
  test.skipIf(CHROMIUM === undefined)(
    `the page shows what scripts say as text, finds routes, and sends requests; also on a phone${missing}`,
    async () => {
      const { chromium } = await import("playwright-core");
      const browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox"] });
      try {
        const tab = await browser.newPage({ viewport: { width: 390, height: 800 } });
        const told: string[] = [];
        tab.on("console", (message) => told.push(message.text()));
        tab.on("pageerror", (error) => told.push(error.message));
        tab.on("dialog", (dialog) => told.push(dialog.message()));
        const elsewhere: string[] = [];
        tab.on("request", (request) => {
          if (!request.url().startsWith(engine.url)) elsewhere.push(request.url());
        });
        await tab.goto(`${engine.url}/docs#post_notes`);
        const notes = tab.locator("details#post_notes");
        expect(await notes.locator("pre").first().innerText()).toContain("text: string  // length 1 to 280");
        await notes.locator("textarea").fill(`{"text":"from the page"}`);
        await notes.getByRole("button", { name: "Send" }).click();
        await notes.locator(".output .good").waitFor();
        expect(await notes.locator(".output .answer").innerText()).toContain(`"text": "from the page"`);
        expect(await notes.locator(".curl").innerText()).toContain(`--data-raw '{"text":"from the page"}'`);

        // A name in the path, and an answer that looks like markup.
        const evil = tab.locator("details", { hasText: "pwned" }).first();
        await evil.locator("summary").first().click();
        await evil.locator("input[name=id]").fill("a/b");
        await evil.getByRole("button", { name: "Send" }).click();
        await evil.locator(".output .good").waitFor();
        expect(await evil.locator(".output .answer").innerText()).toContain(`"id": "a/b"`);
        expect(await evil.innerText()).toContain(`<img src=x onerror="document.title='pwned'">`);
        expect([
          await tab.title(),
          await tab.locator("img").count(),
          await tab.locator("b", { hasText: /^x$/ }).count(),
        ]).toEqual(["API", 0, 0]);

        await tab.getByRole("searchbox").fill("place ORDER");
        expect(await tab.locator("section > details:visible").count()).toBe(1);
        await tab.getByRole("searchbox").fill("");
        expect(await tab.locator("section > details:visible").count()).toBeGreaterThan(12);
        const wide = "document.scrollingElement.scrollWidth - innerWidth";
        expect(await tab.evaluate(wide)).toBe(0);
        await tab.setViewportSize({ width: 1280, height: 800 });
        expect(await tab.locator("nav a:visible").count()).toBeGreaterThan(12);
        expect(await tab.evaluate(wide)).toBe(0);
        expect([told, elsewhere]).toEqual([[], []]);
      } finally {
        await browser.close();
      }
    },
    60_000,
  );
});
