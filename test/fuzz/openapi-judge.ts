/** Holds answers against an OpenAPI document: the status, the type and the body must be ones that it tells of. */
import Ajv2020, { type ValidateFunction } from "ajv/dist/2020.js";
import { EventParser } from "../plugins/streams/parser.ts";
import type { Answer, Document, Operation, Trial } from "./openapi-trials.ts";
import type { Schema } from "./openapi-values.ts";

/** Failures that an example is made for, or that are its answer: `spin` misbehaves, `proxy` reaches nobody. */
const MAY_FAIL: readonly (readonly [operation: RegExp, statuses: readonly number[]])[] = [
  [/^get_spin/, [500, 503, 504]],
  [/^get_proxy$/, [502]],
];

/** Holds answers against the document. */
export class Judge {
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false });
  /** Of things that answers named. */
  readonly known: string[] = [];
  readonly #compiled = new Map<unknown, ValidateFunction>();

  constructor(readonly api: Document) {}

  /** What is wrong with an answer; null where all of it is as documented. */
  async judge(operation: Operation, { fits, init }: Trial, answer: Response): Promise<string | null> {
    const { status } = answer;
    const type = (answer.headers.get("content-type") ?? "").replace(/ *;.*/, "");
    const documented = this.#documented(operation, status);
    const text = type === "text/event-stream" ? await this.#firstEvent(answer) : await answer.text();
    const told = `${status} ${type} ${text.slice(0, 500)}`;
    const may = MAY_FAIL.find(([name]) => name.test(operation.operationId))?.[1] ?? [];
    if (status >= 500 && !may.includes(status)) return `it failed: ${told}`;
    if (documented === undefined) return `the status is not documented: ${told}`;
    if (fits && status === 422) return `what fits was refused: ${told}`;
    if (fits && status === 415) return `a documented type was refused: ${told}`;
    if (answer.headers.get("x-request-id") === null) return `it has no id: ${told}`;
    const id =
      status < 300 && type === "application/json" ? (JSON.parse(text) as { id?: unknown } | null)?.id : undefined;
    if (typeof id === "string" && this.known.length < 100) this.known.push(id);
    const { content } = documented;
    if (content === undefined || (text === "" && type === "") || init.method === "HEAD") return null;
    const media = content[type];
    if (media === undefined) return `the type is not among ${Object.keys(content).join(", ")}: ${told}`;
    if (media.schema === undefined || !/json/.test(type)) return null;
    const wrong = this.#misfit(media.schema, text);
    return wrong === null ? null : `the body does not fit: ${wrong}: ${told}`;
  }

  #documented({ responses }: Operation, status: number): Answer | undefined {
    const one = responses[status] ?? responses[`${Math.floor(status / 100)}XX`] ?? responses["default"];
    if (one?.$ref === undefined) return one;
    return this.api.components.responses[one.$ref.split("/").at(-1) ?? ""];
  }

  #misfit(schema: Schema, text: string): string | null {
    const check = this.#compiled.get(schema) ?? this.#ajv.compile({ ...schema, components: this.api.components });
    this.#compiled.set(schema, check);
    return check(JSON.parse(text)) ? null : this.#ajv.errorsText(check.errors);
  }

  /** A stream has no end: what it begins with must be of its form. */
  async #firstEvent(answer: Response): Promise<string> {
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const { value } = await reader.read();
    const parser = new EventParser();
    parser.push(value ?? new Uint8Array());
    await reader.cancel();
    if (parser.retry === undefined && parser.comments.length === 0) throw new Error("the stream begins with no field");
    return "";
  }
}
