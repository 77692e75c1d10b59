/**
 * Requests made of the engine's own OpenAPI document, sent to the examples: no failure of ours, whatever comes; every
 * answer has a status, a type and a body that the document tells of; and what fits the document is not refused.
 */
import fc from "fast-check";
import { startEngine, type Engine } from "../e2e/engine.ts";
import { readExamples, whenLoaded } from "../e2e/examples.ts";
import { Judge } from "./openapi-judge.ts";
import { trials, type Document, type Operation } from "./openapi-trials.ts";

/** What the examples do not have: an answer with a schema, names in the path that are checked, headers, a schema in itself. */
const ORDERS = `import { registerWebHandler, HttpError } from "@aiwebengine/sdk";
const LINE = { sku: "string > 0", count: "1 <= number.integer <= 99", "gift?": "boolean" };
registerWebHandler("PUT /orders/:number", {
  params: { number: "0 < number.integer < 1000000" },
  query: { "mode?": "'fast' | 'slow'", "tag?": "string[] <= 3" },
  headers: { "x-key?": "string <= 40" },
  body: { lines: [LINE, "[]"], "note?": "string <= 20 | null", "parent?": "this" },
  response: { number: "number", lines: [LINE, "[]"], mode: "'fast' | 'slow'" },
}, ({ params, query, body }) => {
  if (body.note === "gone") throw new HttpError(410, "It is gone.");
  return { number: params.number, lines: body.lines, mode: query.mode ?? "slow" };
});
registerWebHandler("POST /sign", { body: { name: "string <= 40", age: "0 <= number.integer < 200", "tags?": "string[]" } },
  ({ body }) => ({ adult: body.age >= 18 }));
`;

/** Nobody outside is asked. A killed isolate is looked at, not waited for. */
const CONFIG = `[fetch]
denyHosts = ["0.0.0.0/0", "::/0"]
[scripts.spin.limits]
wallMs = 300
uninterruptedMs = 200
`;

const isSpin = ({ operationId }: Operation): boolean => operationId.startsWith("get_spin");

/** @param more scripts beside the examples */
export async function startExamples(more: Readonly<Record<string, string>> = {}): Promise<Engine> {
  const scripts = { ...(await readExamples()), "orders.ts": ORDERS, ...more };
  // With --dev an answer that does not fit its own schema is a failure.
  const engine = await startEngine({ scripts, args: ["--dev"], config: CONFIG });
  await whenLoaded(engine, scripts);
  return engine;
}

export interface FuzzResult {
  readonly seed: number;
  readonly operations: number;
  readonly requests: number;
  readonly found: readonly string[];
}

/** Takes the operations in turn until the time is over; each has a turn at least. */
export async function fuzzOpenApi(engine: Engine, milliseconds: number, seed: number): Promise<FuzzResult> {
  const api = (await (await engine.fetch("/openapi.json")).json()) as Document;
  const judge = new Judge(api);
  const all = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const found = new Set<string>();
  let requests = 0;
  const end = performance.now() + milliseconds;
  for (let turn = 0; turn === 0 || performance.now() < end; turn++) {
    for (const { path, method, operation } of all) {
      // Each call of it costs an isolate.
      if (turn > 0 && (isSpin(operation) || performance.now() > end)) continue;
      const property = fc.asyncProperty(trials(path, method, operation, api.components, judge.known), async (trial) => {
        requests++;
        const wrong = await judge.judge(operation, trial, await engine.fetch(trial.path, trial.init));
        if (wrong !== null)
          throw new Error(`${method.toUpperCase()} ${trial.path} ${JSON.stringify(trial.init)}: ${wrong}`);
      });
      const numRuns = isSpin(operation) ? 1 : 30;
      const report = await fc.check(property, { numRuns, seed: seed + turn, endOnFailure: false });
      if (report.failed) found.add(`${operation.operationId}: ${String((report.errorInstance as Error).message)}`);
    }
  }
  for (const [path, methods] of Object.entries(api.paths)) {
    requests++;
    const wrong = await otherMethod(engine, path, Object.keys(methods));
    if (wrong !== null) found.add(wrong);
  }
  return { seed, operations: all.length, requests, found: [...found] };
}

/** A method that the document does not have is 405, and the answer says which there are. */
async function otherMethod(engine: Engine, path: string, methods: readonly string[]): Promise<string | null> {
  const other = ["delete", "patch", "put", "post"].find((method) => !methods.includes(method));
  if (other === undefined) return null;
  const answer = await engine.fetch(path.replaceAll(/\{[^}]*\}/g, "x"), { method: other.toUpperCase() });
  await answer.text();
  const allowed = (answer.headers.get("allow") ?? "").toLowerCase().split(/, */);
  const right = answer.status === 405 && methods.every((method) => allowed.includes(method));
  return right ? null : `${other} ${path}: ${answer.status}, allow: ${allowed.join(" ")}`;
}

if (import.meta.main) {
  const seconds = Number(process.argv[2] ?? 60);
  const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
  await using engine = await startExamples();
  const { operations, requests, found } = await fuzzOpenApi(engine, seconds * 1000, seed);
  console.log(`openapi: ${requests} requests to ${operations} operations, seed ${seed}, ${found.length} found`);
  for (const one of found) console.log(one);
  process.exitCode = found.length === 0 ? 0 : 1;
}
