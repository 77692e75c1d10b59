/** Reads an answer by its content type, and makes errors of those that are failures. */
import type { Problem } from "../problem.ts";
import { ApiError } from "./error.ts";

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i;
const PROBLEM_TYPE = /^application\/problem\+json\b/i;

/** https://fetch.spec.whatwg.org/#null-body-status */
const BODILESS = [204, 205, 304];

const typeOf = (answer: Response): string => answer.headers.get("content-type") ?? "";

/** JSON as data, text as a string, nothing as undefined, anything else as a Blob. */
export async function readAnswer(route: string, answer: Response): Promise<unknown> {
  const type = typeOf(answer);
  // Browsers give an empty stream where others give null.
  if (answer.body === null || BODILESS.includes(answer.status)) return undefined;
  if (!JSON_TYPE.test(type)) return /^text\//i.test(type) ? answer.text() : answer.blob();
  const text = await answer.text();
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${route} answered what is no JSON, though its content type says so.`, { cause });
  }
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && typeof (body as Partial<Problem>).code === "string";
}

export async function toError(route: string, answer: Response): Promise<ApiError> {
  const { status, headers } = answer;
  // A failure whose body cannot be read is still that failure.
  const body = await readAnswer(route, answer).catch(() => undefined);
  const id = headers.get("x-request-id") ?? undefined;
  if (!PROBLEM_TYPE.test(typeOf(answer)) || !isProblem(body))
    return new ApiError(route, { status, code: `http_${status}`, detail: "", id, body, headers });
  const { code, detail, errors, limit } = body;
  return new ApiError(route, { status, code, detail, id: body.id ?? id, errors, limit, body, headers });
}
