/** What every store behind the `kv` service must do; run here against SQLite. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import plugin from "../../plugins/kv/index.ts";
import { createKv, type Kv, type KvLimits } from "../../plugins/kv/service.ts";
import { ProblemError, type Json } from "../../sdk/plugin.ts";
import { serve, serviceCall } from "./harness.ts";

let dataDir: string;
let kv: Kv;
let clock: number;
let reported: { error: unknown; script: string }[];

function start(limits?: Partial<KvLimits>): Kv {
  return createKv({
    dataDir,
    now: () => clock,
    ...(limits && { limits }),
    onError: (error, script) => reported.push({ error, script }),
  });
}

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "kv-"));
  clock = 1_000_000;
  reported = [];
  kv = start();
});

afterEach(() => {
  kv.dispose();
  rmSync(dataDir, { recursive: true, force: true });
});

type List = { entries: { key: string; value: Json }[]; next?: string };

async function call(method: string, ...args: unknown[]): Promise<Json | undefined | void> {
  return callAs("shop", method, ...args);
}

async function callAs(script: string, method: string, ...args: unknown[]): Promise<Json | undefined | void> {
  return kv.methods[method]!(serviceCall(script), ...(args as Json[]));
}

async function list(options?: object): Promise<List> {
  return (await call("list", options)) as unknown as List;
}

async function keys(options?: object): Promise<string[]> {
  return (await list(options)).entries.map((entry) => entry.key);
}

async function problem(promise: Promise<unknown>): Promise<ProblemError> {
  const error = await promise.then(
    (value) => new Error(`it was accepted and gave ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProblemError)) throw error;
  return error;
}

describe("values", () => {
  const samples: [string, Json][] = [
    ["a string", "text"],
    ["an empty string", ""],
    ["zero", 0],
    ["false", false],
    ["a list", [1, [2, null], "3"]],
    ["an object in its own order", { b: 1, a: { z: null } }],
    ["text with NUL, surrogates and emoji", "\u0000 \ud800 😀"],
    ["a member named __proto__", JSON.parse('{"__proto__":{"polluted":true}}') as Json],
  ];
  for (const [what, value] of samples) {
    test(`${what} comes back as it was written`, async () => {
      expect(await call("set", "k", value)).toBeUndefined();
      expect(JSON.stringify(await call("get", "k"))).toBe(JSON.stringify(value));
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    });
  }

  test("an absent key is null", async () => {
    expect(await call("get", "nothing")).toBeNull();
  });

  test("a second write replaces the first", async () => {
    await call("set", "k", 1);
    await call("set", "k", { two: 2 });
    expect(await call("get", "k")).toEqual({ two: 2 });
  });

  test("setting null deletes", async () => {
    await call("set", "k", 1);
    await call("set", "k", null);
    expect(await keys()).toEqual([]);
  });

  test("delete says whether there was an entry", async () => {
    await call("set", "k", 1);
    expect(await call("delete", "k")).toBe(true);
    expect(await call("delete", "k")).toBe(false);
  });

  test("a value of exactly 1 MiB as JSON is taken and one byte more is refused", async () => {
    await call("set", "k", "x".repeat(1_048_576 - 2));
    expect(((await call("get", "k")) as string).length).toBe(1_048_574);
    const error = await problem(call("set", "k", "x".repeat(1_048_576 - 1)));
    expect(error.code).toBe("bad_request");
    expect(error.detail).toContain("1048576");
  });

  test("values outlive the engine", async () => {
    await call("set", "k", [1]);
    kv.dispose();
    kv = start();
    expect(await call("get", "k")).toEqual([1]);
  });
});

describe("hostile arguments", () => {
  const deep = JSON.parse("[".repeat(5000) + "]".repeat(5000)) as Json;
  const refused: [string, string, unknown[]][] = [
    ["no key", "get", []],
    ["an empty key", "get", [""]],
    ["a number as key", "get", [1]],
    ["a list as key", "get", [["a"]]],
    ["an object as key", "delete", [{ toString: "x" }]],
    ["a key of 1,025 bytes", "set", ["x".repeat(1025), 1]],
    ["a key of 1,026 bytes in 342 characters", "set", ["€".repeat(342), 1]],
    ["a key with NUL", "set", ["a\u0000b", 1]],
    ["a key with a line break", "set", ["a\nb", 1]],
    ["a key with DEL", "set", ["a\u007f", 1]],
    ["a key with a C1 control", "set", ["a\u0085", 1]],
    ["a key with a lone surrogate", "set", ["a\ud800", 1]],
    ["no value", "set", ["k"]],
    ["a value nested 5,000 deep", "set", ["k", deep]],
    ["an expected value nested 5,000 deep", "compareAndSet", ["k", deep, 1]],
    ["options that are a list", "set", ["k", 1, []]],
    ["options that are text", "set", ["k", 1, "ttl"]],
    ["an unknown option", "set", ["k", 1, { ttl: 5 }]],
    ["ttlMs of 0", "set", ["k", 1, { ttlMs: 0 }]],
    ["ttlMs below 0", "set", ["k", 1, { ttlMs: -1 }]],
    ["ttlMs as text", "set", ["k", 1, { ttlMs: "5" }]],
    ["ttlMs of a million years", "set", ["k", 1, { ttlMs: 3.2e16 }]],
    ["an increment by text", "increment", ["k", "1"]],
    ["an increment by a list", "increment", ["k", [1]]],
    ["a limit of 0", "list", [{ limit: 0 }]],
    ["a limit of 1,001", "list", [{ limit: 1001 }]],
    ["a limit of a half", "list", [{ limit: 1.5 }]],
    ["a prefix that is no text", "list", [{ prefix: 1 }]],
    ["a prefix of 1,025 bytes", "list", [{ prefix: "x".repeat(1025) }]],
    ["an empty `after`", "list", [{ after: "" }]],
  ];
  for (const [what, method, args] of refused) {
    test(`${method} refuses ${what}`, async () => {
      const error = await problem(call(method, ...args));
      expect(error.code).toBe("bad_request");
      expect(error.detail).toStartWith("kv: ");
    });
  }

  test("a refused call changes nothing and creates no file", async () => {
    await problem(call("set", "", 1));
    expect(existsSync(join(dataDir, "scripts"))).toBe(false);
    expect(reported).toEqual([]);
  });

  for (const name of ["../shop", "", ".", "shop/../other", "Shop", "-shop", "a\u0000b", "a".repeat(101), "ä"]) {
    test(`a script named ${JSON.stringify(name.slice(0, 12))} has no store`, async () => {
      expect((await problem(callAs(name, "get", "k"))).code).toBe("bad_request");
      expect(existsSync(join(dataDir, "scripts"))).toBe(false);
    });
  }

  test("keys are data, never SQL", async () => {
    const key = "'; drop table entries; --";
    await call("set", key, 1);
    expect(await call("get", key)).toBe(1);
    expect(await keys({ prefix: "'; drop" })).toEqual([key]);
  });
});

describe("scripts", () => {
  test("one script sees nothing of another", async () => {
    await callAs("shop", "set", "k", "shop");
    await callAs("blog", "set", "k", "blog");
    expect(await callAs("shop", "get", "k")).toBe("shop");
    await callAs("blog", "delete", "k");
    expect(await callAs("shop", "get", "k")).toBe("shop");
    expect(await callAs("news", "list")).toEqual({ entries: [] });
  });

  test("each has its own file under its name", async () => {
    await callAs("shop", "set", "k", 1);
    expect(statSync(join(dataDir, "scripts", "shop", "kv")).isFile()).toBe(true);
  });

  test("more scripts than open databases lose nothing", async () => {
    kv.dispose();
    kv = start({ openDatabases: 2 });
    for (let i = 0; i < 8; i++) await callAs(`s${i}`, "set", "k", i);
    for (let i = 0; i < 8; i++) expect(await callAs(`s${i}`, "get", "k")).toBe(i);
    expect(reported).toEqual([]);
  });

  test("a closed database leaves no write-ahead log behind", async () => {
    await callAs("shop", "set", "k", 1);
    kv.close("shop");
    expect(existsSync(join(dataDir, "scripts", "shop", "kv-wal"))).toBe(false);
    expect(reported).toEqual([]);
    expect(await callAs("shop", "get", "k")).toBe(1);
  });

  test("calls after the end are refused", async () => {
    kv.dispose();
    expect((await problem(call("get", "k"))).code).toBe("not_ready");
  });
});

describe("expiry", () => {
  test("an entry is visible until its time and never after", async () => {
    await call("set", "k", 1, { ttlMs: 1000 });
    clock += 999;
    expect(await call("get", "k")).toBe(1);
    clock += 1;
    expect(await call("get", "k")).toBeNull();
    expect(await keys()).toEqual([]);
    expect(await call("delete", "k")).toBe(false);
    expect(await call("compareAndSet", "k", 1, 2)).toBe(false);
    expect(await call("increment", "k")).toBe(1);
  });

  test("a write without ttlMs takes the expiry away", async () => {
    await call("set", "k", 1, { ttlMs: 10 });
    await call("set", "k", 2);
    clock += 1000;
    expect(await call("get", "k")).toBe(2);
  });

  test("compareAndSet sets an expiry", async () => {
    expect(await call("compareAndSet", "lock", null, "me", { ttlMs: 10 })).toBe(true);
    clock += 10;
    expect(await call("compareAndSet", "lock", null, "you")).toBe(true);
  });

  test("an expired entry can be written anew without an expiry", async () => {
    await call("increment", "k", 5, { ttlMs: 10 });
    clock += 10;
    await call("increment", "k", 1);
    clock += 1000;
    expect(await call("get", "k")).toBe(1);
  });

  test("writes sweep expired entries from the file, a few at a time", async () => {
    for (let i = 0; i < 40; i++) await call("set", `old${i}`, i, { ttlMs: 5 });
    clock += 5;
    const rows = () => {
      const database = new Database(join(dataDir, "scripts", "shop", "kv"), { readonly: true });
      const row = database.query<{ n: number }, []>("select count(*) as n from entries").get();
      database.close();
      return row!.n;
    };
    await call("set", "new", 1);
    expect(rows()).toBe(40 - 8 + 1);
    for (let i = 0; i < 4; i++) await call("set", "new", i);
    expect(rows()).toBe(1);
  });
});

describe("list", () => {
  test("gives keys in the order of their bytes", async () => {
    // U+FF5E sorts before U+1F600 by code point and after it by UTF-16 unit.
    const all = ["\u{1f600}", "～", "é", "b", "a/2", "a", "A", "a/10", "~"];
    for (const key of all) await call("set", key, 1);
    expect(await keys()).toEqual(["A", "a", "a/10", "a/2", "b", "~", "é", "～", "\u{1f600}"]);
  });

  test("a prefix is literal: no wildcards, and nothing beside it", async () => {
    for (const key of ["a", "a%", "a%b", "a_", "ab", "b", "a\u{10ffff}", "a\u{10ffff}z"]) await call("set", key, 1);
    expect(await keys({ prefix: "a%" })).toEqual(["a%", "a%b"]);
    expect(await keys({ prefix: "a_" })).toEqual(["a_"]);
    expect(await keys({ prefix: "a\u{10ffff}" })).toEqual(["a\u{10ffff}", "a\u{10ffff}z"]);
    expect(await keys({ prefix: "c" })).toEqual([]);
    expect(await keys({ prefix: "" })).toHaveLength(8);
  });

  test("the greatest possible key and the edge before the surrogates are found", async () => {
    const greatest = "\u{10ffff}".repeat(256);
    for (const key of [greatest, "\ud7ffx", "\ue000"]) await call("set", key, 1);
    expect(await keys()).toEqual(["\ud7ffx", "\ue000", greatest]);
    expect(await keys({ prefix: "\u{10ffff}" })).toEqual([greatest]);
    expect(await keys({ prefix: "\ud7ff" })).toEqual(["\ud7ffx"]);
  });

  test("pages through everything exactly once, also while entries vanish", async () => {
    for (let i = 0; i < 25; i++) await call("set", `p/${String(i).padStart(2, "0")}`, i);
    await call("set", "q", 0);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await list({ prefix: "p/", limit: 10, ...(after !== undefined && { after }) });
      seen.push(...page.entries.map((entry) => entry.key));
      after = page.next;
      if (after !== undefined) await call("delete", after);
    } while (after !== undefined);
    expect(seen).toHaveLength(25);
    expect(new Set(seen).size).toBe(25);
  });

  test("a full last page has no next", async () => {
    for (const key of ["a", "b"]) await call("set", key, 1);
    expect(await list({ limit: 2 })).toEqual({
      entries: [
        { key: "a", value: 1 },
        { key: "b", value: 1 },
      ],
    });
  });

  test("`after` before the prefix does not widen the range", async () => {
    for (const key of ["a", "b1", "b2", "c"]) await call("set", key, 1);
    expect(await keys({ prefix: "b", after: "a" })).toEqual(["b1", "b2"]);
    expect(await keys({ prefix: "b", after: "b1" })).toEqual(["b2"]);
    expect(await keys({ prefix: "b", after: "c" })).toEqual([]);
  });

  test("gives 100 entries unless asked for more", async () => {
    for (let i = 0; i < 120; i++) await call("set", `k${i}`, i);
    expect(await keys()).toHaveLength(100);
    expect(await keys({ limit: 1000 })).toHaveLength(120);
  });

  test("large values end a page early, and next goes on", async () => {
    kv.dispose();
    kv = start({ listBytes: 2500 });
    for (const key of ["a", "b", "c", "d", "e"]) await call("set", key, key.repeat(1000));
    const first = await list();
    expect(first.entries.map((entry) => entry.key)).toEqual(["a", "b"]);
    expect(first.next).toBe("b");
    expect(await keys({ after: "d" })).toEqual(["e"]);
  });

  test("a value larger than a page still comes, alone", async () => {
    kv.dispose();
    kv = start({ listBytes: 10 });
    for (const key of ["a", "b"]) await call("set", key, "x".repeat(100));
    expect((await list()).next).toBe("a");
    expect(await keys({ after: "a" })).toEqual(["b"]);
  });
});

describe("increment", () => {
  test("counts from 0, by 1 or by what is asked", async () => {
    expect(await call("increment", "n")).toBe(1);
    expect(await call("increment", "n", 10)).toBe(11);
    expect(await call("increment", "n", -0.5)).toBe(10.5);
    expect(await call("get", "n")).toBe(10.5);
  });

  test("concurrent increments lose none", async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => call("increment", "n")));
    expect(new Set(answers).size).toBe(200);
    expect(await call("get", "n")).toBe(200);
  });

  test("anything but a number is a conflict and stays as it is", async () => {
    await call("set", "k", "5");
    expect((await problem(call("increment", "k"))).code).toBe("conflict");
    expect(await call("get", "k")).toBe("5");
  });

  test("a sum that JSON cannot hold is a conflict", async () => {
    await call("set", "k", Number.MAX_VALUE);
    expect((await problem(call("increment", "k", Number.MAX_VALUE))).code).toBe("conflict");
  });

  test("a counting window ends at the expiry of its first increment", async () => {
    await call("increment", "n", 1, { ttlMs: 100 });
    clock += 90;
    expect(await call("increment", "n", 1, { ttlMs: 100 })).toBe(2);
    clock += 10;
    expect(await call("increment", "n", 1, { ttlMs: 100 })).toBe(1);
  });
});

describe("compareAndSet", () => {
  test("null means absent", async () => {
    expect(await call("compareAndSet", "k", null, 1)).toBe(true);
    expect(await call("compareAndSet", "k", null, 2)).toBe(false);
    expect(await call("get", "k")).toBe(1);
  });

  test("objects are compared by content, whatever the order of their members", async () => {
    await call("set", "k", { a: [1, { x: 1, y: 2 }], b: null });
    expect(await call("compareAndSet", "k", { b: null, a: [1, { y: 2, x: 1 }] }, "done")).toBe(true);
    expect(await call("get", "k")).toBe("done");
  });

  const different: [Json, Json][] = [
    [1, "1"],
    [0, false],
    [{}, []],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: null }, {}],
    ["", 0],
    [{ a: { b: 1 } }, { a: { b: 2 } }],
  ];
  for (const [present, expected] of different) {
    test(`${JSON.stringify(present)} is not ${JSON.stringify(expected)}`, async () => {
      await call("set", "k", present);
      expect(await call("compareAndSet", "k", expected, "other")).toBe(false);
      expect(await call("get", "k")).toEqual(present);
    });
  }

  test("a null value deletes what is still the expected value", async () => {
    await call("set", "lock", "me");
    expect(await call("compareAndSet", "lock", "you", null)).toBe(false);
    expect(await call("compareAndSet", "lock", "me", null)).toBe(true);
    expect(await call("get", "lock")).toBeNull();
  });

  test("of many at once exactly one wins", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => call("compareAndSet", "k", null, i)));
    expect(answers.filter(Boolean)).toHaveLength(1);
  });
});

describe("what fails below", () => {
  function expectOpaque(error: ProblemError): void {
    expect(error.code).toBe("internal");
    expect(error.detail).not.toContain(dataDir);
    expect(error.detail).not.toContain("SQLITE");
  }

  test("a file that is no database is an error for its script alone, and the log has the cause", async () => {
    mkdirSync(join(dataDir, "scripts", "shop"), { recursive: true });
    writeFileSync(join(dataDir, "scripts", "shop", "kv"), "not a database, and longer than a header. ".repeat(50));
    expectOpaque(await problem(call("get", "k")));
    expect(reported.map((entry) => entry.script)).toEqual(["shop"]);
    expect(await callAs("blog", "increment", "n")).toBe(1);
  });

  test("a repaired file is found by the next call", async () => {
    const file = join(dataDir, "scripts", "shop", "kv");
    mkdirSync(file, { recursive: true });
    expectOpaque(await problem(call("get", "k")));
    rmSync(file, { recursive: true });
    expect(await call("increment", "n")).toBe(1);
  });

  test("a folder that cannot be made is an error for the script", async () => {
    writeFileSync(join(dataDir, "scripts"), "in the way");
    expectOpaque(await problem(call("set", "k", 1)));
    expect(reported).toHaveLength(1);
  });

  test("a value that was damaged on disk is an error and not an answer", async () => {
    await call("set", "k", { a: 1 });
    kv.close("shop");
    const database = new Database(join(dataDir, "scripts", "shop", "kv"));
    database.run("update entries set value = '{\"a\":'");
    database.close();
    expectOpaque(await problem(call("get", "k")));
    expect(reported).toHaveLength(1);
  });

  test("a full store says so, keeps what it has, and takes writes again after a delete", async () => {
    kv.dispose();
    kv = start({ databaseBytes: 1_000_000 });
    const text = "x".repeat(100_000);
    let stored = 0;
    let error: ProblemError | undefined;
    while (stored < 20 && error === undefined) {
      try {
        await call("set", `k${stored}`, text);
        stored++;
      } catch (caught) {
        error = caught as ProblemError;
      }
    }
    expect(stored).toBeGreaterThan(5);
    expect(error?.code).toBe("internal");
    expect(error?.detail).toContain("full");
    expect(await call("get", "k0")).toBe(text);
    expect(await callAs("blog", "increment", "n")).toBe(1);
    await call("delete", "k0");
    await call("set", "again", text);
    expect(await call("get", "again")).toBe(text);
  });
});

test("an invocation that has ended changes nothing more", async () => {
  const reason = new Error("ended");
  const call = serviceCall("shop", { signal: AbortSignal.abort(reason) });
  const outcome = await kv.methods.set!(call, "k", 1).catch((error: unknown) => error);
  expect(outcome).toBe(reason);
  expect(await keys()).toEqual([]);
  expect(reported).toEqual([]);
});

describe("the plugin", () => {
  const started = () => serve([plugin]);
  const specOf = async () => {
    const served = await started();
    await served.close();
    return served.adopted[0]!.contributions.services.get("kv")!.spec;
  };

  test("names the methods that change something, and each exists", async () => {
    const { mutates, methods, types } = await specOf();
    expect(mutates?.toSorted()).toEqual(["compareAndSet", "delete", "increment", "set"]);
    expect(Object.keys(methods).sort()).toEqual(["compareAndSet", "delete", "get", "increment", "list", "set"]);
    for (const method of Object.keys(methods)) expect(types).toContain(`  ${method}`);
  });

  test("keeps databases open over a change of plugins, and closes them with the last generation", async () => {
    const served = await started();
    await served.call("shop", "kv", "set", "k", 1);
    const file = join(served.dir, "data/scripts/shop/kv");
    const before = readFileSync(file).length + readFileSync(`${file}-wal`).length;
    served.write("plugins/other.ts", "export default { name: 'other', version: '1.0.0', setup() {} };");
    expect(await served.host.reload()).toBe(true);
    await served.adopted[0]?.dispose();
    expect(await served.call("shop", "kv", "get", "k")).toBe(1);
    expect(existsSync(`${file}-wal`)).toBe(true);
    expect(before).toBeGreaterThan(0);
    await served.adopted[1]?.dispose();
    expect(existsSync(`${file}-wal`)).toBe(false);
    await served.close();
  });

  test("lets go of a script whose data is about to move, and finds a new store afterwards", async () => {
    const served = await started();
    await served.call("shop", "kv", "set", "k", 1);
    served.host.current.contributions.services.get("kv")?.spec.release?.("shop");
    renameSync(join(served.dir, "data/scripts/shop"), join(served.dir, "data/moved"));
    expect(await served.call("shop", "kv", "get", "k")).toBeNull();
    await served.close();
  });

  test("is healthy while any store works; one script's broken file is that script's", async () => {
    const served = await started();
    const health = async () => (await served.host.current.checks())["kv"];
    expect(await health()).toEqual({ ok: true });
    mkdirSync(join(served.dir, "data/scripts/bad/kv"), { recursive: true });
    await served.call("bad", "kv", "get", "k").catch(() => null);
    expect(await health()).toEqual({ ok: false, detail: "a store cannot be used" });
    await served.call("good", "kv", "get", "k");
    expect((await health())?.ok).toBe(true);
    rmSync(join(served.dir, "data/scripts/bad/kv"), { recursive: true });
    await served.call("bad", "kv", "get", "k");
    expect(await health()).toEqual({ ok: true });
    await served.close();
  });
});
