/** Doors that stay closed: the ways around a guard against server-side request forgery. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CLOSED, OPEN, answering, failure, go, rawServer, text, type RawServer } from "./servers.ts";

let inside: RawServer;

beforeAll(async () => {
  inside = await answering("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
});
afterAll(() => inside.close());

/** Names of a hostile zone. */
const ZONE: Readonly<Record<string, readonly string[]>> = {
  "loopback.test": ["127.0.0.1"],
  "private.test": ["10.0.0.5"],
  "metadata.test": ["169.254.169.254"],
  "mapped.test": ["::ffff:127.0.0.1"],
  "mixed.test": ["8.8.8.8", "127.0.0.1"],
  "nat64.test": ["64:ff9b::7f00:1"],
  "six.test": ["::1"],
  "unspecified.test": ["0.0.0.0"],
  "garbage.test": ["localhost"],
  "old-spelling.test": ["127.1"],
};

const resolve = async (host: string) => ZONE[host] ?? ["127.0.0.1"];

describe("with the default policy no spelling reaches this machine or its network", () => {
  const FORMS = [
    "http://127.0.0.1:PORT/",
    "http://127.0.0.2:PORT/",
    "http://localhost:PORT/",
    "http://LOCALHOST:PORT/",
    "http://localhost.:PORT/",
    "http://localhost.localdomain:PORT/",
    "http://sub.localhost:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f000001:PORT/",
    "http://0x7f.0.0.1:PORT/",
    "http://0x7f.1:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://017700000001:PORT/",
    "http://0:PORT/",
    "http://0.0.0.0:PORT/",
    "http://１２７.０.０.１:PORT/",
    "http://①②⑦.⓪.⓪.①:PORT/",
    "http://127。0。0。1:PORT/",
    "http://%31%32%37.0.0.1:PORT/",
    "http://[::1]:PORT/",
    "http://[0:0:0:0:0:0:0:1]:PORT/",
    "http://[::]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[64:ff9b::127.0.0.1]:PORT/",
    "http://[2002:7f00:1::]:PORT/",
    "http://[2001:0:7f00:1::]:PORT/",
    "http://[fe80::1]:PORT/",
    "http://[fd00::1]:PORT/",
    "http://10.0.0.1:PORT/",
    "http://192.168.0.1:PORT/",
    "http://172.16.0.1:PORT/",
    "http://100.64.0.1:PORT/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://255.255.255.255:PORT/",
    "http://224.0.0.1:PORT/",
    ...Object.keys(ZONE).map((name) => `http://${name}:PORT/`),
    "http:\\\\127.0.0.1:PORT\\",
    "http:127.0.0.1:PORT/",
    "http:///127.0.0.1:PORT/",
    "\n http://127.0.0.1:PORT/\t",
    "http://public.test#@127.0.0.1:PORT/",
    "http://public.test\\@127.0.0.1:PORT/",
  ];
  for (const form of FORMS) {
    test(JSON.stringify(form), async () => {
      const url = form.replace("PORT", String(inside.port));
      const error = await failure(go(url, {}, { policy: CLOSED, resolve }));
      expect(error.code).toBe("fetch_blocked");
    });
  }

  test("no connection was made by any of them", () => {
    expect(inside.connections()).toBe(0);
  });

  test("the refusal does not say what a name of the inside resolves to", async () => {
    const error = await failure(go("http://private.test/", {}, { policy: CLOSED, resolve }));
    expect(error.message).not.toContain("10.0.0.5");
  });
});

describe("URLs that are refused whatever the policy", () => {
  const FORMS: [string, string][] = [
    ["file:///etc/passwd", "fetch_blocked"],
    ["ftp://127.0.0.1/", "fetch_blocked"],
    ["gopher://127.0.0.1:6379/_x", "fetch_blocked"],
    ["data:text/plain,x", "fetch_blocked"],
    ["blob:http://a/b", "fetch_blocked"],
    ["unix:/run/x.sock", "fetch_blocked"],
    ["ws://127.0.0.1/", "fetch_blocked"],
    ["http://user@127.0.0.1/", "fetch_blocked"],
    ["http://:secret@127.0.0.1/", "fetch_blocked"],
    ["http://127.0.0.1:25/", "fetch_blocked"],
    ["http://127.0.0.1:22/", "fetch_blocked"],
    ["https://127.0.0.1:6667/", "fetch_blocked"],
    ["http://a../", "fetch_blocked"],
    [`http://${"a.".repeat(200)}test/`, "fetch_blocked"],
    ["http://169.254.169.254/", "fetch_blocked"],
    ["http://[::ffff:169.254.169.254]/", "fetch_blocked"],
    ["/relative", "bad_request"],
    ["", "bad_request"],
    ["http://", "bad_request"],
    ["http://1.2.3.256/", "bad_request"],
    ["http://[::1", "bad_request"],
    ["http://a b/", "bad_request"],
    [`http://127.0.0.1/${"x".repeat(20_000)}`, "bad_request"],
  ];
  for (const [url, code] of FORMS) {
    test(`${url.slice(0, 50)} is ${code}`, async () => {
      expect((await failure(go(url, {}, { resolve }))).code).toBe(code);
    });
  }

  test("a password in a URL is not repeated in the refusal", async () => {
    const error = await failure(go("http://user:hunter2@127.0.0.1/", {}));
    expect(error.message).not.toContain("hunter2");
  });
});

describe("rebinding", () => {
  test("a name is resolved once, and the connection goes to the address that was checked", async () => {
    let calls = 0;
    const elsewhere = await answering("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nchecked", "127.0.0.3");
    try {
      // The second answer would lead to the server on 127.0.0.1.
      const rebinding = async () => (calls++ === 0 ? ["127.0.0.3"] : ["127.0.0.1"]);
      const answer = await go(`http://rebind.test:${elsewhere.port}/`, {}, { resolve: rebinding });
      expect(await text(answer.body)).toBe("checked");
      expect(calls).toBe(1);
    } finally {
      elsewhere.close();
    }
  });

  test("a name that turns private between two hops is refused at the second", async () => {
    let calls = 0;
    const redirecting = await answering(
      "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
      "127.0.0.4",
    );
    try {
      const policy = { ...CLOSED, allowHosts: ["127.0.0.4"] };
      const rebinding = async () => (calls++ === 0 ? ["127.0.0.4"] : ["127.0.0.1"]);
      const error = await failure(go(`http://rebind.test:${redirecting.port}/`, {}, { policy, resolve: rebinding }));
      expect(error.code).toBe("fetch_blocked");
      expect(calls).toBe(2);
      expect(redirecting.connections()).toBe(1);
    } finally {
      redirecting.close();
    }
  });

  test("an address that does not answer gives way to the next one that was checked", async () => {
    const answer = await go(`http://two.test:${inside.port}/`, {}, { resolve: async () => ["127.0.0.9", "127.0.0.1"] });
    expect(await text(answer.body)).toBe("secret");
  });

  test("an answer of a resolver without addresses is a network error", async () => {
    const error = await failure(go("http://none.test/", {}, { resolve: async () => [] }));
    expect(error.name).toBe("NetworkError");
  });
});

describe("the lists of the config", () => {
  const url = (host: string) => `http://${host}:${inside.port}/`;

  test("denyHosts beats allowPrivate, by name and by the address behind a name", async () => {
    const byName = { ...OPEN, denyHosts: ["*.inner.test"] };
    expect((await failure(go(url("a.inner.test"), {}, { policy: byName, resolve }))).code).toBe("fetch_blocked");
    const byRange = { ...OPEN, denyHosts: ["127.0.0.0/8"] };
    expect((await failure(go(url("loopback.test"), {}, { policy: byRange, resolve }))).code).toBe("fetch_blocked");
    for (const host of ["0x7f.1", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "mapped.test", "mixed.test"]) {
      expect((await failure(go(url(host), {}, { policy: byRange, resolve }))).code).toBe("fetch_blocked");
    }
  });

  test("allowHosts opens a private host by name, and no other", async () => {
    const policy = { ...CLOSED, allowHosts: ["loopback.test"] };
    expect(await text((await go(url("loopback.test"), {}, { policy, resolve })).body)).toBe("secret");
    expect(await text((await go(url("LOOPBACK.test."), {}, { policy, resolve })).body)).toBe("secret");
    expect((await failure(go(url("mixed.test"), {}, { policy, resolve }))).code).toBe("fetch_blocked");
    expect((await failure(go(url("127.0.0.1"), {}, { policy, resolve }))).code).toBe("fetch_blocked");
  });

  test("a name in allowHosts does not open a metadata service", async () => {
    const policy = { ...OPEN, allowHosts: ["metadata.test", "169.254.0.0/16"] };
    expect((await failure(go("http://metadata.test/", {}, { policy, resolve }))).code).toBe("fetch_blocked");
  });

  test("a script's hosts narrow what it reaches, before any look-up", async () => {
    const asked: string[] = [];
    const counting = async (host: string) => {
      asked.push(host);
      return ["127.0.0.1"];
    };
    const where = { hosts: ["api.test", "127.0.0.1"], resolve: counting };
    expect(await text((await go(url("api.test"), {}, where)).body)).toBe("secret");
    expect(await text((await go(url("127.0.0.1"), {}, where)).body)).toBe("secret");
    expect((await failure(go(url("data-carried-out.evil.test"), {}, where))).code).toBe("fetch_blocked");
    expect(asked).toEqual(["api.test"]);
  });

  test("a script's hosts open nothing that the policy closes", async () => {
    const where = { policy: CLOSED, hosts: ["127.0.0.1"] };
    expect((await failure(go(url("127.0.0.1"), {}, where))).code).toBe("fetch_blocked");
  });

  test("an entry that cannot be read closes the door", async () => {
    const policy = { ...OPEN, denyHosts: ["10.0.0.0/99"] };
    const error = await failure(go(url("127.0.0.1"), {}, { policy }));
    expect(error.code).toBe("internal");
  });
});

test("proxies of the environment are not used", async () => {
  const trap = await answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy");
  const names = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NODE_USE_ENV_PROXY"];
  const before = names.map((name) => process.env[name]);
  try {
    for (const name of names) process.env[name] = name === "NODE_USE_ENV_PROXY" ? "1" : `http://127.0.0.1:${trap.port}`;
    const answer = await go(`http://name.test:${inside.port}/`, {}, { resolve });
    expect(await text(answer.body)).toBe("secret");
    expect(trap.connections()).toBe(0);
  } finally {
    for (const [i, name] of names.entries()) {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    }
    trap.close();
  }
});

test("every request has a connection of its own", async () => {
  const keeping = await rawServer((socket) => {
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"));
  });
  try {
    for (let i = 0; i < 3; i++) await text((await go(`http://127.0.0.1:${keeping.port}/`)).body);
    expect(keeping.connections()).toBe(3);
  } finally {
    keeping.close();
  }
});
