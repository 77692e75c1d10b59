/** What the typed client infers and refuses; `bun check` is the test, nothing here runs. */
import { createClient, type InputOf, type OutputOf, type RouteOf } from "@aiwebengine/sdk/client";
import { json, registerWebHandler } from "@aiwebengine/sdk";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(yes: Same<A, B>): void;

// A script's module, as `typeof import("./scripts/…")` is one.
const module = {
  hello: registerWebHandler("GET /hello/:name", ({ params }) => `Hello, ${params.name}`),
  add: registerWebHandler(
    "POST /notes/:id",
    {
      body: { text: "string <= 280", stars: "number = 0" },
      query: { "full?": "boolean" },
      headers: { "x-key": "string" },
    },
    ({ body }) => ({
      text: body.text,
      at: new Date(),
      gone: undefined,
      tags: new Map([["a", 1]]),
      list: [1, undefined],
    }),
  ),
  page: registerWebHandler("GET /page/:n?", { params: { "n?": "number.integer" } }, ({ params }) => ({
    n: params.n ?? 0,
  })),
  list: registerWebHandler("GET /notes", { query: { limit: "number.integer" } }, () => [{ id: "1" }]),
  made: registerWebHandler("PUT /made", () => json({ a: 1 }, { status: 201 })),
  gone: registerWebHandler("DELETE /notes/:id", () => undefined),
  any: registerWebHandler("ANY /any", () => true),
  files: registerWebHandler("GET /files/*", () => new Response()),
  stream: registerWebHandler("GET /lines", async function* () {
    yield "a";
  }),
  old: registerWebHandler("/old", () => 1, "POST"),
  helper: (): number => 1,
  default: { fetch: (): Response => new Response() },
};
type Module = typeof module;
const api = createClient<Module>("https://a.example");

// The names of routes are those of the exported registrations.
same<
  RouteOf<Pick<Module, "hello" | "add" | "old" | "helper" | "default">>,
  "GET /hello/:name" | "POST /notes/:id" | "POST /old"
>(true);
await api("PATCH /any");
// @ts-expect-error no such route
await api("GET /nope");
// @ts-expect-error no such method on that path
await api("GET /notes/:id", { params: { id: "1" } });
// @ts-expect-error the name of a route is its pattern, not an address
await api("GET /hello/Ada");

// Parameters are those of the path.
same<string, Awaited<ReturnType<typeof hello>>>(true);
const hello = () => api("GET /hello/:name", { params: { name: "Ada" } });
// @ts-expect-error the parameter is missing
await api("GET /hello/:name");
// @ts-expect-error the parameter is missing
await api("GET /hello/:name", { params: {} });
// @ts-expect-error the path names no such parameter
await api("GET /hello/:name", { params: { name: "Ada", age: 1 } });
// @ts-expect-error this path has no parameters
await api("PUT /made", { params: { id: "1" } });
await api("GET /page/:n?");
await api("GET /page/:n?", { params: { n: 3 } });
// @ts-expect-error the schema wants a number
await api("GET /page/:n?", { params: { n: "3" } });
await api("GET /files/*", { params: { "*": "a/b.txt" } });

// Body, query and headers are what the schemas take; defaults may be left out.
const good = { params: { id: "1" }, headers: { "x-key": "k" } };
same<OutputOf<Module, "POST /notes/:id">, { text: string; at: string; tags: {}; list: (number | null)[] }>(true);
const note = await api("POST /notes/:id", { ...good, body: { text: "milk" } });
same<string, typeof note.at>(true);
await api("POST /notes/:id", { ...good, body: { text: "milk", stars: 1 }, query: { full: true } });
// @ts-expect-error the body is missing
await api("POST /notes/:id", good);
// @ts-expect-error text must be a string
await api("POST /notes/:id", { ...good, body: { text: 1 } });
// @ts-expect-error the header is missing
await api("POST /notes/:id", { params: { id: "1" }, body: { text: "milk" } });
// @ts-expect-error full must be a boolean
await api("POST /notes/:id", { ...good, body: { text: "milk" }, query: { full: "yes" } });
await api("GET /notes", { query: { limit: 3 } });
// @ts-expect-error the query is missing
await api("GET /notes");
// @ts-expect-error limit must be a number
await api("GET /notes", { query: { limit: "3" } });
// @ts-expect-error the schema has no such field
await api("GET /notes", { query: { limit: 3, limt: 3 } });
// @ts-expect-error a GET has no body
await api("GET /notes", { query: { limit: 3 }, body: 1 });
// @ts-expect-error no such part
await api("PUT /made", { form: {} });
// What a route did not declare is free.
await api("PUT /made", { body: { what: "ever" }, query: { a: [1, true], b: undefined }, headers: { "x-a": "1" } });
await api("PUT /made", { signal: AbortSignal.timeout(1) });
same<InputOf<Module, "DELETE /notes/:id">["params"], { readonly id: string }>(true);

// Answers are the JSON form of what the handler gives.
same<OutputOf<Module, "GET /notes">, { id: string }[]>(true);
same<OutputOf<Module, "PUT /made">, { a: number }>(true);
same<OutputOf<Module, "DELETE /notes/:id">, undefined>(true);
same<OutputOf<Module, "GET /any">, boolean>(true);
same<OutputOf<Module, "GET /lines">, string>(true);
same<OutputOf<Module, "GET /files/*">, unknown>(true);
same<OutputOf<Module, "POST /old">, number>(true);
// @ts-expect-error the answer has no such field
void note.txt;
same<Promise<Response>, ReturnType<typeof lines>>(true);
const lines = () => api.response("GET /lines");

// Several scripts are one client.
const two = createClient<Pick<Module, "hello"> & Pick<Module, "list">>("https://a.example");
await two("GET /hello/:name", { params: { name: "Ada" } });
await two("GET /notes", { query: { limit: 1 } });
// @ts-expect-error it has no route of the third
await two("PUT /made");
