/** The OpenAPI document of routes: valid for the official schema, true to the router, and stable. */
import { describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import fc from "fast-check";
import { compileDefinition } from "../../../core/isolate/build/schemas.ts";
import { makeDocument, type Info } from "../../../plugins/api-docs/document.ts";
import { makeIndex } from "../../../plugins/api-docs/llms.ts";
import { shapeOf } from "../../../plugins/api-docs/shape.ts";
import type { Json, RouteInfo } from "../../../sdk/plugin.ts";

const INFO: Info = { title: "Shop", version: "2.1.0", description: "" };

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema: Json; description?: string }[];
  readonly requestBody?: { required?: boolean; content: { [type: string]: { schema?: Json } } };
  readonly responses: { readonly [status: string]: { $ref?: string; content?: { [type: string]: { schema: Json } } } };
}

interface Document {
  readonly tags: readonly { name: string }[];
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: { readonly schemas: { readonly [name: string]: Json } };
}

function route(address: string, more: Partial<RouteInfo> = {}): RouteInfo {
  const [method = "", path = ""] = address.split(" ");
  return { method, path, owner: "shop", ofPlugin: false, options: {}, schemas: {}, ...more };
}

const documentAsIs = (...routes: readonly RouteInfo[]): Document =>
  makeDocument({ routes, endpoints: [] }, INFO) as unknown as Document;

// It compiles the schema of OpenAPI once, and holds one document at a time.
const validator = new Validator();

async function documentOf(...routes: readonly RouteInfo[]): Promise<Document> {
  const document = makeDocument({ routes, endpoints: [] }, INFO);
  const { valid, errors } = await validator.validate(structuredClone(document) as Record<string, unknown>);
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  return document as unknown as Document;
}

const operations = ({ paths }: Document): readonly Operation[] =>
  Object.values(paths).flatMap((one) => Object.values(one));

/** As the builder compiles them. */
async function schemas(definitions: { readonly [part: string]: unknown }): Promise<RouteInfo["schemas"]> {
  const compiled = Object.entries(definitions).map(
    async ([part, one]) => [part, await compileDefinition(one)] as const,
  );
  return Object.fromEntries(await Promise.all(compiled));
}

describe("what a point answers for a script", () => {
  test("of a media type is of that type", async () => {
    const [one] = operations(await documentOf(route("GET /map", { produces: "image/svg+xml" })));
    expect(one?.responses["2XX"]?.content).toEqual({ "image/svg+xml": {} } as never);
  });
  test("as a stream says what an event is, and how a client resumes; it sends nobody elsewhere", async () => {
    const [one] = operations(await documentOf(route("GET /rooms/:id", { produces: "text/event-stream" })));
    const event = { type: "object", required: ["data"], properties: { id: {}, event: {}, data: {}, retry: {} } };
    expect(one?.responses["2XX"]?.content).toMatchObject({
      "text/event-stream": { schema: { type: "string" }, "x-itemSchema": event },
    } as never);
    expect(one?.parameters?.map(({ name, in: where }) => [name, where])).toEqual([
      ["id", "path"],
      ["Last-Event-ID", "header"],
    ]);
    expect(Object.keys(one?.responses ?? {})).not.toContain("3XX");
  });
});

test("a WebSocket is a GET that is answered with 101, with the schema of what clients send", async () => {
  const input = await schemas({ input: { text: "1 <= string <= 9", "child?": "this" } });
  const socket = route("GET /talk/:room", { protocol: "websocket", schemas: input });
  const document = await documentOf(socket, route("GET /bare", { protocol: "websocket" }));
  const [bare, one] = operations(document) as unknown as { responses: object; "x-websocket": object }[];
  expect(Object.keys(one?.responses ?? {})).toEqual(expect.arrayContaining(["101", "404", "default"]));
  expect(Object.keys(one?.responses ?? {})).not.toContain("2XX");
  expect(one?.["x-websocket"]).toEqual({ input: { $ref: "#/components/schemas/get_talk_by-room.input.1" } });
  expect(bare?.["x-websocket"]).toEqual({});
  const told = makeIndex({ routes: [socket], endpoints: [] }, INFO, { document: "/openapi.json", page: "/docs" });
  expect(told).toContain(
    "- `GET /talk/:room`: A WebSocket: messages are JSON, as text. Messages: `{ text: string (1 to 9), ",
  );
});

describe("what plugins serve", () => {
  const ofPlugin = (address: string, options: RouteInfo["options"] = {}): RouteInfo =>
    route(address, { owner: "door", ofPlugin: true, options });
  test("is in the document where it says what it is for; a protocol of its own is an endpoint", async () => {
    const routes = [ofPlugin("ANY /mcp"), ofPlugin("GET /health", { summary: "Whether it runs" })];
    const endpoints = [{ title: "MCP", path: "/mcp", summary: "Tools.", owner: "door" }];
    const document = makeDocument({ routes, endpoints }, INFO);
    expect((await validator.validate(structuredClone(document) as Record<string, unknown>)).valid).toBe(true);
    expect(document).toMatchObject({ "x-endpoints": [{ title: "MCP", path: "/mcp", summary: "Tools." }] });
    expect(Object.keys((document as unknown as Document).paths)).toEqual(["/health"]);
    expect(makeDocument({ routes, endpoints: [] }, INFO)).not.toHaveProperty("x-endpoints");
  });
});

describe("paths", () => {
  test("parameters, an optional one as two paths, and the rest of a path", async () => {
    const { paths } = await documentOf(route("GET /notes/:id/:part?"), route("GET /files/*"));
    expect(Object.keys(paths)).toEqual(["/files/{path}", "/notes/{id}", "/notes/{id}/{part}"]);
    expect(paths["/files/{path}"]!["get"]!.parameters).toEqual([
      {
        name: "path",
        in: "path",
        required: true,
        description: "The rest of the path; it may hold slashes.",
        schema: { type: "string" },
      },
    ]);
  });
  test("where two forms of a pattern are one path the left parameter is filled, as in the router", async () => {
    const { paths } = await documentOf(route("GET /:z?/:a?"));
    expect(Object.keys(paths)).toEqual(["/", "/{z}", "/{z}/{a}"]);
  });
  test("one path whose methods call a parameter differently has one name for it", async () => {
    const { paths } = await documentOf(
      route("GET /notes/:id"),
      route("DELETE /notes/:key", { schemas: await schemas({ params: { key: "string.uuid" } }) }),
    );
    expect(Object.keys(paths)).toEqual(["/notes/{id}"]);
    const [parameter] = paths["/notes/{id}"]!["delete"]!.parameters ?? [];
    expect(parameter).toMatchObject({ name: "id", schema: { format: "uuid" } });
  });
  test("braces and what else a URL encodes are text, not parameters", async () => {
    const { paths } = await documentOf(
      route("GET /a{b}/%20x/é@:c".replace(":c", "c")),
      route("GET /a:b".replace(":b", "$")),
    );
    expect(Object.keys(paths).toSorted()).toEqual(["/a$", "/a%7Bb%7D/%20x/%C3%A9@c"]);
  });
  test("a route of any method fills the methods that no other route has", async () => {
    const { paths } = await documentOf(route("ANY /all"), route("POST /all", { owner: "desk" }));
    expect(
      Object.entries(paths["/all"]!)
        .map(([method, { tags }]) => [method, tags[0]])
        .toSorted(),
    ).toEqual([
      ["delete", "shop"],
      ["get", "shop"],
      ["patch", "shop"],
      ["post", "desk"],
      ["put", "shop"],
    ]);
  });
});

describe("operation ids", () => {
  test("say what they are, and depend on nothing but the method and the path", async () => {
    const ids = operations(
      await documentOf(route("GET /"), route("POST /notes"), route("GET /notes/:id"), route("GET /f/*")),
    );
    expect(ids.map(({ operationId }) => operationId)).toEqual(["get", "get_f_all", "post_notes", "get_notes_by-id"]);
    const [alone] = operations(await documentOf(route("GET /a_b", { owner: "other" })));
    const among = operations(await documentOf(route("GET /a/b"), route("GET /a_b"), route("GET /a-b")));
    expect(among.map(({ operationId }) => operationId)).toContain(alone!.operationId);
  });
  test("are unique, whatever the paths", () => {
    const piece = fc.constantFrom(
      "a",
      "a_b",
      "by-id",
      ":id",
      ":i_d",
      "all",
      "é",
      "%C3",
      "{x}",
      "a.b",
      "a-b",
      "-",
      "_",
      ":o?",
    );
    const pieces = fc.uniqueArray(piece, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (all) => {
        const ids = operations(documentAsIs(...all.map((one) => route(`GET /${one.join("/")}`))));
        expect(new Set(ids.map((one) => one.operationId)).size).toBe(ids.length);
      }),
      { numRuns: 300 },
    );
  });
});

describe("input and answers", () => {
  test("come from the schemas as the builder compiled them", async () => {
    const definitions = {
      query: { "tag?": "string[]", n: "1 <= number.integer <= 100 = 20" },
      headers: { "x-key": "string", "Accept?": "string" },
      body: { text: "0 < string <= 280" },
      response: { id: "string" },
    };
    const { paths } = await documentOf(route("POST /notes", { schemas: await schemas(definitions) }));
    const { parameters, requestBody, responses } = paths["/notes"]!["post"]!;
    expect(parameters?.map(({ name, in: where, required }) => [name, where, required ?? false])).toEqual([
      ["n", "query", false],
      ["tag", "query", false],
      ["x-key", "header", true],
    ]);
    expect(parameters?.[0]?.schema).toEqual({ type: "integer", minimum: 1, maximum: 100, default: 20 });
    const body = {
      type: "object",
      properties: { text: { type: "string", minLength: 1, maxLength: 280 } },
      required: ["text"],
    };
    expect(requestBody).toMatchObject({ required: true, content: { "application/json": { schema: body } } });
    expect(Object.keys(requestBody!.content)).toContain("multipart/form-data");
    const answer = { type: "object", properties: { id: { type: "string" } }, required: ["id"] };
    expect(responses["2XX"]).toMatchObject({ content: { "application/json": { schema: answer } } });
  });
  test("a schema that holds itself is a component with a name that does not change", async () => {
    const definitions = { body: { name: "string", "child?": "this" }, response: { "list?": "this[]" } };
    const once = await documentOf(route("POST /tree", { schemas: await schemas(definitions) }));
    const again = await documentOf(route("GET /x"), route("POST /tree", { schemas: await schemas(definitions) }));
    expect(Object.keys(again.components.schemas)).toEqual(Object.keys(once.components.schemas));
    const tree = once.components.schemas["post_tree.body.1"];
    expect(tree).toMatchObject({ properties: { child: { $ref: "#/components/schemas/post_tree.body.1" } } });
    expect(JSON.stringify(once)).not.toContain("$defs");
  });
  test("a property called $ref, and data that looks like one, stay what they are", () => {
    const body = { type: "object", properties: { $ref: { const: { $ref: "#/$defs/x" } } } };
    // The validator itself takes every `$ref` for a reference.
    const { paths } = documentAsIs(route("POST /x", { schemas: { body } }));
    expect(paths["/x"]!["post"]!.requestBody!.content["application/json"]!.schema).toEqual(body);
  });
  test("a schema without an end, or with references to nothing, is cut", async () => {
    let body: { readonly [key: string]: Json } = { $ref: "#/$defs/none", $id: "https://elsewhere.example/" };
    for (let depth = 0; depth < 5000; depth++) body = { type: "array", items: body };
    const { paths } = await documentOf(route("POST /x", { schemas: { body, query: { $ref: "#/$defs/none" } } }));
    expect(JSON.stringify(paths)).not.toContain("elsewhere");
  });
  test("a form is offered where every field is text or a list of texts", async () => {
    const typesOf = async (definition: unknown): Promise<string[]> => {
      const { paths } = await documentOf(route("POST /x", { schemas: await schemas({ body: definition }) }));
      return Object.keys(paths["/x"]!["post"]!.requestBody!.content);
    };
    const forms = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"];
    expect(await typesOf({ a: "string", "b?": "number[]", c: "'x' | 'y'", d: "boolean" })).toEqual(forms);
    expect(await typesOf({ a: { b: "string" } })).toEqual(["application/json"]);
    expect(await typesOf({ "a?": "this" })).toEqual(["application/json"]);
    expect(await typesOf("string")).toEqual(["application/json", "text/plain"]);
  });
  test("there is no body of a GET, and none of a DELETE without a schema", async () => {
    const body = await schemas({ body: { a: "string" } });
    const { paths } = await documentOf(route("GET /a", { schemas: body }), route("DELETE /a"), route("PUT /a"));
    const { get, delete: remove, put } = paths["/a"]!;
    expect([get!.requestBody, remove!.requestBody, put!.requestBody?.content]).toEqual([
      undefined,
      undefined,
      { "*/*": {} },
    ]);
  });
});

describe("problems", () => {
  const statuses = (one: Operation | undefined): string[] => Object.keys(one?.responses ?? {});
  test("invalid input is told where there is a schema, no such thing where there is a name, limits for scripts only", async () => {
    const { paths } = await documentOf(
      route("GET /plain"),
      route("GET /of/:id"),
      route("POST /body", { schemas: await schemas({ body: "string" }) }),
      route("GET /health", { ofPlugin: true, owner: "health", options: { summary: "Runs" } }),
    );
    expect(statuses(paths["/plain"]!["get"])).toEqual([
      "400",
      "431",
      "500",
      "502",
      "503",
      "504",
      "2XX",
      "3XX",
      "default",
    ]);
    expect(statuses(paths["/of/{id}"]!["get"])).toContain("404");
    expect(statuses(paths["/body"]!["post"])).toEqual(expect.arrayContaining(["408", "413", "422"]));
    expect(statuses(paths["/health"]!["get"])).toEqual(["431", "500", "503", "2XX"]);
  });
});

describe("what scripts say of themselves", () => {
  test("summary, description, tags and deprecated; the script is the tag where it has none", async () => {
    const options = { summary: "Save", description: "Saves.\nTwice.", tags: ["notes", "notes", "b"], deprecated: true };
    const document = await documentOf(
      route("GET /a", { options }),
      route("GET /b", { owner: "health", ofPlugin: true, options: { summary: "Runs" } }),
    );
    expect(document.paths["/a"]!["get"]).toMatchObject({ ...options, tags: ["notes", "b"] });
    expect(document.tags).toEqual([
      { name: "b" },
      { name: "notes" },
      { name: "health", description: "Of a plugin of the engine." } as never,
    ]);
  });
  test("any data in the place of text is left out, and a summary is one line", async () => {
    const anything = fc.jsonValue() as fc.Arbitrary<Json>;
    const options = fc.record({ summary: anything, description: anything, tags: anything, deprecated: anything });
    await documentOf(...fc.sample(options, 300).map((one, at) => route(`GET /${at}`, { options: one })));
    const { paths } = await documentOf(route("GET /a", { options: { summary: "a\u001b[31m\nb\u202e\u2028c" } }));
    expect(paths["/a"]!["get"]!.summary).toBe("a [31m b c");
  });
});

describe("the index for agents", () => {
  const places = { document: "/openapi.json", page: "/docs" };
  const indexOf = (routes: readonly RouteInfo[]): readonly string[] => {
    const endpoints = [{ title: "MCP", path: "/mcp", summary: "Tools\nfor agents.", owner: "mcp" }];
    return makeIndex({ routes, endpoints }, { ...INFO, description: "All\nof it" }, places).split("\n");
  };
  test("has a line for each route with what it takes and gives, and the endpoints that plugins serve", async () => {
    const definitions = { body: { text: "1 <= string <= 280", "tags?": "string[]" }, response: { id: "string" } };
    const lines = indexOf([
      route("POST /notes", { options: { summary: "Save\n## a note" }, schemas: await schemas(definitions) }),
      route("GET /old", { options: { deprecated: true } }),
      route("GET /events", { produces: "text/event-stream" }),
      route("ANY /mcp", { owner: "mcp", ofPlugin: true }),
    ]);
    expect(lines.slice(0, 3)).toEqual(["# Shop", "", "> All of it"]);
    expect(lines.slice(6)).toEqual([
      "- [OpenAPI](/openapi.json): every route with its parameters, bodies, answers and problems, as JSON",
      "- [Documentation](/docs): the same for people, with a form to try each route",
      "- [MCP](/mcp): Tools for agents.",
      "",
      "## shop",
      "",
      "- `GET /events`: Server-sent events: ask with `accept: text/event-stream`.",
      "- `POST /notes`: Save ## a note. Body: `{ text: string (1 to 280), tags?: string[] }` Answer: `{ id: string }`",
      "- `GET /old` (deprecated)",
      "",
      "",
    ]);
  });
  test("stays one line each, whatever the schemas are called and however large they are", async () => {
    const wide = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`field ${n}`, "string"]));
    const [line = "", ...more] = indexOf([
      route("POST /a", { schemas: await schemas({ body: { "x`\n# y": "'`'", "tree?": "this", ...wide } }) }),
    ]).filter((one) => one.includes("/a`"));
    expect(more).toEqual([]);
    expect(line.split("`")).toHaveLength(5);
    expect(line.length).toBeLessThan(500);
  });
  const shapes: readonly [unknown, string][] = [
    ["'a' | 'b' | 1", '"a" | "b" | 1'],
    [{ n: "1 <= number.integer <= 9 = 3" }, "{ n?: integer (1 to 9; default 3) }"],
    ["string.email", "string (email)"],
    ["string <= 5", "string (at most 5)"],
    ["number > 2", "number (above 2)"],
    ["(string | number)[] >= 1", "(number | string)[] (at least 1)"],
    [{ a: "unknown", "b?": { c: "boolean" } }, "{ a: anything, b?: { c: boolean } }"],
    [{ "[string]": "number" }, "{ [name]: number }"],
    ["/^a+$/", "string (/^a+$/)"],
  ];
  test.each(shapes)("writes a schema as one would write the type: %p", async (definition, text) => {
    expect(shapeOf(await compileDefinition(definition))).toBe(text);
  });
});
