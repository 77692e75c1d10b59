/** What plugins give to scripts is made of data, inside the realm: registration functions, calls, and refusals. */
import { describe, expect, test } from "bun:test";
import type { PointTable } from "../../../../core/script/types.ts";
import { Scripted, type ScriptedOptions } from "./scripted.ts";

const POINTS: PointTable = {
  registerBell: {
    point: "bells",
    canonical: "registerBell",
    args: ["name", "options?", "handler"],
    options: { "loud?": "boolean", pitch: "number" },
    definitions: ["input"],
  },
  bell: { point: "bells", canonical: "registerBell", args: ["name", "options?", "handler"] },
  registerGate: {
    point: "gates",
    canonical: "registerGate",
    args: ["path", "options?", "handler?"],
    options: { "wide?": "boolean" },
    handlers: ["admit", "leave"],
    route: { method: "GET" },
  },
  registerTower: { point: "towers", canonical: "registerTower", args: ["path", "data?", "handler?"] },
  ring: { point: "bells", canonical: "ring", args: [], calls: { service: "bells", method: "ring" } },
};
const OFFER = { points: POINTS, services: { bells: ["ring"] } };

function registered(code: string, options: ScriptedOptions = {}) {
  return new Scripted().registered(code, { form: "classic", offer: OFFER, ...options });
}

describe("registration functions", () => {
  test("take their arguments by kind, and what may be absent may be", async () => {
    expect(
      await registered(`
        registerBell("a", () => 1);
        registerBell("b", { pitch: 3, loud: undefined, input: { n: "number" } }, () => 2);
        registerBell("c", undefined, "strike");
        registerTower("/t", { storeys: [1, 2] }, () => 3);
        registerTower("/u");
        expose({ strike() {} });
      `),
    ).toEqual([
      { id: 0, fn: "registerBell", point: "bells", name: "a", options: {}, definitions: {}, callable: true },
      {
        id: 1,
        fn: "registerBell",
        point: "bells",
        name: "b",
        options: { pitch: 3 },
        definitions: { input: { n: "number" } },
        callable: true,
      },
      {
        id: 2,
        fn: "registerBell",
        point: "bells",
        name: "c",
        options: {},
        definitions: {},
        callable: true,
        handler: "strike",
      },
      {
        id: 3,
        fn: "registerTower",
        point: "towers",
        path: "/t",
        options: {},
        definitions: {},
        data: { storeys: [1, 2] },
        callable: true,
      },
      { id: 4, fn: "registerTower", point: "towers", path: "/u", options: {}, definitions: {}, callable: false },
    ]);
  });

  test("are the same functions under their aliases, as globals and in the SDK", async () => {
    const [one] = await registered(`
      const sdk = globalThis[Symbol.for("aiwebengine.sdk")];
      if (bell !== registerBell || sdk.bell !== bell) throw new Error("not the same");
      bell("a", () => 1);
    `);
    expect(one).toMatchObject({ fn: "registerBell", name: "a" });
  });

  const refused: readonly [what: string, code: string, sentence: RegExp][] = [
    [
      "no name",
      "registerBell(() => 1)",
      /registerBell\(name, options\?, handler\): the name must be text .*; it is a function/,
    ],
    ["an empty name", 'registerBell("", () => 1)', /the name must be text/],
    ["a name with a line break", 'registerBell("a\\nb", () => 1)', /the name must be text/],
    ["a name of 201 characters", 'registerBell("x".repeat(201), () => 1)', /the name must be text/],
    ["no handler", 'registerBell("a")', /the handler must be a function, or the name of one; it is undefined/],
    ["a handler that is none", 'registerBell("a", {}, 1)', /the handler must be a function/],
    ["an argument too many", 'registerBell("a", () => 1, 2)', /argument 3 has no place there; it is a number/],
    ["a path that is none", 'registerTower("t")', /the path must be text such as/],
    ["an unknown option", 'registerBell("a", { lod: true }, () => 1)', /no option "lod". Did you mean "loud"\?/],
    ["an option like no other", 'registerBell("a", { volume: 1 }, () => 1)', /no option "volume". Known here: .*loud/],
    ["an option that is no data", 'registerBell("a", { loud: () => 1 }, () => 1)', /"loud" must be plain data/],
    [
      "an option that is no function",
      'registerGate("/g", { admit: 1 })',
      /"admit" must be a function, or the name of one; it is a number/,
    ],
    [
      "an option's name that nothing has",
      'registerGate("/g", { admit: "gone" })',
      /registerGate "\/g" names the handler "gone"/,
    ],
    [
      "an unknown option beside functions",
      'registerGate("/g", { admi: () => 1 })',
      /no option "admi". Did you mean "admit"\?/,
    ],
    ["a handler name that nothing has", 'registerBell("a", "gone")', /registerBell "a" names the handler "gone"/],
    ["an absent plugin's function", 'registerToolHandler("t", () => 1)', /point_missing: .*plugin "mcp"/],
  ];
  test.each(refused)("%s is refused", async (_what, code, sentence) => {
    await expect(registered(code)).rejects.toThrow(sentence);
  });

  test("do nothing after the load, and say so", async () => {
    const scripted = new Scripted();
    await scripted.registered('registerBell("a", () => { registerBell("late", () => 1); return "ok"; })', {
      form: "classic",
      offer: OFFER,
    });
    expect((await scripted.call(0, { payload: 1 })).body).toBe('"ok"');
    expect(scripted.logs[0]).toMatch(/registration ignored: registerBell\("late"\) was called after/);
  });

  test("that call a service cross as a call of it, and not outside of an invocation", async () => {
    const scripted = new Scripted();
    await scripted.registered('registerBell("a", () => ring("b", 3))', { form: "classic", offer: OFFER });
    expect((await scripted.call(0, {})).body).toBe('"called"');
    expect(scripted.calls).toEqual(['["bells","ring",["b",3]]']);
    await expect(registered('exports.init = () => ring("b")', { form: "module" })).rejects.toThrow("not_in_invocation");
  });
});

describe("objects of a service", () => {
  const offer = { services: { bells: ["hang"] }, objects: { bells: { hang: ["ring", "close"] } }, points: POINTS };

  test("have the methods that the plugin names; their key goes with each call", async () => {
    const scripted = new Scripted();
    await scripted.registered(
      `registerBell("a", async () => {
        const bell = await bells.hang("b");
        await bell.ring(3, { soft: true });
        { await using other = await bells.hang("c"); }
        return [Object.keys(bell), Object.isFrozen(bell), typeof bells.ring];
      })`,
      { form: "classic", offer },
    );
    expect((await scripted.call(0, {})).body).toBe('[["ring","close"],true,"undefined"]');
    expect(scripted.calls).toEqual([
      '["bells","hang",["b"]]',
      '["bells","ring",["called",3,{"soft":true}]]',
      '["bells","hang",["c"]]',
      '["bells","close",["called"]]',
    ]);
  });
});

describe("functions among the options", () => {
  const GATE = `registerGate("/g", { leave: "off", wide: true, admit: (c) => ["admit", c.payload ?? null] }, () => "main");
    registerGate("/h", { admit: () => "second" });
    registerGate("/i");
    expose({ off() { return "left"; } });`;

  test("are named in the point's order, and are no data", async () => {
    const base = { fn: "registerGate", point: "gates", definitions: {} };
    expect(await registered(GATE)).toEqual([
      { ...base, id: 0, path: "/g", options: { wide: true }, callable: true, handlers: ["admit", "leave"] },
      { ...base, id: 1, path: "/h", options: {}, callable: false, handlers: ["admit"] },
      { ...base, id: 2, path: "/i", options: {}, callable: false },
    ]);
  });

  test("are called by their option, each of its own registration, and beside the handler", async () => {
    const scripted = new Scripted();
    await scripted.registered(GATE, { form: "classic", offer: OFFER, schemas: { "0": { input: { type: "number" } } } });
    // The schema of the input is the handler's.
    expect((await scripted.call(0, { handler: "admit", payload: "x" })).body).toBe('["admit","x"]');
    // But where the caller says so, as one whose handlers are all options.
    expect((await scripted.call(0, { handler: "admit", check: "payload", payload: 1 })).body).toBe('["admit",1]');
    expect((await scripted.call(0, { handler: "admit", check: "args", args: 1, payload: "x" })).body).toBe(
      '["admit","x"]',
    );
    for (const input of [{ payload: "x" }, { payload: "x", args: 1 }, {}]) {
      const { failure } = await scripted.call(0, { handler: "admit", check: "payload", ...input });
      expect(failure).toMatchObject({ kind: "input", message: "The payload does not fit the handler's input schema." });
    }
    expect((await scripted.call(0, { handler: "admit", check: "args", args: "x" })).failure).toMatchObject({
      message: "The arguments do not fit the handler's input schema.",
    });
    expect((await scripted.call(0, { handler: "leave" })).body).toBe('"left"');
    expect((await scripted.call(0, { payload: 1 })).body).toBe('"main"');
    expect((await scripted.call(1, { handler: "admit" })).body).toBe('"second"');
    const absent: readonly [number, object][] = [
      [0, { handler: "wide" }],
      [0, { handler: "constructor" }],
      [1, { handler: "leave" }],
      [1, {}],
      [2, { handler: "admit" }],
    ];
    for (const [id, input] of absent) {
      expect((await scripted.call(id, input)).failure).toMatchObject({ code: "not_found" });
    }
    expect((await scripted.request(0)).failure).toMatchObject({ code: "not_found" });
  });

  test("get the request that causes the call, without a body", async () => {
    const scripted = new Scripted();
    const code = `registerGate("/g", { admit: (c) => [c.method, c.path, c.query.a, c.params.id, c.headers.get("x-a"), c.cookies.get("k"),
      c.ip, c.id, c.kind, c.url.host, c.request.method, c.body ?? null, c.user] });`;
    await scripted.registered(code, { form: "classic", offer: OFFER });
    const head = ["GET", "http://h/g/7?a=b", "10.0.0.1", "request-id", '["id","7"]', '{"x-a":"y","cookie":"k=v"}'];
    const { body } = await scripted.call(0, { handler: "admit", request: head.join("\n"), user: { id: "u" } });
    expect(JSON.parse(body)).toEqual([
      "GET",
      "/g/7",
      "b",
      "7",
      "y",
      "v",
      "10.0.0.1",
      "an-id",
      "bells",
      "h",
      "GET",
      null,
      { id: "u" },
    ]);
  });
});

describe("a handler that is called with data", () => {
  async function call(handler: string, input: object, options: ScriptedOptions = {}) {
    const scripted = new Scripted();
    await scripted.registered(`registerBell("a", ${handler})`, { form: "classic", offer: OFFER, ...options });
    return scripted.call(0, input);
  }

  test("gets a context of its kind, without what only a request has", async () => {
    const { body } = await call(
      `(c) => [c.id, c.kind, c.payload, c.args, c.user, c.request, c.method, c.headers, c.cookies, c.body,
        typeof c.log.info, c.signal.aborted, c.script.name, typeof c.bells.ring]`,
      { payload: { a: 1 }, user: { id: "u" } },
    );
    expect(JSON.parse(body)).toEqual([
      "an-id",
      "bells",
      { a: 1 },
      null,
      { id: "u" },
      null,
      null,
      null,
      null,
      null,
      "function",
      false,
      "s",
      "function",
    ]);
  });

  const answers: readonly [value: string, status: number, body: string][] = [
    ["({ a: [1, null] })", 200, '{"a":[1,null]}'],
    ["null", 200, "null"],
    ['"text"', 200, '"text"'],
    ["undefined", 204, ""],
    ["Promise.resolve(7)", 200, "7"],
    ["new Date(0)", 200, '"1970-01-01T00:00:00.000Z"'],
  ];
  test.each(answers)("that gives back %s answers %d %s", async (value, status, body) => {
    expect(await call(`() => ${value}`, {})).toMatchObject({ status, body });
  });

  test("answers in one message, however long its value is", async () => {
    const { status, body } = await call('() => "x".repeat(2_000_000)', {});
    expect([status, body.length]).toEqual([200, 2_000_002]);
  });

  const refusals: readonly [value: string, sentence: RegExp][] = [
    ['new Response("x")', /a Response/],
    ["(async function* () { yield 1; })()", /a stream/],
    ["new Uint8Array(3)", /bytes/],
    ["() => 1", /a function/],
    ["({ n: 1n })", /BigInt/],
    ["(() => { const a = []; a[0] = a; return a; })()", /cyclic/],
  ];
  test.each(refusals)("that gives back %s fails", async (value, sentence) => {
    expect((await call(`() => ${value}`, {})).failure?.message).toMatch(sentence);
  });

  test("is not called when its input does not fit", async () => {
    const input = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
    const schemas = { "0": { input } };
    expect((await call("(c) => c.payload.n", { payload: { n: 4 } }, { schemas })).body).toBe("4");
    for (const [given, path] of [
      [{ payload: { n: "4" } }, "/payload/n"],
      [{ args: { n: "4" } }, "/args/n"],
      [{}, "/payload"],
    ] as const) {
      const { failure } = await call("() => 1", given, { schemas });
      expect(failure).toMatchObject({ kind: "input", errors: [expect.objectContaining({ path })] });
    }
  });

  test("is not reached by a request, nor a web handler by data", async () => {
    const scripted = new Scripted();
    await scripted.registered('registerBell("a", () => 1); register("/x", () => 2); registerTower("/t")', {
      form: "classic",
      offer: OFFER,
    });
    expect((await scripted.request(0)).failure).toMatchObject({ code: "not_found" });
    expect((await scripted.call(1, {})).failure).toMatchObject({ code: "not_found" });
    expect((await scripted.call(2, {})).failure).toMatchObject({ code: "not_found" });
  });

  test("fails with an HttpError as it is, and with anything else as thrown", async () => {
    const http = await call('() => { throw new HttpError(409, "taken", { code: "bell_taken" }); }', {});
    expect(http.failure).toMatchObject({ kind: "http", status: 409, code: "bell_taken", message: "taken" });
    expect((await call("() => Promise.reject(new RangeError('x'))", {})).failure).toMatchObject({
      kind: "thrown",
      name: "RangeError",
    });
    for (const [thrown, message] of [
      ["null", "null"],
      ["'text'", "text"],
      ["{ a: 1 }", '{"a":1}'],
      ["Object.create(null)", "{}"],
      ["Symbol()", "a value that has no text"],
      ["10n", "10"],
      ["{ toJSON() { throw 1; } }", "a value that has no text"],
      ["new Proxy({}, { get() { throw 1; } })", "a value that has no text"],
    ] as const) {
      const { failure } = await call(`() => { throw ${thrown}; }`, {});
      const stack = `A value that is no error was thrown: ${message}`;
      expect([thrown, failure]).toEqual([thrown, { kind: "thrown", name: "", message, stack }]);
    }
  });
});

test("what is logged is data where it can be read, and text where it is nested without end", async () => {
  const scripted = new Scripted();
  await scripted.registered(
    `register("/x", ({ log }) => {
      let deep = 1;
      for (let i = 0; i < 190; i++) deep = { deep };
      log.info("shallow", deep);
      for (let i = 0; i < 100; i++) deep = [deep];
      log.info("deep", deep);
    });`,
    { form: "classic" },
  );
  await scripted.request(0);
  expect(scripted.lines.map(([message, data]) => [message, typeof data])).toEqual([
    ["shallow", "object"],
    ["deep", "string"],
  ]);
});
