/** Saving a script while the engine serves: how editors write, what breaks, what is mended, and what goes. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { appendFile, open, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startEngine, type Engine } from "./engine.ts";
import { processTree } from "./processes.ts";

setDefaultTimeout(30_000);

/** A script that answers `word` at `/<name>`. */
const says = (name: string, word: string): string =>
  `import { registerWebHandler } from "@aiwebengine/sdk";\nregisterWebHandler("GET /${name}", () => "${word}");\n`;

let engine: Engine;
let pretty: Engine;
beforeAll(async () => {
  engine = await startEngine({ config: "[isolates]\nidleMs = 60000\n" });
  pretty = await startEngine({ scripts: { "p.ts": says("p", "one") }, args: ["--set", "log.format=pretty", "--dev"] });
});
afterAll(async () => {
  await engine?.stop();
  await pretty?.stop();
});

async function answer(path: string, from = engine): Promise<string> {
  const response = await from.fetch(path);
  return `${response.status} ${await response.text()}`;
}

/** Waits until a path answers so; what it answers before must be one of `meanwhile`. */
async function becomes(path: string, wanted: string, meanwhile: readonly (string | RegExp)[] = []): Promise<void> {
  const until = performance.now() + 20_000;
  for (;;) {
    const got = await answer(path);
    if (got === wanted) return;
    if (meanwhile.length > 0 && !meanwhile.some((one) => (typeof one === "string" ? one === got : one.test(got)))) {
      throw new Error(`${path} answers ${got}, which is neither what it was nor what was saved`);
    }
    if (performance.now() > until)
      throw new Error(`${path} still answers ${got} instead of ${wanted}\n${engine.logs.slice(-2000)}`);
    await Bun.sleep(5);
  }
}

const file = (path: string): string => join(engine.dir, "scripts", path);
const GONE = /^404 /;

describe("however an editor writes, the new version is served and the old one until then", () => {
  const styles: readonly [string, (path: string, text: string) => Promise<void>][] = [
    ["writes over it", (path, text) => writeFile(path, text)],
    [
      "renames a finished file to it",
      async (path, text) => {
        await writeFile(`${path}.tmp`, text);
        await rename(`${path}.tmp`, path);
      },
    ],
    [
      "deletes and writes",
      async (path, text) => {
        await rm(path);
        await Bun.sleep(30);
        await writeFile(path, text);
      },
    ],
    [
      "empties, then writes piece by piece",
      async (path, text) => {
        const handle = await open(path, "w");
        await Bun.sleep(25);
        for (const piece of text.match(/[^]{1,40}/g) ?? []) await handle.write(piece);
        await handle.close();
      },
    ],
    [
      "moves the old one aside, and writes",
      async (path, text) => {
        await rename(path, `${path}~`);
        await writeFile(path, text);
        await rm(`${path}~`);
      },
    ],
  ];
  for (const [name, save] of styles) {
    test(name, async () => {
      await engine.write("scripts/style.ts", says("style", "before"));
      await becomes("/style", "200 before");
      for (const word of ["one", "two", "three"]) {
        const old = await answer("/style");
        await Promise.all([save(file("style.ts"), says("style", word)), becomes("/style", `200 ${word}`, [old])]);
      }
    });
  }

  test("many scripts at once", async () => {
    const names = Array.from({ length: 20 }, (_, n) => `many${n}`);
    await Promise.all(names.map((name) => engine.write(`scripts/${name}.ts`, says(name, "here"))));
    for (const name of names) await becomes(`/${name}`, "200 here", [GONE]);
    await Promise.all(names.map((name) => engine.remove(`scripts/${name}.ts`)));
    for (const name of names) while (!GONE.test(await answer(`/${name}`))) await Bun.sleep(5);
  });
});

describe("what a script is made of", () => {
  test("a module of its folder, or something shared, changes it", async () => {
    await engine.write("scripts/_shared/word.ts", `export const word = "shared one";\n`);
    await engine.write("scripts/shop/part.ts", `export const part = "part one";\n`);
    await engine.write(
      "scripts/shop/index.ts",
      `import { word } from "../_shared/word.ts";\nimport { part } from "./part.ts";\nregister("/shop", () => part + ", " + word);\n`,
    );
    await becomes("/shop", "200 part one, shared one", [GONE]);
    await engine.write("scripts/shop/part.ts", `export const part = "part two";\n`);
    await becomes("/shop", "200 part two, shared one", ["200 part one, shared one"]);
    await engine.write("scripts/_shared/word.ts", `export const word = "shared two";\n`);
    await becomes("/shop", "200 part two, shared two", ["200 part two, shared one"]);
  });

  test("a package that is installed mends it, and a newer one changes it", async () => {
    const install = (text: string): Promise<void> =>
      engine.write("scripts/packed/node_modules/left/index.js", `export const left = "${text}";\n`);
    await engine.write("scripts/packed/package.json", `{ "dependencies": { "left": "1.0.0" } }`);
    await engine.write("scripts/packed/index.ts", `import { left } from "left";\nregister("/packed", () => left);\n`);
    await engine.waitForLog((line) => line.includes('"script failed"') && line.includes("packed"));
    await engine.write(
      "scripts/packed/node_modules/left/package.json",
      `{ "name": "left", "version": "1.0.0", "main": "index.js" }`,
    );
    await install("one");
    await becomes("/packed", "200 one", [GONE]);
    await install("two");
    await becomes("/packed", "200 two", ["200 one"]);
  });
});

describe("a script that goes", () => {
  test("is 404, its isolates end, and written again it is back", async () => {
    const before = processTree(engine.pid).length;
    await engine.write("scripts/gone.ts", says("gone", "here"));
    await becomes("/gone", "200 here", [GONE]);
    await engine.remove("scripts/gone.ts");
    while (!GONE.test(await answer("/gone"))) await Bun.sleep(5);
    // Spares and builders come and go: in the end there are not more than before.
    while (processTree(engine.pid).length > before + 1) await Bun.sleep(20);
    await engine.write("scripts/gone.ts", says("gone", "again"));
    await becomes("/gone", "200 again", [GONE]);
  });

  test("under another name takes its route along", async () => {
    await engine.write("scripts/old-name.ts", says("kept", "still"));
    await becomes("/kept", "200 still", [GONE]);
    const mark = engine.mark();
    await rename(file("old-name.ts"), file("new-name.ts"));
    await engine.waitForLog((line) => line.includes('"script loaded"') && line.includes("new-name"), { after: mark });
    expect(await answer("/kept")).toBe("200 still");
    expect(engine.logs.split("\n").slice(mark).join("\n")).not.toContain("route_taken");
  });

  test("gives its route to the script that was refused it", async () => {
    await engine.write("scripts/holder.ts", says("held", "by holder"));
    await becomes("/held", "200 by holder", [GONE]);
    await engine.write("scripts/asker.ts", says("held", "by asker"));
    const line = await engine.waitForLog((one) => one.includes("route_taken") && one.includes("asker"));
    expect(JSON.parse(line)).toMatchObject({
      script: "asker",
      serving: "nothing",
      problem: expect.stringContaining('"holder" holds it'),
    });
    expect(await answer("/held")).toBe("200 by holder");
    await engine.remove("scripts/holder.ts");
    await becomes("/held", "200 by asker", ["200 by holder"]);
  });
});

describe("a save that does not load", () => {
  test("leaves the last good version, and the log has file, line, frame and hint; mended it serves", async () => {
    await engine.write("scripts/broken.ts", says("broken", "good"));
    await becomes("/broken", "200 good", [GONE]);
    await engine.write("scripts/broken.ts", `${says("broken", "bad")}const x = ;\n`);
    const line = await engine.waitForLog((one) => one.includes('"script failed"') && one.includes('"broken"'));
    expect(JSON.parse(line)).toMatchObject({
      level: "error",
      script: "broken",
      serving: "the last good version",
      code: "script_failed",
      file: "broken.ts",
      line: 3,
      frame: expect.stringMatching(/> 3 \| const x = ;\n\s+\| +\^/),
      hint: expect.any(String),
    });
    expect(await answer("/broken")).toBe("200 good");
    await engine.write("scripts/broken.ts", says("broken", "mended"));
    await becomes("/broken", "200 mended", ["200 good"]);
  });

  test("is shown to a person with the lines around the fault", async () => {
    await pretty.write("scripts/p.ts", `${says("p", "two")}const x = ;\n`);
    await pretty.waitForLog(/ERROR script failed script=p serving="the last good version"/);
    await pretty.waitForLog(/^scripts\/p\.ts:3:11: /);
    await pretty.waitForLog(/^ {2}> 3 \| const x = ;$/);
    await pretty.waitForLog(/^ {2}hint: /);
    expect(await answer("/p", pretty)).toBe("200 one");
  });

  test("and never ends (top level) holds up nobody else's save", async () => {
    await engine.write("scripts/fine.ts", says("fine", "one"));
    await becomes("/fine", "200 one", [GONE]);
    await engine.write("scripts/endless.ts", "for (;;) {}\n");
    await Bun.sleep(100);
    await engine.write("scripts/fine.ts", says("fine", "two"));
    await becomes("/fine", "200 two", ["200 one"]);
    const isEnd = (line: string): boolean => line.includes("endless") && line.includes("deadline_exceeded");
    expect(engine.logs.split("\n").some(isEnd)).toBe(false);
    await engine.waitForLog(isEnd, { timeoutMs: 15_000 });
  });
});

describe("a handler that throws", () => {
  const THROWS = `import { registerWebHandler } from "@aiwebengine/sdk";

interface Unused {
  readonly word: string;
}

function inner(): never {
  throw new Error("the secret reason");
}
registerWebHandler("GET /throws", () => inner());
`;

  test("answers 500 without the reason; the log has it under the same id, with the author's line", async () => {
    await engine.write("scripts/throws.ts", THROWS);
    while ((await engine.fetch("/throws")).status === 404) await Bun.sleep(5);
    const response = await engine.fetch("/throws", { headers: { accept: "text/html" } });
    const body = await response.text();
    expect([response.status, response.headers.get("content-type")]).toEqual([500, "application/problem+json"]);
    expect(body).not.toContain("secret");
    const id = response.headers.get("x-request-id") as string;
    expect(JSON.parse(body)).toMatchObject({ code: "script_failed", id });
    const line = await engine.waitForLog((one) => one.includes('"script error"') && one.includes(id));
    expect(JSON.parse(line)).toMatchObject({
      script: "throws",
      route: "GET /throws",
      error: expect.stringMatching(/the secret reason[^]*throws\.ts:8:/),
    });
  });

  test("with --dev the answer has the details, as data and for a browser as a page", async () => {
    await pretty.write("scripts/throws.ts", THROWS);
    while ((await pretty.fetch("/throws")).status === 404) await Bun.sleep(5);
    const data = await pretty.fetch("/throws");
    expect(data.headers.get("content-type")).toBe("application/problem+json");
    expect(JSON.stringify(((await data.json()) as { dev: unknown }).dev)).toMatch(/the secret reason.*throws\.ts:8:/);
    const page = await pretty.fetch("/throws", { headers: { accept: "text/html,*/*" } });
    expect([page.status, page.headers.get("content-type")]).toEqual([500, "text/html; charset=utf-8"]);
    const html = await page.text();
    expect(html).toContain("the secret reason");
    expect(html).toContain("throws.ts:8:");
  });
});

describe("the folder of scripts", () => {
  test("may be removed and made again, or be swapped for another", async () => {
    await using one = await startEngine({ scripts: { "a.ts": says("a", "one") } });
    const at = (path: string): string => join(one.dir, path);
    const until = async (path: string, wanted: string | RegExp): Promise<void> => {
      for (let got = ""; typeof wanted === "string" ? got !== wanted : !wanted.test(got); got = await answer(path, one))
        await Bun.sleep(5);
    };
    await until("/a", "200 one");
    await one.remove("scripts");
    await until("/a", GONE);
    await one.write("scripts/a.ts", says("a", "two"));
    await until("/a", "200 two");
    await one.write("release/a.ts", says("a", "three"));
    await rename(at("scripts"), at("scripts.old"));
    await rename(at("release"), at("scripts"));
    await until("/a", "200 three");
    await one.write("release2/a.ts", says("a", "four"));
    await rename(at("scripts"), at("scripts.older"));
    await symlink("release2", at("scripts"));
    await until("/a", "200 four");
    await appendFile(at("release2/a.ts"), says("more", "five"));
    await until("/more", "200 five");
  });
});

test("200 saves under load: every request is answered by some version, none fails", async () => {
  await engine.write("scripts/busy.ts", says("busy", "v0"));
  await becomes("/busy", "200 v0", [GONE]);
  let stop = false;
  let requests = 0;
  const failures: string[] = [];
  const client = async (): Promise<void> => {
    while (!stop) {
      const got = await answer("/busy").catch(String);
      requests++;
      if (!/^200 v\d+$/.test(got)) failures.push(got);
    }
  };
  const clients = [client(), client(), client(), client()];
  for (let save = 1; save <= 200; save++) {
    await engine.write("scripts/busy.ts", says("busy", `v${save}`));
    await Bun.sleep(15);
  }
  await becomes("/busy", "200 v200", [/^200 v\d+$/]);
  stop = true;
  await Promise.all(clients);
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThan(200);
}, 60_000);
