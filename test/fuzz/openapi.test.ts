/** The examples, asked what their own documentation says, short: nothing fails, and all is as documented; and a control. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Engine } from "../e2e/engine.ts";
import { fuzzOpenApi, startExamples } from "./openapi.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000);

/** Each answers in a way that its documentation does not tell of. */
const LIAR = `registerWebHandler("GET /liar/fails/:n", ({ params }) => params.n.length > 8 ? null.x : "fine");
register("/liar/loses", () => new Response("no", { status: 404 }));
registerWebHandler("GET /liar/lies", { response: { id: "string" } }, () => new Response('{"id":1}', { headers: { "content-type": "application/json" } }));
registerWebHandler("POST /liar/refuses", { body: { n: "number" } }, () => { throw new HttpError(422, "Never."); });
`;
const FAULTS = ["get_liar_fails_by-n", "get_liar_loses", "get_liar_lies", "post_liar_refuses"];

let engine: Engine;
beforeAll(async () => {
  engine = await startExamples({ "liar.js": LIAR });
}, 30_000);
afterAll(() => engine?.stop());

test(`what is documented is so, whatever is sent, and what is not is found (FUZZ_SEED=${seed})`, async () => {
  const { operations, requests, found } = await fuzzOpenApi(engine, 8000, seed);
  const ofLiar = (one: string): boolean => FAULTS.some((id) => one.startsWith(`${id}: `));
  expect(found.filter((one) => !ofLiar(one))).toEqual([]);
  expect(found.filter(ofLiar).map((one) => one.slice(0, one.indexOf(":")))).toEqual(expect.arrayContaining(FAULTS));
  expect(operations).toBeGreaterThan(25);
  expect(requests).toBeGreaterThan(500);
}, 60_000);
