/** Redirects: followed by hand, by the standard's rules, and without a secret crossing to another origin. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Server } from "bun";
import { CLOSED, failure, go, header, text } from "./servers.ts";

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

let first: Server<undefined>;
let second: Server<undefined>;
let seen: Seen[] = [];

/** `/to?status=302&url=…` redirects; everything else answers what it saw. */
async function serve(request: Request): Promise<Response> {
  const url = new URL(request.url);
  const it = {
    method: request.method,
    path: url.pathname,
    headers: Object.fromEntries(request.headers),
    body: await request.text(),
  };
  seen.push(it);
  const location = url.searchParams.get("url");
  if (location === null) return Response.json(it);
  const status = Number(url.searchParams.get("status") ?? 302);
  return new Response("moved", { status, headers: { location } });
}

beforeAll(() => {
  first = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: serve });
  second = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: serve });
});
afterAll(async () => {
  await first.stop(true);
  await second.stop(true);
});

const at = (server: Server<undefined>, path = "/end") => `http://127.0.0.1:${server.port}${path}`;
const redirect = (to: string, status = 302) => at(first, `/to?status=${status}&url=${encodeURIComponent(to)}`);

async function end(url: string, changes = {}): Promise<Seen> {
  seen = [];
  const answer = await go(url, changes);
  expect(answer.status).toBe(200);
  return JSON.parse(await text(answer.body)) as Seen;
}

const SECRETS = [
  ["authorization", "Bearer secret"],
  ["cookie", "sid=secret"],
  ["x-api-key", "secret"],
  ["x-anything", "secret"],
] as const;

describe("headers", () => {
  const headers = [...SECRETS.flat(), "accept-language", "de", "user-agent", "me"];

  test("all of them stay within one origin", async () => {
    const last = await end(redirect("/end"), { headers });
    for (const [name, value] of SECRETS) expect(last.headers[name]).toBe(value);
  });

  test("none that may be secret crosses to another origin", async () => {
    const last = await end(redirect(at(second)), { headers });
    for (const [name] of SECRETS) expect(last.headers[name]).toBeUndefined();
    expect(last.headers["accept-language"]).toBe("de");
    expect(last.headers["user-agent"]).toBe("me");
    expect(JSON.stringify(seen.at(-1))).not.toContain("secret");
  });

  test("another name of the same server is another origin", async () => {
    seen = [];
    const to = `http://other.test:${first.port}/end`;
    await go(redirect(to), { headers }, { resolve: async () => ["127.0.0.1"] });
    expect(JSON.stringify(seen.at(-1))).not.toContain("secret");
  });

  test("what was dropped does not come back with the first origin", async () => {
    const back = `${at(second)}?url=${encodeURIComponent(at(first))}`;
    expect(JSON.stringify(await end(redirect(back), { headers }))).not.toContain("secret");
  });
});

describe("methods and bodies", () => {
  const body = new TextEncoder().encode("data");
  const post = { method: "POST", body, headers: ["content-type", "text/plain", "content-language", "de"] };
  const CASES: [number, string, string, boolean][] = [
    [301, "POST", "GET", false],
    [302, "POST", "GET", false],
    [303, "POST", "GET", false],
    [303, "PUT", "GET", false],
    [307, "POST", "POST", true],
    [308, "POST", "POST", true],
    [302, "PUT", "PUT", true],
  ];
  for (const [status, method, becomes, keeps] of CASES) {
    test(`${status} turns ${method} into ${becomes} ${keeps ? "with" : "without"} its body`, async () => {
      const last = await end(redirect("/end", status), { ...post, method });
      expect(last.method).toBe(becomes);
      expect(last.body).toBe(keeps ? "data" : "");
      expect(last.headers["content-type"]).toBe(keeps ? "text/plain" : undefined);
      expect(last.headers["content-language"]).toBe(keeps ? "de" : undefined);
    });
  }

  test("HEAD stays HEAD over a 303", async () => {
    seen = [];
    expect((await go(redirect("/end", 303), { method: "HEAD" })).body).toBeNull();
    expect(seen.map((it) => it.method)).toEqual(["HEAD", "HEAD"]);
  });

  test("a streamed body is not sent twice: 307 is a network error, 303 goes on without it", async () => {
    const stream = () => new Blob(["data"]).stream();
    const error = await failure(go(redirect("/end", 307), { method: "POST", body: stream() }));
    expect(error.name).toBe("NetworkError");
    expect((await end(redirect("/end", 303), { method: "POST", body: stream() })).method).toBe("GET");
  });
});

describe("how far", () => {
  function chain(length: number): string {
    let url = at(first);
    for (let i = 0; i < length; i++) url = redirect(url);
    return url;
  }

  test("five hops are followed, and the answer tells its own URL without the fragment", async () => {
    const answer = await go(chain(5));
    expect(answer.redirected).toBe(true);
    expect(answer.url).toBe(at(first));
    expect((await go(redirect("/end#there"))).url).toBe(at(first));
  });

  test("the sixth is a network error", async () => {
    expect((await failure(go(chain(6)))).message).toContain("more than 5 redirects");
  });

  test("a circle ends", async () => {
    seen = [];
    await failure(go(`${at(first, "/circle")}?url=${encodeURIComponent("/circle?url=/circle%3Furl%3D/x")}`)).catch(
      () => null,
    );
    const loop = Bun.serve({ port: 0, fetch: (request) => Response.redirect(request.url, 302) });
    try {
      expect((await failure(go(`http://127.0.0.1:${loop.port}/`))).message).toContain("redirects");
    } finally {
      await loop.stop(true);
    }
  });

  test("manual gives the redirect itself", async () => {
    const answer = await go(redirect(at(second)), { redirect: "manual" });
    expect(answer.status).toBe(302);
    expect(header(answer.headers, "location")).toBe(at(second));
    expect(answer.redirected).toBe(false);
    expect(await text(answer.body)).toBe("moved");
  });

  test("error makes a redirect a network error", async () => {
    expect((await failure(go(redirect("/end"), { redirect: "error" }))).name).toBe("NetworkError");
  });

  test("a redirect without a Location is an answer", async () => {
    const plain = Bun.serve({ port: 0, fetch: () => new Response("here", { status: 302 }) });
    try {
      expect(await text((await go(`http://127.0.0.1:${plain.port}/`)).body)).toBe("here");
    } finally {
      await plain.stop(true);
    }
  });
});

describe("every hop is checked anew", () => {
  const policy = { ...CLOSED, allowHosts: ["start.test"] };
  const resolve = async (host: string) => [host === "start.test" ? "127.0.0.1" : "10.0.0.1"];
  const start = (to: string) => `http://start.test:${first.port}/to?url=${encodeURIComponent(to)}`;
  const CLOSED_DOORS = [
    "http://127.0.0.1:80/",
    "http://2130706433/",
    "http://inside.test/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:127.0.0.1]/",
    "//127.0.0.1/",
    "file:///etc/passwd",
    "data:text/plain,x",
    "http://user:pass@start.test/",
    "http://start.test:22/",
  ];
  for (const to of CLOSED_DOORS) {
    test(`a redirect to ${to} is refused`, async () => {
      expect((await failure(go(start(to), {}, { policy, resolve }))).code).toBe("fetch_blocked");
    });
  }

  test("a script's hosts hold for every hop", async () => {
    const where = { hosts: ["127.0.0.1"], resolve: async () => ["127.0.0.1"] };
    const error = await failure(go(redirect(`http://elsewhere.test:${second.port}/`), {}, where));
    expect(error.code).toBe("fetch_blocked");
  });
});
