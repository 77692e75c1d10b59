/** Secrets reach the hosts that they are for, and neither a script nor a log nor another host. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Server } from "bun";
import plugin from "../../plugins/secrets/index.ts";
import { go, failure, header } from "../core/fetch/servers.ts";
import { serve, type Served } from "./harness.ts";

const VALUE = "gh p/_&?0123";
const dir = realpathSync(mkdtempSync(join(tmpdir(), "secrets-")));
const file = join(dir, "secrets.toml");

let api: Server<undefined>;
let evil: Server<undefined>;
let seen: { readonly url: string; readonly headers: Readonly<Record<string, string>> }[] = [];
let served: Served | undefined;
let hidden: string[] = [];

/** An allowed host at its worst: redirects to `to` wherever that is, with `KEY` in it replaced by what it was sent. */
function answer(request: Request): Response {
  seen.push({ url: request.url, headers: Object.fromEntries(request.headers) });
  const url = new URL(request.url);
  const to = url.searchParams.get("to");
  const key = url.searchParams.get("key") ?? request.headers.get("authorization") ?? "";
  const headers = { "x-echo": `${request.url} ${request.headers.get("authorization")}` };
  if (to === null) return new Response("ok", { headers });
  return new Response(null, {
    status: 302,
    headers: { ...headers, location: to.replace("KEY", encodeURIComponent(key)).replace("ASK", "{{secret:KEY}}") },
  });
}

beforeAll(() => {
  api = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  evil = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
});
afterEach(async () => {
  await served?.close();
  served = undefined;
  seen = [];
  hidden = [];
});
afterAll(async () => {
  await api.stop(true);
  await evil.stop(true);
  rmSync(dir, { recursive: true });
});

const at = (server: Server<undefined>, path = "/"): string => `http://127.0.0.1:${server.port}${path}`;

function write(path: string, text: string, mode = 0o600): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

interface Rule {
  readonly hosts?: readonly string[];
  readonly scripts?: readonly string[];
}

async function start(allow: { readonly [name: string]: Rule }, config: object = {}): Promise<Served> {
  served = await serve([plugin], {
    config: { secrets: { file, allow: JSON.parse(JSON.stringify(allow)), ...config } },
    given: {
      redaction: {
        add(value: string) {
          hidden.push(value);
          return () => void hidden.splice(hidden.indexOf(value), 1);
        },
      },
    },
  });
  return served;
}

/** With one secret that the script `shop` may send to `api`. */
async function startWithKey(rule: Rule = {}): Promise<Served> {
  write(file, `KEY = ${JSON.stringify(VALUE)}\nOTHER = "other-value"\n`);
  const hosts = [at(api).slice(0, -1)];
  return start({ KEY: { scripts: ["shop"], hosts, ...rule }, OTHER: { scripts: ["bank"], hosts } });
}

function send(url: string, headers: readonly string[] = [], changes: object = {}, script = "shop") {
  const run = served?.host.current.chains.fetch;
  if (!run) throw new Error("there is no fetch hook");
  return go(url, { headers, ...changes }, { hook: { script, id: "i1", run } });
}

const refusal = async (...args: Parameters<typeof send>) => failure(send(...args));

describe("where values come from", () => {
  const rule = { scripts: ["shop"] };
  const has = async (name: string): Promise<unknown> => served?.call("shop", "secrets", "has", name);

  test("the environment, a folder with a file for each, and one file, in this order", async () => {
    process.env["SECRET_A"] = "from-environment";
    write(join(dir, "run/A"), "from-folder");
    write(join(dir, "run/B"), "from-folder\n", 0o444);
    write(file, 'A = "from-file"\nB = "from-file"\nC = "from-file"\n');
    await start({ A: rule, B: rule, C: rule, D: rule }, { folder: join(dir, "run") });
    delete process.env["SECRET_A"];
    expect(hidden).toEqual(["from-environment", "from-folder", "from-file"]);
    expect(await Promise.all(["B", "C", "D"].map(has))).toEqual([true, true, false]);
    expect(served?.lines).toEqual([expect.stringContaining("warn a secret has no value")]);
    expect(served?.lines[0]).toContain("SECRET_D");
  });

  test("a JSON file", async () => {
    write(join(dir, "s.json"), '{ "A": "from-json" }');
    await start({ A: rule }, { file: join(dir, "s.json") });
    expect(hidden).toEqual(["from-json"]);
  });

  test("a file that is replaced while the engine runs counts from the next use", async () => {
    await startWithKey();
    write(`${file}.new`, 'KEY = "second-value"\n');
    renameSync(`${file}.new`, file);
    await send(at(api), ["authorization", "Bearer {{secret:KEY}}"]);
    expect(seen[0]?.headers["authorization"]).toBe("Bearer second-value");
    expect(hidden).toContain("second-value");
  });

  test("what can no longer be read refuses requests, and tells the log why", async () => {
    await startWithKey();
    write(`${file}.new`, 'KEY = "second-value', 0o600);
    renameSync(`${file}.new`, file);
    const error = await refusal(at(api), ["authorization", "{{secret:KEY}}"]);
    expect(error.message).toContain("the engine's log has the cause");
    expect(served?.lines.at(-1)).toContain("is not valid TOML (line 1)");
    expect(served?.lines.join()).not.toContain("second-value");
    expect(seen).toEqual([]);
  });

  test("only what a rule names is read at all", async () => {
    write(file, 'KEY = "first-value"\nUNUSED = "a\\nb"\n');
    await start({ KEY: rule });
    expect(hidden).toEqual(["first-value"]);
  });

  test("values are shown to the log again when the plugin goes", async () => {
    await startWithKey();
    expect(hidden).not.toEqual([]);
    await served?.close();
    expect(hidden).toEqual([]);
  });

  const BAD: readonly [string, string, string][] = [
    ["a line break", '"first\\nsecond"', "has a line break or another control character"],
    ["a carriage return", '"first\\rsecond"', "has a line break or another control character"],
    ["NUL", '"first\\u0000second"', "has a line break or another control character"],
    ["too little", '"abc"', "is shorter than 4 characters"],
    ["too much", JSON.stringify("x".repeat(20_000)), "is longer than 16384 bytes"],
    ["no string", "12345", "is no string"],
    ["a stray blank", '"value "', "begins or ends with white space"],
  ];
  for (const [what, value, sentence] of BAD) {
    test(`${what} is refused at the start, by name and without the value`, async () => {
      write(file, `KEY = ${value}\n`);
      const error = await failure(start({ KEY: rule }));
      expect(error.message).toContain(`"KEY" in ${file} cannot be a secret: it ${sentence}`);
      expect(error.message).not.toMatch(/first|second|xxx|12345/);
    });
  }

  for (const mode of [0o640, 0o604, 0o644, 0o660]) {
    test.skipIf(process.platform === "win32")(`a file of mode ${mode.toString(8)} is refused`, async () => {
      write(file, 'KEY = "first-value"\n', mode);
      expect((await failure(start({ KEY: rule }))).message).toContain(`run: chmod 600 ${file}`);
    });
  }

  test("a file that does not parse is refused without a word of it", async () => {
    for (const [path, text] of [
      ["bad.toml", 'KEY = "first-value'],
      ["bad.json", '{ "KEY": first-value'],
      ["list.json", '["first-value"]'],
    ] as const) {
      write(join(dir, path), text);
      const error = await failure(start({ KEY: rule }, { file: join(dir, path) }));
      expect(error.message).toContain(path);
      expect(`${error.message} ${error.stack}`).not.toContain("first-value");
    }
  });

  test("what is no file is not waited for", async () => {
    mkdirSync(join(dir, "odd/KEY"), { recursive: true });
    expect((await failure(start({ KEY: rule }, { folder: join(dir, "odd") }))).message).toContain("is no file");
  });

  for (const entry of ["", "*", "a b", "ftp://a", "http://a/path", "https://me@a", "a?b", "*.*.a", "http://"]) {
    test(`the host ${JSON.stringify(entry)} is refused with a sentence that shows it`, async () => {
      write(file, 'KEY = "first-value"\n');
      expect((await failure(start({ KEY: { hosts: [entry] } }))).message).toContain(JSON.stringify(entry));
    });
  }
});

describe("a placeholder", () => {
  test("is filled in in headers, path and query, percent-encoded where it must be", async () => {
    await startWithKey();
    const url = `${at(api)}v1/{{secret:KEY}}/x?key={{secret:KEY}}&{{secret:KEY}}=1`;
    await send(url, ["authorization", "Bearer {{secret:KEY}}", "x-two", "{{secret:KEY}}{{secret:KEY}}"]);
    const encoded = encodeURIComponent(VALUE);
    expect(seen[0]?.url).toBe(`${at(api)}v1/${encoded}/x?key=${encoded}&${encoded}=1`);
    expect(seen[0]?.headers).toMatchObject({ authorization: `Bearer ${VALUE}`, "x-two": VALUE + VALUE });
  });

  test("is found as URLSearchParams writes it", async () => {
    await startWithKey();
    await send(`${at(api)}?${new URLSearchParams({ key: "{{secret:KEY}}" })}`);
    expect(new URL(seen[0]?.url ?? "").searchParams.get("key")).toBe(VALUE);
  });

  test("goes along with a redirect within its origin", async () => {
    await startWithKey();
    await send(`${at(api)}a?to=/b`, ["authorization", "{{secret:KEY}}"]);
    expect(seen.map(({ headers }) => headers["authorization"])).toEqual([VALUE, VALUE]);
  });

  test("that is misspelt is refused", async () => {
    await startWithKey();
    for (const text of ["{{secret:}}", "{{secret:KEY", "{{secret:a b}}", "{{sec{{secret:KEY}}ret:KEY}} {{secret:x}"]) {
      expect((await refusal(at(api), ["x-a", text])).message).toContain("a placeholder is {{secret:NAME}}");
      expect((await refusal(`${at(api)}?a=${encodeURIComponent(text)}`)).message).toContain("a placeholder is");
    }
    expect(seen).toEqual([]);
  });

  test("costs a request without one nothing but a look: it goes out as it was", async () => {
    await startWithKey();
    await send(`${at(api)}a?b=%7B%7Bother:KEY%7D%7D`, ["x-a", "{{KEY}}"]);
    expect(seen[0]?.url).toBe(`${at(api)}a?b=%7B%7Bother:KEY%7D%7D`);
    expect(seen[0]?.headers["x-a"]).toBe("{{KEY}}");
  });
});

describe("closed doors", () => {
  test("scheme, host, port and user take no placeholder", async () => {
    await startWithKey();
    for (const url of [
      "{{secret:KEY}}://127.0.0.1/",
      "http://{{secret:KEY}}/",
      "http://{{secret:KEY}}.evil.test/",
      "http://%7B%7Bsecret%3AKEY%7D%7D.evil.test/",
      "http://127.0.0.1:{{secret:KEY}}/",
      `http://{{secret:KEY}}@127.0.0.1:${api.port}/`,
    ]) {
      expect((await refusal(url)).code).toMatch(/bad_request|fetch_blocked/);
    }
    expect(seen).toEqual([]);
  });

  test("a host that the rule does not name is refused, with the fix", async () => {
    await startWithKey();
    const error = await refusal(at(evil), ["authorization", "{{secret:KEY}}"]);
    expect(error.code).toBe("fetch_blocked");
    const origin = at(evil).slice(0, -1);
    expect(error.message).toContain(
      `may not be sent to ${origin}; the operator allows it with "${origin}" in plugins.`,
    );
    expect(error.message).toContain("plugins.secrets.allow.KEY.hosts");
    expect(seen).toEqual([]);
  });

  test("without hosts a secret is sent nowhere, without scripts by nobody", async () => {
    await startWithKey({ hosts: undefined });
    expect((await refusal(at(api), ["x-a", "{{secret:KEY}}"])).code).toBe("fetch_blocked");
    await served?.close();
    await startWithKey({ scripts: undefined });
    expect((await refusal(at(api), ["x-a", "{{secret:KEY}}"])).code).toBe("forbidden");
    expect(seen).toEqual([]);
  });

  test("a plain host is https only: nothing is sent where others listen", async () => {
    await startWithKey({ hosts: ["127.0.0.1"] });
    expect((await refusal(at(api), ["x-a", "{{secret:KEY}}"])).code).toBe("fetch_blocked");
    expect(seen).toEqual([]);
  });

  test("a script learns nothing of the secrets of others, not even that there are any", async () => {
    await startWithKey();
    const sentence = async (name: string): Promise<string> =>
      (await refusal(at(api), ["x-a", `{{secret:${name}}}`])).message.replaceAll(name, "*");
    expect(await sentence("OTHER")).toBe(await sentence("NOBODYS"));
    expect(await served?.call("shop", "secrets", "has", "OTHER")).toBe(false);
    expect(await served?.call("shop", "secrets", "has", "NOBODYS")).toBe(false);
    for (const name of ["__proto__", "constructor", "toString"]) {
      expect(await served?.call("shop", "secrets", "has", name)).toBe(false);
    }
  });

  test("a redirect to another origin takes no header with a placeholder along, filled or not", async () => {
    await startWithKey();
    await send(`${at(api)}?to=${encodeURIComponent(at(evil))}`, ["user-agent", "{{secret:KEY}}", "accept", "a"]);
    expect(seen[1]?.headers["accept"]).toBe("a");
    expect(JSON.stringify(seen[1])).not.toMatch(/secret|gh p|gh%20p/);
  });

  test("and back again: what was dropped does not return", async () => {
    await startWithKey();
    const back = `${at(evil)}?to=${encodeURIComponent(at(api))}`;
    await send(`${at(api)}?to=${encodeURIComponent(back)}`, ["user-agent", "{{secret:KEY}}"]);
    expect(seen).toHaveLength(3);
    expect(JSON.stringify(seen.slice(1))).not.toMatch(/secret|gh p|gh%20p/);
  });

  test("a request with a secret in its URL follows no redirect to another origin", async () => {
    await startWithKey();
    const error = await refusal(`${at(api)}?key={{secret:KEY}}&to=${encodeURIComponent(at(evil))}`);
    expect(error.code).toBe("fetch_blocked");
    expect(seen.map(({ url }) => new URL(url).port)).toEqual([String(api.port)]);
  });

  test("an open redirect of an allowed host does not carry a header's secret out in its Location", async () => {
    await startWithKey();
    const to = encodeURIComponent(`${at(evil)}?stolen=KEY`);
    const error = await refusal(`${at(api)}?to=${to}`, ["authorization", "{{secret:KEY}}"]);
    expect(error.code).toBe("fetch_blocked");
    expect(seen).toHaveLength(1);
  });

  test("a server cannot ask for a secret: placeholders in its Location stay text", async () => {
    await startWithKey();
    await send(`${at(api)}?to=${encodeURIComponent("/b?x=ASK")}`);
    expect(seen[1]?.url).toBe(at(api, "/b?x={{secret:KEY}}"));
  });

  test("headers, Location and URL of an answer that repeats a secret show the placeholder", async () => {
    await startWithKey();
    const echo = await send(`${at(api)}?key={{secret:KEY}}`, ["authorization", "Bearer {{secret:KEY}}"]);
    expect(header(echo.headers, "x-echo")).toBe(`${at(api)}?key={{secret:KEY}} Bearer {{secret:KEY}}`);
    const to = `${at(api)}?key={{secret:KEY}}&to=${encodeURIComponent("/b?again=KEY")}`;
    const manual = await send(to, [], { redirect: "manual" });
    expect(header(manual.headers, "location")).toBe("/b?again={{secret:KEY}}");
    const followed = await send(to);
    expect(followed.url).toBe(at(api, "/b?again={{secret:KEY}}"));
    expect(seen.at(-1)?.url).toBe(at(api, `/b?again=${encodeURIComponent(VALUE)}`));
  });

  test("a value never becomes more than part of one segment: it cannot climb out of its path", async () => {
    write(file, 'KEY = "../../admin?x#y"\n');
    await start({ KEY: { scripts: ["shop"], hosts: [at(api).slice(0, -1)] } });
    await send(`${at(api)}a/b/{{secret:KEY}}`);
    expect(new URL(seen[0]?.url ?? "").pathname).toBe("/a/b/..%2F..%2Fadmin%3Fx%23y");
  });

  test("no sentence for a script shows a value or a path of the machine", async () => {
    await startWithKey();
    const errors = await Promise.all([
      refusal(at(evil), ["x", "{{secret:KEY}}"]),
      refusal(at(api), ["x", "{{secret:OTHER}}"]),
      failure(served!.call("shop", "secrets", "ref", "NOBODYS")),
    ]);
    for (const { message, stack } of errors) {
      expect(message).not.toContain(dir);
      expect(`${message} ${stack}`).not.toContain(VALUE);
      expect(`${message} ${stack}`).not.toContain("other-value");
    }
  });
});

describe("hosts", () => {
  const MATCHES: readonly [string, string, boolean][] = [
    ["api.example.com", "https://api.example.com/x", true],
    ["API.example.com", "https://api.example.com/x", true],
    ["api.example.com", "https://api.example.com:8443/", false],
    ["api.example.com:8443", "https://api.example.com:8443/", true],
    ["api.example.com", "https://api.example.com./", false],
    ["api.example.com", "https://api.example.com.evil.test/", false],
    ["api.example.com", "https://xapi.example.com/", false],
    ["*.example.com", "https://a.b.example.com/", true],
    ["*.example.com", "https://example.com/", false],
    ["*.example.com", "https://evilexample.com/", false],
    ["*.example.com", "http://a.example.com/", false],
    ["http://*.example.com", "http://a.example.com/", true],
    ["http://127.0.0.1:3000", "http://127.0.0.1:3000/", true],
    ["http://127.0.0.1:3000", "http://127.0.0.1:3001/", false],
    ["[2606:4700::1]", "https://[2606:4700::1]/", true],
  ];
  for (const [entry, url, expected] of MATCHES) {
    test(`${entry} ${expected ? "is" : "is not"} ${url}`, async () => {
      await startWithKey({ hosts: [entry] });
      const { fetch } = served!.host.current.chains;
      const event = {
        script: "shop",
        id: "i1",
        method: "GET",
        url: new URL(url),
        headers: new Headers({ authorization: "{{secret:KEY}}" }),
        hop: 0,
        sameOrigin: true,
        state: new Map(),
        conceal() {},
      };
      const error = await fetch?.(event).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error === undefined).toBe(expected);
    });
  }
});
