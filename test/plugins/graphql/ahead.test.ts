/** Handlers of fields are asked before graphql comes to them: how often, with what, and that the answer is the same. */
import { expect, test } from "bun:test";
import { execute, parse } from "graphql";
import { buildSchema, coordinates } from "../../../plugins/graphql/build.ts";
import { Operation } from "../../../plugins/graphql/resolve.ts";
import type { Json, PointRegistration, RemoteInput } from "../../../sdk/plugin.ts";

const NOTES: Json = [{ id: 1, by: 7 }, null, { id: 2, by: 8 }, { id: 3, by: 7, hidden: true }];
const TYPES = `interface Named { name: String }
  type User implements Named { name: String boss: User }
  type Note { id: ID }
  type Page { notes: [Note] pinned: [[Note]] }`;

type Answer = (input: RemoteInput) => Json;
const forAll =
  (answer: (parent: { readonly [name: string]: Json }, args: { readonly [name: string]: Json }) => Json): Answer =>
  ({ payload, args }) =>
    (payload as { readonly [name: string]: Json }[]).map((parent) => answer(parent, args as never));

const HANDLERS: readonly (readonly [fn: string, field: string, answer: Answer])[] = [
  ["registerQueryHandler", "notes: [Note]", () => NOTES],
  [
    "registerQueryHandler",
    "page: Page",
    () => ({ notes: NOTES, pinned: [[{ id: 1, by: 7 }], [{ id: 2, by: 8 }, null]] }),
  ],
  ["registerQueryHandler", "named: [Named]", () => [{ __typename: "User", id: 5 }]],
  ["registerQueryHandler", "odd: Note", () => "no object"],
  ["registerFieldHandler", "Note.author(from: Int): User", forAll(({ by = 0 }) => ({ id: by }))],
  ["registerFieldHandler", "User.boss", forAll(({ id = 0 }) => (id === 7 ? { id: 99 } : null))],
  ["registerFieldHandler", "User.name", forAll(({ id = 0 }, { from = 0 }) => `user ${Number(id) + Number(from)}`)],
  ["registerFieldHandler", "Note.short: String", () => ["too few"]],
];

/** What the operation gives, and which handler was asked for how many objects, in order. */
async function run(query: string, variableValues: { readonly [name: string]: unknown } = {}) {
  const asked: (readonly [field: string, objects: unknown, args: unknown])[] = [];
  const all: readonly PointRegistration[] = [
    { script: "a", id: 0, fn: "registerType", data: TYPES, options: {}, schemas: {} },
    ...HANDLERS.map(([fn, name, answer], id) => ({
      script: "a",
      id: id + 1,
      fn,
      name,
      options: {},
      schemas: {},
      invoke: async (input: RemoteInput) => {
        const { payload, args } = input;
        asked.push([
          name.split(/[(:]/, 1)[0]!,
          Array.isArray(payload) ? payload.length : "root",
          { ...(args as object) },
        ]);
        return answer(input);
      },
    })),
  ];
  const live = coordinates(all);
  const schema = buildSchema(all, (name) => live.get(name))!;
  const operation = new Operation("i1", null, new AbortController().signal, true, () => {});
  const result = await execute({ schema, document: parse(query), variableValues, contextValue: { operation } });
  const { data, errors } = JSON.parse(JSON.stringify(result)) as { data: unknown; errors?: { path: unknown }[] };
  return {
    data,
    asked: asked.map(([field, objects]) => `${field} ${objects}`),
    args: asked.map(([, , args]) => args),
    errors,
  };
}

test("handlers within handlers are called once each, nulls of the list left out", async () => {
  const { data, asked } = await run("{ notes { id author { name boss { name } } } }");
  const boss = { name: "user 99" };
  expect(data).toEqual({
    notes: [
      { id: "1", author: { name: "user 7", boss } },
      null,
      { id: "2", author: { name: "user 8", boss: null } },
      { id: "3", author: { name: "user 7", boss } },
    ],
  });
  expect(asked).toEqual(["notes root", "Note.author 3", "User.name 3", "User.boss 3", "User.name 2"]);
});

test("fields without a handler, lists of lists, fragments and aliases lead to them", async () => {
  const { data, asked } = await run(
    `{ page { notes { ...n } pinned { ... on Note { a: author { ... on Named { name } } b: author { name } } } } }
     fragment n on Note { author { ...u ...u } } fragment u on User { name }`,
  );
  expect(data).toEqual({
    page: {
      notes: [7, null, 8, 7].map((id) => id && { author: { name: `user ${id}` } }),
      pinned: [[7], [8, null]].map((row) =>
        row.map((id) => id && { a: { name: `user ${id}` }, b: { name: `user ${id}` } }),
      ),
    },
  });
  expect(asked.toSorted()).toEqual(
    [
      "Note.author 2",
      "Note.author 2",
      "Note.author 3",
      "User.name 2",
      "User.name 2",
      "User.name 3",
      "page root",
    ].toSorted(),
  );
});

test("arguments are those of the operation's variables", async () => {
  const { args } = await run("query($n: Int) { notes { author(from: $n) { name } } }", { n: 4 });
  expect(args).toEqual([{}, { from: 4 }, {}]);
});

test("what directives may leave out, abstract types and fields that two places ask for have their values all the same", async () => {
  const query = `query($no: Boolean!, $yes: Boolean!) {
    notes { author @skip(if: $no) { name } ...x @include(if: $no) }
    notes { author @include(if: $yes) { boss { name } } }
    named { name ... on User { boss { name } } }
  } fragment x on Note { short }`;
  const { data, asked, errors } = await run(query, { no: false, yes: true });
  expect(errors).toBeUndefined();
  expect((data as { notes: unknown[]; named: unknown[] }).notes[0]).toEqual({
    author: { name: "user 7", boss: { name: "user 99" } },
  });
  expect((data as { named: unknown[] }).named).toEqual([{ name: "user 5", boss: null }]);
  expect(asked.filter((one) => one.startsWith("Note."))).toEqual(["Note.author 3"]);
});

test("a handler that fails is an error at each of its places, and its neighbours have their values", async () => {
  const { data, errors } = await run("{ notes { short id } odd { author { name } } }");
  expect((data as { notes: unknown[] }).notes[0]).toEqual({ short: null, id: "1" });
  expect(errors?.map(({ path }) => path)).toEqual(
    expect.arrayContaining([
      ["notes", 0, "short"],
      ["notes", 2, "short"],
      ["notes", 3, "short"],
    ]),
  );
  expect(JSON.stringify(errors)).toContain("a list of 1; it was asked for a list of 3");
});
