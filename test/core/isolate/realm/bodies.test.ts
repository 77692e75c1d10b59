/** `body`, `form` and `files` of a context: what a script is given of a body, and which bodies are refused before it runs on. */
import { describe, expect, test } from "bun:test";
import { Scripted } from "./scripted.ts";

const CODE = `

registerWebHandler("POST /body", (c) => ({ body: c.body ?? null }));
registerWebHandler("POST /form", (c) => ({ form: c.form, files: Object.keys(c.files) }));
registerWebHandler("POST /typed", { body: { text: "string" } }, (c) => ({ body: c.body }));
`;
const SCHEMA = { body: { type: "object", properties: { text: { type: "string" } }, required: ["text"] } };
const MULTIPART = "multipart/form-data; boundary=b";
const part = (name: string, value: string): string =>
  `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

async function post(registration: number, type: string, body: string | Uint8Array): Promise<unknown> {
  const scripted = new Scripted();
  await scripted.registered(CODE, { form: "classic", schemas: { "2": SCHEMA as never } });
  const { failure, body: text } = await scripted.request(registration, { method: "POST", type, body });
  return failure ? [failure.kind, failure.status, failure.code, failure.message] : JSON.parse(text);
}

const refused = (message: string): unknown => ["http", 400, "bad_request", message];
const NO_FORM = refused("The request body is not a valid form: a boundary or a part's head is missing or broken.");
const NO_TEXT = refused("The request body is not valid JSON: it is not UTF-8.");

describe("JSON", () => {
  const bytes = Uint8Array.from([...new TextEncoder().encode('{"text":"'), 0xff, ...new TextEncoder().encode('"}')]);

  test("that is not UTF-8 is refused, not repaired", async () => {
    expect(await post(0, "application/json", bytes)).toEqual(NO_TEXT);
    expect(await post(2, "application/json", bytes)).toEqual(NO_TEXT);
    expect(await post(2, "", bytes)).toEqual(NO_TEXT);
  });

  test("may hold the replacement character, and begin with a byte order mark", async () => {
    expect(await post(0, "application/json", '\ufeff{"text":"\ufffd"}')).toEqual({ body: { text: "\ufffd" } });
  });

  test("that breaks off is refused with the reason", async () => {
    expect(await post(2, "application/json", '{"text":')).toEqual([
      "http",
      400,
      "bad_request",
      expect.stringMatching(/^The request body is not valid JSON: ./),
    ]);
  });
});

describe("a form", () => {
  test("of parts is read", async () => {
    expect(await post(1, MULTIPART, `${part("a", "1")}${part("a", "2")}--b--`)).toEqual({
      form: { a: ["1", "2"] },
      files: [],
    });
    expect(await post(1, MULTIPART, "--b--")).toEqual({ form: {}, files: [] });
  });

  for (const [what, type, body] of [
    ["without a boundary", "multipart/form-data", part("a", "1")],
    ["whose boundary is another", "multipart/form-data; boundary=c", `${part("a", "1")}--b--`],
    ["that breaks off", MULTIPART, part("a", "1").slice(0, -3)],
    ["whose part has no name", MULTIPART, "--b\r\ncontent-disposition: form-data\r\n\r\n1\r\n--b--"],
  ] as const) {
    test(`${what} is refused, not taken for an empty one`, async () => {
      for (const registration of [0, 1, 2]) expect(await post(registration, type, body)).toEqual(NO_FORM);
    });
  }

  test("is empty where the body is none", async () => {
    expect(await post(1, "application/json", "{}")).toEqual({ form: {}, files: [] });
    expect(await post(1, "application/x-www-form-urlencoded", "a=%zz")).toEqual({ form: { a: "%zz" }, files: [] });
  });
});
