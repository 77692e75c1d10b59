/** Plugins in an outgoing request: what they change goes out, what they refuse does not, and the script sees neither. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { Server } from "bun";
import type { FetchEvent } from "../../../sdk/plugin.ts";
import { ProblemError } from "../../../sdk/errors.ts";
import type { FetchContext } from "../../../core/fetch/fetch.ts";
import { CLOSED, failure, go, header, text } from "./servers.ts";

let first: Server<undefined>;
let second: Server<undefined>;
let seen: { readonly url: string; readonly headers: Readonly<Record<string, string>> }[] = [];

/** `?to=…` redirects, and repeats the request's `x-key` in a header; everything else answers what it saw. */
function serve(request: Request): Response {
  seen.push({ url: request.url, headers: Object.fromEntries(request.headers) });
  const url = new URL(request.url);
  const to = url.searchParams.get("to");
  const headers = new Headers({ "x-echo": `key=${request.headers.get("x-key")} url=${request.url}` });
  if (to === null) return Response.json(seen.at(-1), { headers });
  headers.set("location", to.replace("KEY", url.searchParams.get("key") ?? ""));
  return new Response("moved", { status: 302, headers });
}

beforeAll(() => {
  first = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: serve });
  second = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: serve });
});
afterEach(() => void (seen = []));
afterAll(async () => {
  await first.stop(true);
  await second.stop(true);
});

const at = (server: Server<undefined>, path = "/end"): string => `http://127.0.0.1:${server.port}${path}`;
const hooked = (run: (event: FetchEvent) => void | Promise<void>): Partial<FetchContext> => ({
  hook: { script: "shop", id: "i1", run: async (event) => run(event) },
});

describe("a hook", () => {
  test("is told who sends what where, before each hop, with one state for all of them", async () => {
    const events: FetchEvent[] = [];
    await go(
      `${at(first, "/a")}?to=${encodeURIComponent(at(second))}`,
      {},
      hooked((event) => void events.push(event)),
    );
    expect(
      events.map(({ script, id, method, hop, sameOrigin, url }) => [script, id, method, hop, sameOrigin, url.port]),
    ).toEqual([
      ["shop", "i1", "GET", 0, true, String(first.port)],
      ["shop", "i1", "GET", 1, false, String(second.port)],
    ]);
    expect(events[0]?.state).toBe(events[1]!.state);
  });

  test("changes path, query and headers of what goes out, and not of what the script sees", async () => {
    const answer = await go(
      `${at(first, "/a")}?b=1`,
      { headers: ["x-one", "1"] },
      hooked((event) => {
        event.url.pathname = "/other";
        event.url.search = "?key=k";
        event.headers.set("x-key", "value");
        event.headers.delete("x-one");
      }),
    );
    expect(seen[0]?.url).toBe(`${at(first, "/other")}?key=k`);
    expect(seen[0]?.headers).toMatchObject({ "x-key": "value" });
    expect(seen[0]?.headers["x-one"]).toBeUndefined();
    expect(answer.url).toBe(`${at(first, "/a")}?b=1`);
  });

  test("works on each hop anew: what it put in does not go along by itself", async () => {
    await go(
      `${at(first, "/a")}?to=/end`,
      {},
      hooked((event) => {
        if (event.hop === 0) event.headers.set("x-key", "value");
      }),
    );
    expect(seen.map(({ headers }) => headers["x-key"])).toEqual(["value", undefined]);
  });

  test("knows a request that has left its origin for good, also when it comes back", async () => {
    const same: boolean[] = [];
    const back = `${at(second)}?to=${encodeURIComponent(at(first))}`;
    await go(
      `${at(first, "/a")}?to=${encodeURIComponent(back)}`,
      {},
      hooked((event) => void same.push(event.sameOrigin)),
    );
    expect(same).toEqual([true, false, false]);
  });

  test("is asked only after the guard let the host pass", async () => {
    let asked = 0;
    const error = await failure(go(at(first), {}, { ...hooked(() => void asked++), policy: CLOSED }));
    expect(error.code).toBe("fetch_blocked");
    expect(asked).toBe(0);
  });

  test("that throws a problem refuses the request with its sentence, and nothing is sent", async () => {
    const error = await failure(
      go(
        at(first),
        {},
        hooked(() => {
          throw new ProblemError("fetch_blocked", "not on Sundays");
        }),
      ),
    );
    expect(error).toMatchObject({ code: "fetch_blocked", detail: "not on Sundays" });
    expect(seen).toEqual([]);
  });

  test("that hangs is left alone at the deadline", async () => {
    const error = await failure(go(at(first), {}, { ...hooked(() => new Promise<void>(() => {})), timeoutMs: 50 }));
    expect(error.code).toBe("deadline_exceeded");
    expect(seen).toEqual([]);
  });
});

describe("closed doors", () => {
  const MOVES: readonly [string, (url: URL) => void][] = [
    ["host", (url) => (url.hostname = "localhost")],
    ["port", (url) => (url.port = String(second.port))],
    ["scheme", (url) => (url.protocol = "https:")],
    ["user", (url) => (url.username = "me")],
    ["password", (url) => (url.password = "x")],
  ];
  for (const [what, move] of MOVES) {
    test(`a hook cannot move a request to another ${what}: the guard has decided`, async () => {
      const error = await failure(
        go(
          at(first),
          {},
          hooked((event) => move(event.url)),
        ),
      );
      expect(error.message).toContain("changed where a request goes");
      expect(seen).toEqual([]);
    });
  }

  test("a hook's headers are checked as a script's are: framing stays the engine's", async () => {
    await go(
      at(first),
      {},
      hooked((event) => {
        event.headers.set("host", "evil.test");
        event.headers.set("transfer-encoding", "chunked");
        event.headers.set("proxy-authorization", "x");
      }),
    );
    expect(seen[0]?.headers).toMatchObject({ host: `127.0.0.1:${first.port}` });
    expect(Object.keys(seen[0]!.headers)).not.toContain("proxy-authorization");
    expect(Object.keys(seen[0]!.headers)).not.toContain("transfer-encoding");
  });
});

describe("what a hook conceals", () => {
  const VALUE = "k&y/1é";
  const conceal = hooked((event) => {
    event.conceal(VALUE, "{KEY}");
    if (event.hop === 0) event.url.searchParams.set("key", VALUE);
  });

  test("is not in the headers of an answer that repeats it, as it is or percent-encoded", async () => {
    const answer = await go(at(first), { headers: ["x-key", "none"] }, conceal);
    expect(header(answer.headers, "x-echo")).toContain("key={KEY}");
    expect(JSON.stringify(answer)).not.toContain(encodeURIComponent(VALUE));
    expect(await text(answer.body)).toContain(encodeURIComponent(VALUE));
  });

  test("is not in the URL or the Location of a redirect that repeats it", async () => {
    const to = `${at(first, "/a")}?to=${encodeURIComponent("/next?again=KEY")}`;
    const manual = await go(
      to,
      { redirect: "manual" },
      hooked((event) => {
        event.conceal("s3cret!", "{KEY}");
        event.url.searchParams.set("key", "s3cret!");
      }),
    );
    expect(header(manual.headers, "location")).toBe("/next?again={KEY}");
    const followed = await go(
      to,
      {},
      hooked((event) => {
        event.conceal("s3cret!", "{KEY}");
        if (event.hop === 0) event.url.searchParams.set("key", "s3cret!");
      }),
    );
    expect(followed.url).toBe(at(first, "/next?again={KEY}"));
    expect(seen.at(-1)?.url).toBe(at(first, "/next?again=s3cret!"));
  });
});
