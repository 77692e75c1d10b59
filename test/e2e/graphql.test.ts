/** GraphQL of the compiled binary: the protocol's own audit, hostile operations, and scripts that fail, die or change meanwhile. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { auditServer } from "graphql-http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runEngine, startEngine, type Engine } from "./engine.ts";

const SCRIPTS = {
  "notes.ts": `import { registerType, registerQueryHandler, registerFieldHandler, registerWebHandler, executeGraphQL, log } from "@aiwebengine/sdk";
registerType("type Note { id: ID!, text: String!, next: Note } type Author { name: String! }");
registerQueryHandler<{ limit: number }>("notes(limit: Int = 3): [Note!]!", ({ args }) =>
  Array.from({ length: args.limit }, (_, i) => ({ id: i, text: "note " + i })));
registerFieldHandler<{ id: number }>("Note.author: Author!", ({ payload, id }) => {
  log.info("authors", { asked: payload.length, id });
  return payload.map((note) => ({ name: "author of " + note.id }));
});
registerQueryHandler("sum", { args: { a: "number.integer", "b": "number.integer = 5", "word?": "string <= 3" }, returns: "number.integer" },
  ({ args }) => args.a + args.b);
registerWebHandler("GET /inner", ({ query }) => executeGraphQL(String(query["q"]), { n: 2 }));
`,
  "shelves.ts": `import { registerFieldHandler, registerQueryHandler, registerType } from "@aiwebengine/sdk";
registerType(\`interface Named { id: ID! } union Thing = Book | Shelf
  type Book implements Named { id: ID! title: String at: DateTime } type Shelf implements Named { id: ID! meta: JSON }\`);
const book = { __typename: "Book", id: 2, title: "Emma", at: "1815-12-23" };
registerQueryHandler("things: [Thing]!", () => [{ __typename: "Shelf", id: 1, meta: { wood: [true, null] } }, book, null]);
registerQueryHandler("named: Named", () => book);
registerQueryHandler("alien: Named", () => ({ __typename: "Ship", id: 3 }));
registerFieldHandler<{ id: number }>("Book.by: String", ({ payload }) => payload.map(({ id }) => "by " + id));
`,
  "faulty.ts": `import { registerMutationHandler, registerQueryHandler, HttpError } from "@aiwebengine/sdk";
registerQueryHandler("throws: String", () => { throw new Error("hunter2"); });
registerQueryHandler("refuses: String", () => { throw new HttpError(409, "Not on Sundays.", { code: "sunday" }); });
registerQueryHandler("misfit: Int", () => "hunter2");
registerQueryHandler("spins: String", () => { for (;;); });
registerQueryHandler("again", { returns: "string" }, ({ graphql }) => graphql.execute("{ again }").then((r) => JSON.stringify(r)));
registerMutationHandler("change: Int", () => 1);
`,
  "swap.ts": version(0),
};

function version(n: number): string {
  return `import { registerQueryHandler } from "@aiwebengine/sdk";\nregisterQueryHandler("version: Int!", () => ${n});\n`;
}

interface Answer {
  readonly data?: { readonly [field: string]: unknown } | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: unknown;
    readonly extensions: { readonly code: string; readonly [key: string]: unknown };
  }[];
}

const OPERATIONS = JSON.stringify({
  first: "{ notes(limit: 1) { id } }",
  some: "query($n: Int) { notes(limit: $n) { id } }",
  change: "mutation { change }",
});

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({
    scripts: SCRIPTS,
    files: { "operations.json": OPERATIONS },
    config: `[limits]\nuninterruptedMs = 600\n[plugins.graphql]\noperations = "operations.json"\n`,
  });
});
afterAll(() => engine.stop());

const JSON_TYPE = { "content-type": "application/json" };

function post(body: unknown, headers: Record<string, string> = JSON_TYPE): Promise<Response> {
  return engine.fetch("/graphql", {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

async function ask(query: string, variables: object = {}): Promise<Answer> {
  return (await (await post({ query, variables })).json()) as Answer;
}

describe("the protocol", () => {
  test("passes the audit of GraphQL over HTTP: every must and every should", async () => {
    const results = await auditServer({ url: `${engine.url}/graphql` });
    const failed = results.flatMap((one) => (one.status === "ok" ? [] : [`${one.status}: ${one.name}: ${one.reason}`]));
    expect(results.length).toBeGreaterThan(50);
    expect(failed).toEqual([]);
  }, 30_000);

  test("a mutation is not run for a GET, nor for what a page of another site may post without asking", async () => {
    const got = await engine.fetch(`/graphql?query=${encodeURIComponent("mutation { change }")}`);
    expect(got.status).toBe(405);
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/graphql",
    ]) {
      const answer = await post('{"query":"mutation { change }"}', { "content-type": type });
      expect(answer.status).toBe(415);
      expect(((await answer.json()) as Answer).errors?.[0]?.extensions.code).toBe("UNSUPPORTED_MEDIA_TYPE");
    }
  });

  test("a list of operations in one request is refused", async () => {
    const answer = await post([{ query: "{ version }" }, { query: "{ version }" }]);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("Batching is not supported")]);
  });

  test("whatever is wrong with a request, its error has a code and the request's id", async () => {
    for (const [body, code] of [
      [{ query: "{" }, "GRAPHQL_PARSE_FAILED"],
      [{ query: "{ nope }" }, "GRAPHQL_VALIDATION_FAILED"],
      [{ query: "{ a: version a: sum(a: 1) }" }, "GRAPHQL_VALIDATION_FAILED"],
      [{ query: "query A { version } query B { version }" }, "OPERATION_RESOLUTION_FAILURE"],
      [{ query: "query($a: Int!) { sum(a: $a) }" }, "BAD_USER_INPUT"],
      [{ query: "{ notes(limit: 1000000) { id } }" }, "GRAPHQL_LIMIT_EXCEEDED"],
      [{ query: "{ version }", variables: 5 }, "BAD_REQUEST"],
      [{ documentId: "second" }, "PERSISTED_QUERY_NOT_FOUND"],
      [{}, "BAD_REQUEST"],
    ] as const) {
      const answer = await post(body);
      const { errors } = (await answer.json()) as Answer;
      expect([body, errors?.[0]?.extensions]).toEqual([body, expect.objectContaining({ code })]);
      expect(errors?.map(({ extensions }) => extensions["id"])).toEqual([answer.headers.get("x-request-id")]);
    }
  });

  test("a persisted operation runs by its id, and one that is none is not found", async () => {
    expect(await (await post({ documentId: "first" })).json()).toEqual({ data: { notes: [{ id: "0" }] } });
    const apollo = { persistedQuery: { version: 1, sha256Hash: "first" } };
    expect(await (await post({ extensions: apollo })).json()).toEqual({ data: { notes: [{ id: "0" }] } });
    const got = await engine.fetch('/graphql?documentId=some&variables={"n":2}');
    expect(await got.json()).toEqual({ data: { notes: [{ id: "0" }, { id: "1" }] } });
    expect((await engine.fetch("/graphql?documentId=change")).status).toBe(405);
    const none = (await (await post({ documentId: "second" })).json()) as Answer;
    expect(none.errors?.[0]?.extensions.code).toBe("PERSISTED_QUERY_NOT_FOUND");
  });
});

describe("fields", () => {
  test("a handler for a field is called once for all the objects of a list", async () => {
    const mark = engine.mark();
    const { data } = await ask("{ notes(limit: 100) { author { name } } }");
    const notes = data?.["notes"] as { author: { name: string } }[];
    expect([notes.length, notes[99]?.author.name]).toEqual([100, "author of 99"]);
    expect(await engine.waitForLog(/"authors"/, { after: mark })).toContain('"asked":100');
    expect(engine.logs.split('"authors"').length - 1).toBe(1);
  });

  test("arguments are checked by their arktype definition; null is absent", async () => {
    expect(await ask("{ sum(a: 1, word: null) }")).toEqual({ data: { sum: 6 } });
    const { errors } = await ask('{ sum(a: 1, word: "long") }');
    expect(errors?.[0]?.extensions).toMatchObject({ code: "invalid_input", errors: [{ path: "/args/word" }] });
  });

  test("a variable that does not fit is the client's fault, also where it only shows at an argument", async () => {
    for (const [query, variables, message] of [
      ["query($n: Int!) { sum(a: $n) }", { n: 2 ** 31 }, "cannot represent non 32-bit signed integer"],
      ["query($n: Int = 5) { sum(a: $n) }", { n: null }, 'Argument "Query.sum(a:)" has invalid value'],
    ] as const) {
      const [error] = (await ask(query, variables)).errors ?? [];
      expect(error).toMatchObject({
        message: expect.stringContaining(message),
        extensions: { code: "BAD_USER_INPUT" },
      });
    }
  });

  test("of interfaces and unions say what they are, and have their types' fields and handlers", async () => {
    expect(await ask("{ things { __typename ... on Book { title at by } ... on Shelf { id meta } } }")).toEqual({
      data: {
        things: [
          { __typename: "Shelf", id: "1", meta: { wood: [true, null] } },
          { __typename: "Book", title: "Emma", at: "1815-12-23T00:00:00.000Z", by: "by 2" },
          null,
        ],
      },
    });
    expect(await ask("{ named { id ... on Book { by } } }")).toEqual({ data: { named: { id: "2", by: "by 2" } } });
    const { data, errors } = await ask("{ alien { id } }");
    expect([data, errors?.[0]?.extensions.code]).toEqual([{ alien: null }, "script_failed"]);
  });

  test("a script runs operations of the same schema, under its own invocation", async () => {
    const answer = await engine.fetch(
      `/inner?q=${encodeURIComponent("query($n: Int) { notes(limit: $n) { text } throws }")}`,
    );
    expect(await answer.json()).toMatchObject({
      data: { notes: [{ text: "note 0" }, { text: "note 1" }], throws: null },
      errors: [{ path: ["throws"], extensions: { code: "script_failed", id: answer.headers.get("x-request-id") } }],
    });
    const wrong = (await (await engine.fetch("/inner?q=%7B")).json()) as Answer;
    expect(wrong.errors?.[0]?.extensions).toEqual({ code: "GRAPHQL_PARSE_FAILED", id: expect.any(String) });
  });
});

describe("failures are told to the field's caller alone", () => {
  test("a sentence and a code of the script's own pass; what it threw otherwise does not, and the id leads to the log", async () => {
    const answer = await post({ query: "{ throws refuses misfit version }" });
    const { data, errors } = (await answer.json()) as Answer;
    expect(data).toEqual({ throws: null, refuses: null, misfit: null, version: 0 });
    const id = answer.headers.get("x-request-id");
    const told = (errors ?? []).map(({ message, path, extensions }) => [path, message, extensions]);
    expect(told).toEqual([
      [["throws"], expect.any(String), { code: "script_failed", id }],
      [["refuses"], "Not on Sundays.", { code: "sunday", id }],
      [["misfit"], expect.stringContaining("does not fit the schema"), { code: "script_failed", id }],
    ]);
    expect(JSON.stringify(errors)).not.toContain("hunter2");
    await engine.waitForLog((line) => line.includes("does not fit the schema") && line.includes(id ?? "-"));
  });

  test("a handler that loops is killed, and the other fields of the operation have their values", async () => {
    const { data, errors } = await ask("{ spins version notes(limit: 1) { id } }");
    expect(data).toEqual({ spins: null, version: 0, notes: [{ id: "0" }] });
    expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [["spins"], "uninterrupted_exceeded"],
    ]);
  });

  test("a field that asks for itself ends", async () => {
    expect(JSON.stringify(await ask("{ again }"))).toContain("overloaded");
  }, 20_000);
});

describe("hostile operations are refused at once", () => {
  const nested = (depth: number): string => `{ notes { ${"next { ".repeat(depth)} id ${"}".repeat(depth)} } }`;
  const cases: readonly (readonly [what: string, query: string, code: string, limit?: string])[] = [
    [
      "ten thousand aliases",
      `{ ${Array.from({ length: 10_000 }, (_, i) => `a${i}: version`).join(" ")} }`,
      "GRAPHQL_LIMIT_EXCEEDED",
      "maxTokens",
    ],
    [
      "forty aliases",
      `{ ${Array.from({ length: 40 }, (_, i) => `a${i}: version`).join(" ")} }`,
      "GRAPHQL_LIMIT_EXCEEDED",
      "maxAliases",
    ],
    ["a thousand fields deep", nested(900), "GRAPHQL_LIMIT_EXCEEDED", "maxTokens"],
    ["fifty fields deep", nested(50), "GRAPHQL_LIMIT_EXCEEDED", "maxDepth"],
    ["a million rows", "{ notes(limit: 1000000) { id } }", "GRAPHQL_LIMIT_EXCEEDED", "maxCost"],
    [
      "fragments that spread each other",
      "{ notes { ...a } } fragment a on Note { ...b } fragment b on Note { ...a }",
      "GRAPHQL_VALIDATION_FAILED",
    ],
    [
      "fragments that multiply each other",
      `{ notes { ...f0 } } ${Array.from({ length: 10 }, (_, i) => `fragment f${i} on Note { next { ...f${i + 1} ...f${i + 1} ...f${i + 1} } }`).join(" ")} fragment f10 on Note { id }`,
      "GRAPHQL_LIMIT_EXCEEDED",
      "maxCost",
    ],
    ["brackets without end", `{ sum(a: ${"[".repeat(100_000)}`, "GRAPHQL_LIMIT_EXCEEDED", "maxTokens"],
  ];
  for (const [what, query, code, limit] of cases) {
    test(what, async () => {
      const began = performance.now();
      const [error] = (await ask(query)).errors ?? [];
      expect(error?.extensions.code).toBe(code);
      expect((error?.extensions["limit"] as { name?: string } | undefined)?.name).toBe(limit as string);
      expect(performance.now() - began).toBeLessThan(2000);
    });
  }

  test("a megabyte of words, and JSON as deep", async () => {
    const answer = await post({ query: `{ ${"a ".repeat(500_000)} }` });
    expect([answer.status, ((await answer.json()) as Answer).errors?.[0]?.extensions.code]).toEqual([
      413,
      "REQUEST_ENTITY_TOO_LARGE",
    ]);
    const deep = await post(`{"query":"{ version }","variables":{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`);
    expect(deep.status).toBeLessThan(500);
    expect(await ask("{ version }")).toEqual({ data: { version: 0 } });
  });
});

describe("one schema of all scripts", () => {
  test("a field or type that another script has is refused, and its holder named", async () => {
    const after = engine.mark();
    await engine.write("scripts/thief.ts", version(7));
    const line = await engine.waitForLog(/script failed/, { after });
    expect(line).toContain('the field Query.version is taken: the script \\"swap\\" has it');
    expect(await ask("{ version }")).toEqual({ data: { version: 0 } });
    await engine.remove("scripts/thief.ts");
  });

  test("what is no GraphQL, or speaks of a type that is not there, is refused with the reason", async () => {
    for (const [code, why] of [
      ['registerQueryHandler("a: Nope", () => 1);', 'there is no type \\"Nope\\" in this script'],
      ['registerQueryHandler("a: Int } type B { c: Int", () => 1);', "it takes one field"],
      ['registerQueryHandler("a(", () => 1);', "Syntax Error"],
      ['registerType("type Query { a: Int }");', 'the type \\"Query\\" is the engine'],
      ['registerType("scalar Money");', "there are no scalars of a script's own"],
      [
        'registerType("type A { a: Int } type B implements C { b: Int } interface C { c: Int }");',
        "Interface field C.c expected but B does not provide it",
      ],
      ['registerType("input I { i: I! }");', "cannot be provided a finite value"],
      ['registerFieldHandler("Note.b: Int", () => []);', "is no object type of this script"],
      ['registerType("type A { a: Int }"); registerFieldHandler("A.a: Int", () => []);', "to handle it"],
      ['registerQueryHandler("a b", { returns: "string" }, () => "");', "only the name is wanted"],
    ] as const) {
      const after = engine.mark();
      await engine.write("scripts/wrong.js", `${code} // ${Math.random()}`);
      expect(await engine.waitForLog(/script failed.*"script":"wrong"/, { after })).toContain(why);
    }
    const gone = engine.mark();
    await engine.remove("scripts/wrong.js");
    await engine.waitForLog(/script removed/, { after: gone });
  }, 30_000);

  test("changes of a script under load fail no request", async () => {
    let done = false;
    const seen = new Set<unknown>();
    const failed: unknown[] = [];
    const load = Array.from({ length: 4 }, async () => {
      while (!done) {
        const answer = await ask("{ version notes(limit: 2) { author { name } } }");
        if (answer.errors || !answer.data) failed.push(answer);
        else seen.add(answer.data["version"]);
      }
    });
    for (let n = 1; n <= 8; n++) {
      const after = engine.mark();
      await engine.write("scripts/swap.ts", version(n));
      await engine.write("scripts/notes.ts", `${SCRIPTS["notes.ts"]}// ${n}\n`);
      await engine.waitForLog(/"script":"swap"/, { after });
      while (!seen.has(n)) await Bun.sleep(5);
    }
    done = true;
    await Promise.all(load);
    expect(failed).toEqual([]);
  }, 60_000);
});

test("the command prints the schema without an engine, and says which script is not in it", async () => {
  const dir = await mkdtemp(join(tmpdir(), "aiwebengine-e2e-"));
  try {
    await Bun.write(join(dir, "scripts/notes.ts"), SCRIPTS["notes.ts"]);
    const whole = await runEngine(["graphql", "--dir", dir]);
    expect([whole.code, whole.stderr]).toEqual([0, ""]);
    for (const part of [
      "notes(limit: Int = 3): [Note!]!",
      "sum(a: Int!, b: Int! = 5, word: String): Int!",
      "author: Author!",
    ])
      expect(whole.stdout).toContain(part);
    await Bun.write(join(dir, "scripts/broken.ts"), "throw new Error('no');\n");
    const partly = await runEngine(["graphql", "--dir", dir]);
    expect([partly.code, partly.stdout]).toEqual([1, whole.stdout]);
    expect(partly.stderr).toContain('Left out: the script "broken"');
    expect((await runEngine(["graphql", "schema", "--dir", dir])).code).toBe(2);
  } finally {
    await rm(dir, { recursive: true });
  }
}, 30_000);

test("limits that are raised leave the others standing: a thousand fields deep, ten thousand aliases, a megabyte of words", async () => {
  await using large = await startEngine({
    scripts: { "a.ts": version(1) },
    config: "[plugins.graphql]\nmaxBytes = 4000000\nmaxTokens = 400000\n",
  });
  const told = async (query: string): Promise<unknown> => {
    const body = JSON.stringify({ query });
    const answer = await large.fetch("/graphql", { method: "POST", headers: JSON_TYPE, body });
    const [error] = ((await answer.json()) as Answer).errors ?? [];
    return [error?.extensions.code, (error?.extensions["limit"] as { name?: string } | undefined)?.name];
  };
  const nested = (depth: number): string => `{ version ${"{ version ".repeat(depth)} ${"}".repeat(depth)} }`;
  const aliases = Array.from({ length: 10_000 }, (_, i) => `a${i}: version`);
  expect(await told(nested(1000))).toEqual(["GRAPHQL_LIMIT_EXCEEDED", "maxDepth"]);
  expect(await told(nested(100_000))).toEqual(["GRAPHQL_PARSE_FAILED", undefined]);
  expect(await told(`{ version(a: ${"[".repeat(100_000)}`)).toEqual(["GRAPHQL_PARSE_FAILED", undefined]);
  expect(await told(`{ ${aliases.join(" ")} }`)).toEqual(["GRAPHQL_LIMIT_EXCEEDED", "maxAliases"]);
  expect(await told(`{ ${"a ".repeat(500_000)} }`)).toEqual(["GRAPHQL_LIMIT_EXCEEDED", "maxTokens"]);
  expect(await told("{ version }")).toEqual([undefined, undefined]);
}, 20_000);

test("where only persisted operations run, others are refused; a file that is none stops the start", async () => {
  const only = { "ops.json": JSON.stringify({ version: "{ version }" }) };
  const config = '[plugins.graphql]\noperations = "ops.json"\noperationsOnly = true\n';
  await using strict = await startEngine({ scripts: { "a.ts": version(1) }, files: only, config });
  const send = async (body: object): Promise<unknown> => {
    const text = JSON.stringify(body);
    return (await strict.fetch("/graphql", { method: "POST", headers: JSON_TYPE, body: text })).json();
  };
  expect(await send({ documentId: "version" })).toEqual({ data: { version: 1 } });
  for (const body of [{ query: "{ version }" }, { query: "{ version }", documentId: "version" }])
    expect(await send(body)).toMatchObject({ errors: [{ extensions: { code: "PERSISTED_QUERY_ONLY" } }] });
  const dir = await mkdtemp(join(tmpdir(), "aiwebengine-e2e-"));
  try {
    await Bun.write(join(dir, "aiwebengine.toml"), config);
    for (const text of ["[]", '{ "a": 1 }', "{"]) {
      await Bun.write(join(dir, "ops.json"), text);
      const { code, stderr } = await runEngine(["serve", "--port", "0", "--dir", dir]);
      expect([code, stderr]).toEqual([expect.any(Number), expect.stringContaining("must be a JSON file such as")]);
      expect(code).not.toBe(0);
    }
  } finally {
    await rm(dir, { recursive: true });
  }
}, 30_000);

test("an engine without GraphQL has nothing at its path, and introspection may be off", async () => {
  const bare = await startEngine({
    scripts: { "a.ts": version(1) },
    config: "[plugins.graphql]\nintrospection = false\n",
  });
  try {
    const send = (query: string): Promise<Response> =>
      bare.fetch("/graphql", { method: "POST", headers: JSON_TYPE, body: JSON.stringify({ query }) });
    expect(await (await send("{ __schema { types { name } } }")).text()).toContain("GraphQL introspection");
    const guess = (await (await send("{ versio }")).json()) as Answer;
    expect(guess.errors?.[0]?.message).toBe('Cannot query field "versio" on type "Query".');
    const after = bare.mark();
    await bare.remove("scripts/a.ts");
    await bare.waitForLog(/script removed/, { after });
    expect((await send("{ version }")).status).toBe(404);
  } finally {
    await bare.stop();
  }
});
