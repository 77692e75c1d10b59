/** One handler file in an engine, under Bun and under Deno; one client in browsers, Bun, Deno and Node. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startEngine, type Engine } from "../engine.ts";
import { packedProject, ROOT, run, type PackedProject } from "./project.ts";

const FIXTURES = join(ROOT, "test/fixtures/sdk");
/** The program itself: the script that npm links to would leave it behind when it is killed. */
const [DENO] = [...new Bun.Glob("node_modules/@deno/*/deno{,.exe}").scanSync({ cwd: ROOT, absolute: true })];
/** Nothing is downloaded: what is tested is there, or the test says what is missing. */
const DENO_ENV = { DENO_NO_UPDATE_CHECK: "1" };
const CHROMIUM = [
  process.env["CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));

let project: PackedProject;
let engine: Engine;
beforeAll(async () => {
  const [portable, api, calls] = await Promise.all(
    ["portable.tsx", "api.ts", "calls.mjs"].map((name) => readFile(join(FIXTURES, name), "utf8")),
  );
  [project, engine] = await Promise.all([
    packedProject(),
    startEngine({ scripts: { "portable.tsx": portable!, "api.ts": api! } }),
  ]);
  await project.write("portable.tsx", portable!);
  await project.write("calls.mjs", calls!);
}, 60_000);
afterAll(async () => {
  await engine.stop();
  await project[Symbol.asyncDispose]();
});

/** Runs a server until its first line, which is its port. */
async function served<T>(command: readonly string[], use: (url: string) => Promise<T>): Promise<T> {
  const child = Bun.spawn([...command], {
    cwd: project.dir,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: project.dir,
      NO_COLOR: "1",
      DENO_DIR: join(project.dir, ".deno"),
      ...DENO_ENV,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      text += decoder.decode(chunk, { stream: true });
      const port = /^port (\d+)$/m.exec(text)?.[1];
      if (port !== undefined) return await use(`http://127.0.0.1:${port}`);
    }
    throw new Error(`${command.join(" ")} did not serve:\n${text}${await new Response(child.stderr).text()}`);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

const PAGES: readonly (readonly [path: string, init?: RequestInit])[] = [
  ["/portable/json", { method: "PUT", body: '{"a":1}' }],
  ["/portable/text?name=Ada"],
  ["/portable/page?name=%3Cb%3E"],
  ["/portable/away", { redirect: "manual" }],
  ["/portable/nowhere"],
];

async function pages(url: string): Promise<readonly unknown[]> {
  const answers: unknown[] = [];
  for (const [path, init] of PAGES) {
    const answer = await fetch(`${url}${path}`, init);
    const { headers } = answer;
    answers.push([
      answer.status,
      headers.get("content-type"),
      headers.get("x-a"),
      headers.get("location"),
      await answer.text(),
    ]);
  }
  return answers;
}

const ANSWERS = [
  [201, "application/json", "1", null, '{"method":"PUT","sent":{"a":1}}'],
  [200, "text/plain;charset=utf-8", null, null, "Hello, Ada"],
  [200, "text/html;charset=utf-8", null, null, '<p class="a">&lt;b&gt;</p>'],
  [303, null, null, "/portable/text", ""],
  [404, "application/json", null, null, '{"code":"no_page","message":"No such page."}'],
];

describe("one handler file answers the same", () => {
  test("in an engine", async () => {
    expect(await pages(engine.url)).toEqual(ANSWERS);
  });

  test("under plain Bun", async () => {
    await project.write(
      "serve-bun.ts",
      `import app from "./portable.tsx";
       const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: app.fetch });
       console.log("port " + server.port);`,
    );
    expect(await served([process.execPath, "serve-bun.ts"], pages)).toEqual(ANSWERS);
  }, 20_000);

  test.skipIf(DENO === undefined)(
    `under Deno${DENO === undefined ? ": npm has no deno for this machine" : ""}`,
    async () => {
      await project.write(
        "serve-deno.ts",
        `import app from "./portable.tsx";
       Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log("port " + port) }, app.fetch);`,
      );
      const command = [
        DENO!,
        "run",
        "--allow-net=127.0.0.1",
        "--no-prompt",
        "--node-modules-dir=manual",
        "serve-deno.ts",
      ];
      expect(await served(command, pages)).toEqual(ANSWERS);
    },
    20_000,
  );
});

const RESULTS = {
  echo: {
    params: { id: 7, "*": "a b/ä" },
    query: { tag: ["x", "y&z"] },
    body: { text: "hi", stars: 0 },
    at: "1970-01-01T00:00:00.000Z",
    from: "client",
  },
  greeting: "Hello, Ada/Bob",
  nothing: "undefined",
  made: { made: true },
  streamed: "one two",
  bytes: "hi",
  form: { name: "Ada" },
  invalid: [true, 422, "invalid_input", ["/body/text"], "string"],
  refused: [true, 409, "name_taken", null, "string"],
  missing: [true, 404, "not_found", null, "string"],
  aborted: "enough",
};

describe("one client calls a script", () => {
  const program = `import { calls } from "./calls.mjs"; console.log(JSON.stringify(await calls(URL_OF_ENGINE)));`;
  const results = async (command: readonly string[], env = {}): Promise<unknown> => {
    await project.write("main.mjs", program.replace("URL_OF_ENGINE", JSON.stringify(engine.url)));
    const { out } = await run([...command, "main.mjs"], project.dir, env);
    const line = out.split("\n").find((text) => text.startsWith("{"));
    if (line === undefined) throw new Error(out);
    return JSON.parse(line);
  };

  test("from Bun", async () => {
    expect(await results([process.execPath])).toEqual(RESULTS);
  }, 20_000);

  test("from Node", async () => {
    expect(await results(["node"])).toEqual(RESULTS);
  }, 20_000);

  test.skipIf(DENO === undefined)(
    `from Deno${DENO === undefined ? ": npm has no deno for this machine" : ""}`,
    async () => {
      const command = [DENO!, "run", "--allow-net=127.0.0.1", "--no-prompt", "--node-modules-dir=manual"];
      expect(await results(command, { DENO_DIR: join(project.dir, ".deno"), ...DENO_ENV })).toEqual(RESULTS);
    },
    20_000,
  );

  const missing = CHROMIUM === undefined ? ": no Chromium here; name one in CHROMIUM" : "";
  test.skipIf(CHROMIUM === undefined)(
    `from a browser${missing}`,
    async () => {
      // One origin for the page and the engine behind it.
      using site = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request) => page(request, engine.url) });
      const { chromium } = await import("playwright-core");
      const browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox"] });
      try {
        const tab = await browser.newPage();
        await tab.goto(site.url.href);
        // Relative to the page.
        const found: unknown = await tab.evaluate('import("/files/calls.mjs").then(({ calls }) => calls("/"))');
        expect(JSON.parse(JSON.stringify(found))).toEqual(RESULTS);
      } finally {
        await browser.close();
        await site.stop(true);
      }
    },
    60_000,
  );

  async function page(request: Request, behind: string): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const map = { imports: { "@aiwebengine/sdk/client": "/files/node_modules/@aiwebengine/sdk/client.js" } };
    if (pathname === "/") {
      const html = `<!doctype html><script type="importmap">${JSON.stringify(map)}</script>`;
      return new Response(html, { headers: { "content-type": "text/html" } });
    }
    if (pathname.startsWith("/files/"))
      return new Response(Bun.file(join(project.dir, pathname.slice("/files/".length))));
    const { method, headers } = request;
    const body = request.body === null ? undefined : await request.arrayBuffer();
    return fetch(`${behind}${pathname}${search}`, { method, headers, body });
  }
});
