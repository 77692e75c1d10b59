/** Bytes that a handler answers with stay the script's: what it has done to them, or does while they are sent. */
import { expect, test } from "bun:test";
import { Scripted, type Answered } from "./scripted.ts";

const AROUND = `registerMiddleware(async (context, next) => await next());`;
const GIVEN_AWAY = `const bytes = new Uint8Array(16); bytes.buffer.transfer();`;
const FORGED = `const bytes = new (class extends Uint8Array {
  get length() { return 2 ** 31; }
  get byteLength() { return 2 ** 31; }
  get buffer() { return new ArrayBuffer(1); }
})([65, 66, 67]);`;

async function answer(code: string): Promise<Answered> {
  const scripted = new Scripted();
  const list = await scripted.registered(code, { form: "classic" });
  return scripted.request(list.findIndex(({ fn }) => fn !== "registerMiddleware"));
}

for (const [way, before] of [
  ["", ""],
  [", through a middleware", AROUND],
] as const) {
  for (const value of ["bytes", "{ status: 201, body: bytes }"]) {
    test(`${value} whose buffer was given away fails at once${way}`, async () => {
      const { failure } = await answer(`${before} register("/x", () => { ${GIVEN_AWAY} return ${value}; });`);
      expect(failure).toMatchObject({ kind: "thrown", name: "TypeError" });
    });

    test(`${value} with a length of its own is as long as it is${way}`, async () => {
      const { body } = await answer(`${before} register("/x", () => { ${FORGED} return ${value}; });`);
      expect(body).toBe("ABC");
    });
  }
}

for (const value of ["bytes", "{ status: 200, body: bytes }"]) {
  test(`${value} that changes once a middleware has the Response changes nothing of it`, async () => {
    const { body } = await answer(`
      const bytes = new Uint8Array([65, 66, 67]);
      registerMiddleware(async (context, next) => { const response = await next(); bytes.fill(90); return response; });
      register("/x", () => (${value}));`);
    expect(body).toBe("ABC");
  });
}

const LONG = 3 * 1024 * 1024;

test("bytes whose buffer is given away while they are sent break off", async () => {
  const { failure } = await answer(`register("/x", () => {
    const bytes = new Uint8Array(${LONG});
    setTimeout(() => bytes.buffer.transfer(), 0);
    return bytes;
  });`);
  expect(failure).toMatchObject({ kind: "thrown", name: "TypeError" });
});

test("so does a piece that an async generator yielded", async () => {
  const { failure } = await answer(`register("/x", async function* () {
    const bytes = new Uint8Array(${LONG});
    setTimeout(() => bytes.buffer.transfer(), 0);
    yield bytes;
  });`);
  expect(failure).toMatchObject({ kind: "thrown", name: "TypeError" });
});

test("an answer that cannot go out as it was made is told as a failure", async () => {
  // What the headers run while they are written takes the bytes away again.
  const { failure } = await answer(`register("/x", () => {
    const bytes = new Uint8Array(16);
    Array.prototype.toJSON = () => { bytes.buffer.transfer(); return []; };
    return { status: 200, body: bytes };
  });`);
  expect(failure).toMatchObject({ kind: "thrown", name: "Error" });
});
