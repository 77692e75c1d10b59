/** A registration inside the realm: its handler, and what its schemas check before and after it. */
import type { JsonSchema, Registration } from "../../script/types.ts";
import { Context } from "./context.ts";
import { InputError } from "./errors.ts";
import type { Handler } from "./register.ts";
import { makeCoercer, makeValidator, type ValidationError } from "./validate.ts";

type Check = (context: Context, errors: ValidationError[]) => void;
type Schemas = { readonly [part: string]: JsonSchema };

/** Of a web handler. */
export interface WebRunner {
  readonly data: false;
  readonly fetchForm: boolean;
  readonly handler: Handler;
  /** Null when it declared no schemas. */
  readonly check: Check | null;
  readonly schemaBody: boolean;
  readonly checkAnswer: ((value: unknown) => readonly ValidationError[]) | null;
}

/** Of a point's handler: data in, data out. */
export interface DataRunner {
  readonly data: true;
  /** Null where the point takes none. */
  readonly handler: Handler | null;
  /** Functions among the options; null where there are none. */
  readonly inOptions: { readonly [option: string]: Handler } | null;
  readonly checkInput: ((value: unknown) => readonly ValidationError[]) | null;
  /** Of what it gives back: callers were promised this form. */
  readonly checkOutput: ((value: unknown) => readonly ValidationError[]) | null;
}

export type Runner = WebRunner | DataRunner;

function addErrors(into: ValidationError[], part: string, found: readonly ValidationError[]): void {
  for (let i = 0; i < found.length; i++) {
    const { path, message, expected } = found[i] as ValidationError;
    into[into.length] = { path: `/${part}${path}`, message, expected };
  }
}

function makeCheck(schemas: Schemas): Check | null {
  const params = schemas.params ? makeCoercer(schemas.params) : null;
  const query = schemas.query ? makeCoercer(schemas.query) : null;
  const headers = schemas.headers ? makeCoercer(schemas.headers) : null;
  const body = schemas.body ? makeValidator(schemas.body) : null;
  const form = schemas.body ? makeCoercer(schemas.body) : null;
  if (!params && !query && !headers && !body) return null;
  return (context, errors) => {
    if (params) {
      const made = params(context.params as Record<string, string>);
      addErrors(errors, "params", made.errors);
      Context.setParams(context, made.value);
    }
    if (query) {
      const made = query(context.query);
      addErrors(errors, "query", made.errors);
      Context.setQuery(context, made.value);
    }
    if (headers) {
      const record: Record<string, string> = {};
      context.headers.forEach((value, name) => {
        record[name] = value;
      });
      addErrors(errors, "headers", headers(record).errors);
    }
    if (body && form) {
      const value = context.body;
      if (Context.bodyIsForm(context)) {
        const made = form(value as Record<string, string>);
        addErrors(errors, "body", made.errors);
        Context.setBody(context, made.value);
      } else addErrors(errors, "body", body(value));
    }
  };
}

/** Prepares one registration at a point; `schemas` come from the builder. */
export function makeDataRunner(
  handler: Handler | null,
  inOptions: DataRunner["inOptions"],
  schemas: Schemas,
): DataRunner {
  const input = schemas.input ?? schemas.arguments ?? schemas.args;
  return {
    data: true,
    handler,
    inOptions,
    checkInput: input ? makeValidator(input) : null,
    checkOutput: schemas.output ? makeValidator(schemas.output, { defaults: "leave" }) : null,
  };
}

/** Prepares one web handler. */
export function makeRunner(data: Registration, handler: Handler, schemas: Schemas, dev: boolean): WebRunner {
  return {
    data: false,
    fetchForm: data.fn === "default.fetch",
    handler,
    check: makeCheck(schemas),
    schemaBody: schemas.body !== undefined,
    checkAnswer: dev && schemas.response ? makeValidator(schemas.response, { defaults: "leave" }) : null,
  };
}

/** @throws InputError naming every field that does not fit. */
export function checkRequest(runner: WebRunner, context: Context): void {
  if (!runner.check) return;
  const errors: ValidationError[] = [];
  runner.check(context, errors);
  if (errors.length > 0) throw new InputError("The request does not fit the route's schema.", errors);
}

const DATA_MISFITS = {
  args: "The arguments do not fit the handler's input schema.",
  payload: "The payload does not fit the handler's input schema.",
} as const;

/** @throws InputError, the same. */
export function checkData(runner: DataRunner, part: keyof typeof DATA_MISFITS, value: unknown): void {
  if (!runner.checkInput) return;
  const errors: ValidationError[] = [];
  addErrors(errors, part, runner.checkInput(value));
  if (errors.length > 0) throw new InputError(DATA_MISFITS[part], errors);
}
