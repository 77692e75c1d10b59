/** The scalars that every schema has beside GraphQL's own: a moment in time, and data without a schema. */
import { GraphQLError, GraphQLScalarType, valueFromASTUntyped, type ValueNode } from "graphql";

/** https://www.rfc-editor.org/rfc/rfc3339#section-5.6 */
const RFC3339 =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:[0-2]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;

function readMoment(value: unknown): string {
  if (typeof value === "string" && RFC3339.test(value) && !Number.isNaN(Date.parse(value))) return value;
  throw new GraphQLError("DateTime takes text as RFC 3339 writes it: 2026-01-31T12:00:00Z.");
}

/** Scripts write any ISO 8601 date, or milliseconds since 1970. */
function writeMoment(value: unknown): string {
  const date = typeof value === "string" || typeof value === "number" ? new Date(value) : undefined;
  if (date === undefined || Number.isNaN(date.getTime())) throw new GraphQLError("A DateTime is no date.");
  return date.toISOString();
}

export const DATE_TIME = new GraphQLScalarType<string, string>({
  name: "DateTime",
  description: "A moment, as RFC 3339 writes it: `2026-01-31T12:00:00Z`.",
  specifiedByURL: "https://scalars.graphql.org/andimarek/date-time.html",
  coerceOutputValue: writeMoment,
  coerceInputValue: readMoment,
  coerceInputLiteral: (node) => readMoment(node.kind === "StringValue" ? node.value : undefined),
});

export const JSON_DATA = new GraphQLScalarType<unknown, unknown>({
  name: "JSON",
  description: "Any JSON data.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc8259",
  coerceOutputValue: (value) => value,
  coerceInputValue: (value) => value,
  // Variables within it have their values by then.
  coerceInputLiteral: (node) => valueFromASTUntyped(node as ValueNode),
});
