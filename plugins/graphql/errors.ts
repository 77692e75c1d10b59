/** What clients are told of failures: a sentence and a stable code, and outside of dev mode nothing of a script's insides. */
import { GraphQLError } from "graphql";
import { ProblemError } from "../../sdk/plugin.ts";
import type { Operation } from "./resolve.ts";

/** What a script threw, or the engine on its behalf. */
export function problemOf(error: unknown, operation: Operation, coordinate: string): GraphQLError {
  if (error instanceof GraphQLError) return error;
  if (!(error instanceof ProblemError)) return misfit(error, operation, coordinate);
  const { id, dev } = operation;
  const { detail, code, given, errors, limit, retryAfterSeconds, cause } = error;
  return new GraphQLError(detail, {
    extensions: {
      code: given ?? code,
      id,
      ...(errors && { errors }),
      ...(limit && { limit }),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      ...(dev && error.dev && { dev: error.dev }),
      ...(dev && !error.dev && cause instanceof Error && { dev: { message: cause.message } }),
    },
  });
}

/** The script's value is none of the field's type. */
function misfit(error: unknown, operation: Operation, where: string): GraphQLError {
  const why = error instanceof Error ? error.message : String(error);
  operation.misfit(`${where}: ${why}`);
  return new GraphQLError(operation.dev ? why : "The script's answer does not fit the schema. The log says why.", {
    extensions: { code: "script_failed", id: operation.id },
  });
}

/** Errors as they are sent: all have a code, and the id under which the log tells more. */
export function tidy(error: unknown, operation: Operation): GraphQLError {
  if (!(error instanceof GraphQLError)) return misfit(error, operation, "the operation");
  const { originalError, extensions } = error;
  // What a resolver threw has its code.
  const told = typeof extensions["code"] === "string";
  if (told && (originalError === undefined || originalError instanceof GraphQLError)) return error;
  if (isOfInput(error)) return placed(error, error.message, { code: "BAD_USER_INPUT" });
  const made = misfit(originalError ?? error, operation, error.path?.join(".") ?? "the operation");
  return placed(error, made.message, made.extensions);
}

/** The same error, with the id of its invocation. */
export function identified(error: GraphQLError, id: string): GraphQLError {
  const { extensions, message } = error;
  return extensions["id"] === id ? error : placed(error, message, { ...extensions, id });
}

/** What graphql says of the operation and of what it was given: variables (at their definition), and arguments that came of them. */
function isOfInput({ originalError, path, nodes, message }: GraphQLError): boolean {
  if (path === undefined) return originalError === undefined || nodes !== undefined;
  return originalError instanceof GraphQLError && message.startsWith('Argument "');
}

function placed(
  { nodes, source, positions, path }: GraphQLError,
  message: string,
  extensions: GraphQLError["extensions"],
): GraphQLError {
  const at = { nodes: nodes ?? null, source: source ?? null, positions: positions ?? null, path: path ?? null };
  return new GraphQLError(message, { ...at, extensions });
}
