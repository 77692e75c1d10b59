/** What this engine serves, described: OpenAPI for programs, a page for people, `/llms.txt` for agents. */
import { definePlugin, type EngineCapability, type RequestEvent } from "../../sdk/plugin.ts";
import type { Served } from "./document.ts";
import type { Files } from "./files.ts";

const PATH = "/^\\/[A-Za-z0-9._~\\/-]*$/";

export default definePlugin({
  name: "api-docs",
  version: "1.0.0",
  requires: ["engine"],
  config: {
    public: [
      ["boolean", "@", "Serves the documents also without `--dev`: they name every route to everyone."],
      "=",
      false,
    ],
    path: [[PATH, "@", "Where the page is."], "=", "/docs"],
    document: [[PATH, "@", "Where the OpenAPI document is."], "=", "/openapi.json"],
    index: [[PATH, "@", "Where the index for agents is."], "=", "/llms.txt"],
    title: [["string > 0", "@", "`info.title` of the document, and of the page."], "=", "API"],
    version: [["string > 0", "@", "`info.version`: of what the scripts offer, not of the engine."], "=", "1.0.0"],
    description: [["string", "@", "`info.description`."], "=", ""],
  },
  setup({ config, use, hook, defer, command, endpoint }) {
    const engine = use("engine");
    const served = (): Served => ({
      routes: engine.routes(),
      // The page is where the document is read: it has no need to name itself.
      endpoints: engine.endpoints().filter(({ owner }) => owner !== "api-docs"),
    });
    const places = new Set<string>([config.path, config.document, config.index]);
    if (places.size < 3) throw new Error("path, document and index are three places; two of them are the same");
    command({
      name: "openapi",
      summary: "Print the OpenAPI 3.1 document of the project's scripts.",
      usage: "Nothing",
      examples: ["aiwebengine openapi", "aiwebengine openapi --dir ./shop > openapi.json"],
      scripts: true,
      run: async ({ words, stdout, stderr }) => {
        if (words.length > 0) return refuse(stderr, words);
        const { makeDocument } = await import("./document.ts");
        stdout(`${JSON.stringify(makeDocument(served(), config), null, 2)}\n`);
        return tellBroken(engine, stderr);
      },
    });
    if (!config.public && !engine.dev) return;
    endpoint({ title: "API docs", path: config.path, summary: "Every route, with a form to try it." });
    let files: Promise<Files> | undefined;
    defer(engine.onChange(() => void (files = undefined)));
    hook("request", (event, next) => {
      if (!places.has(event.path) || event.route !== undefined) return next();
      return event.method === "GET" || event.method === "HEAD" ? afterFiles(event, next) : next();
    });
    /** A script's own file at the place goes first, as its own route does. */
    async function afterFiles(event: RequestEvent, next: () => Response | PromiseLike<Response>): Promise<Response> {
      const given = await next();
      if (given.status !== 404) return given;
      files ??= import("./files.ts").then(({ makeFiles }) => makeFiles(served(), config));
      return (await files).answer(event);
    }
  },
});

function refuse(stderr: (text: string) => void, words: readonly string[]): number {
  stderr(
    `aiwebengine openapi takes no arguments; it was given ${words.map((word) => JSON.stringify(word)).join(" ")}\n`,
  );
  return 2;
}

/** A document that lacks a script must not pass for a whole one. */
function tellBroken(engine: EngineCapability, stderr: (text: string) => void): number {
  const broken = engine.scripts().filter(({ problem }) => problem !== undefined);
  for (const { name, problem } of broken)
    stderr(`Left out: the script "${name}", since it would not serve: ${problem}\n`);
  return broken.length > 0 ? 1 : 0;
}
