/** What the engine answers when something fails, as responses of OpenAPI: RFC 9457 bodies, one response per status. */
import { PROBLEMS, type Json, type ProblemCode } from "../../sdk/plugin.ts";

/** What any route may be answered with. */
const ANY: readonly ProblemCode[] = ["header_too_large", "internal", "not_ready"];
const WITH_BODY: readonly ProblemCode[] = ["request_timeout", "body_too_large"];
/** A script runs under limits, in an isolate. */
const SCRIPT: readonly ProblemCode[] = [
  "bad_request",
  "script_failed",
  "output_exceeded",
  "subrequests_exceeded",
  "not_in_invocation",
  "invocation_ended",
  "load_not_deterministic",
  "fetch_blocked",
  "response_too_large",
  "cpu_exceeded",
  "memory_exceeded",
  "overloaded",
  "script_paused",
  "isolate_restarted",
  "deadline_exceeded",
  "uninterrupted_exceeded",
];

export interface Failures {
  readonly ofPlugin: boolean;
  /** Its path has parameters: what they name may not exist. */
  readonly named: boolean;
  /** A request to it may have a body. */
  readonly body: boolean;
  /** Something of its input has a schema. */
  readonly checked: boolean;
}

/**
 * By status, and `default` for what a script refuses with a status of its own. A plugin may speak a protocol that has its
 * own form for what the client did wrong.
 */
export function failuresOf({ ofPlugin, named, body, checked }: Failures): { readonly [status: string]: Json } {
  const codes = [
    ...ANY,
    ...(ofPlugin ? [] : SCRIPT),
    ...(named && !ofPlugin ? (["not_found"] as const) : []),
    ...(body && !ofPlugin ? WITH_BODY : []),
    ...(checked ? (["invalid_input"] as const) : []),
  ];
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))].toSorted((a, b) => a - b);
  return Object.fromEntries([
    ...statuses.map((status) => [status, reference(`Problem${status}`)]),
    ...(ofPlugin ? [] : [["default", reference("Problem")]]),
  ]);
}

function reference(name: string): Json {
  return { $ref: `#/components/responses/${name}` };
}

/** `components.responses`: the codes of each status with what they mean. */
export function problemResponses(): { readonly [name: string]: Json } {
  const all = [...ANY, ...WITH_BODY, ...SCRIPT, "not_found", "invalid_input"] as const;
  const statuses = [...new Set(all.map((code) => PROBLEMS[code].status))].toSorted((a, b) => a - b);
  return Object.fromEntries([
    ...statuses.map((status) => {
      const codes = all.filter((code) => PROBLEMS[code].status === status);
      const told = codes.map((code) => `\`${code}\`: ${PROBLEMS[code].meaning}`);
      return [`Problem${status}`, response(told.join("\n\n"), status === 503)] as const;
    }),
    ["Problem", response("Any other failure: `code` says which, `detail` what happened.", false)],
  ]);
}

function response(description: string, mayRetry: boolean): Json {
  const retry = { "Retry-After": { description: "Seconds to wait.", schema: { type: "integer" } } };
  return {
    description,
    headers: {
      "x-request-id": { description: "The `id` of the problem and of its log lines.", schema: { type: "string" } },
      ...(mayRetry ? retry : {}),
    },
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}

const text = (description: string): Json => ({ type: "string", description });

/** https://www.rfc-editor.org/rfc/rfc9457 with the engine's own members. */
export const PROBLEM_SCHEMA: Json = {
  type: "object",
  description: "RFC 9457: what failed, for people (`title`, `detail`) and for programs (`code`).",
  required: ["type", "title", "status", "detail", "code", "id"],
  properties: {
    type: text("The kind of problem, as a URI: `urn:aiwebengine:problem:<code>`."),
    title: text("The same for every occurrence."),
    status: { type: "integer", minimum: 400, maximum: 599, description: "The HTTP status." },
    detail: text("What happened this time."),
    code: text("Stable: programs may key on it. A script may have codes of its own."),
    id: text("The invocation: also `x-request-id` of the answer."),
    errors: {
      type: "array",
      description: "The fields that do not fit.",
      items: {
        type: "object",
        required: ["path", "message"],
        properties: {
          path: text("JSON pointer that starts with the part: `/body/text`."),
          message: { type: "string" },
          expected: { type: "string" },
        },
      },
    },
    limit: {
      type: "object",
      description: "The limit that was passed.",
      required: ["name", "value", "key"],
      properties: {
        name: { type: "string" },
        value: { type: "number" },
        used: { type: "number" },
        key: text("The config key that changes it."),
      },
    },
    dev: { type: "object", description: "Where in the script; only with `--dev`." },
  },
};
