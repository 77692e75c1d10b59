/** Log lines for a person at a terminal. Nothing a script says can start a line, move the cursor or colour it. */
import { printable } from "./escape.ts";
import { isSecret, toJson, type Fields } from "./json.ts";

const COLOURS = { debug: 90, info: 36, warn: 33, error: 31 } as const;
/** Fields that are blocks of lines: printed below the line, each line indented behind a bar. */
const BLOCKS: ReadonlySet<string> = new Set(["frame", "stack"]);
/** The same where they have several lines. */
const MAY_BE_BLOCKS: ReadonlySet<string> = new Set(["error", "reason"]);

export type PrettyLevel = keyof typeof COLOURS;

function paint(text: string, colour: number, colours: boolean): string {
  return colours ? `\x1b[${colour}m${text}\x1b[39m` : text;
}

function block(text: string, colours: boolean): string {
  const bar = paint("|", 90, colours);
  return text
    .split("\n")
    .map((line) => `\n    ${bar} ${printable(line)}`)
    .join("");
}

function short(value: unknown): string {
  if (typeof value === "string" && /^[\w./:@%+,~*-]+$/.test(value)) return value;
  return toJson(value);
}

/** Every line of an error's stack, then its causes. */
function errorBlock(error: Error, colours: boolean): string {
  let text = "";
  let current: unknown = error;
  for (let depth = 0; current instanceof Error && depth < 5; depth++) {
    const stack = current.stack?.includes(current.message)
      ? current.stack
      : `${current.name}: ${current.message}\n${current.stack ?? ""}`;
    text += block((depth ? "caused by " : "") + stack.trimEnd(), colours);
    current = current.cause;
  }
  return text;
}

/** The line of a request says as a sentence what its fields say. */
function shortened(message: string, fields: Fields): readonly [string, Fields] {
  const { method, path, status, ms, kind, route: _, ...rest } = fields;
  if (message !== "request" || status === undefined || kind === undefined) return [message, fields];
  return [`${String(method)} ${String(path)} ${String(status)} ${String(ms)}ms`, rest];
}

/** One line, with blocks below it; ends with a line break. */
export function prettyLine(time: string, level: PrettyLevel, text: string, all: Fields, colours: boolean): string {
  const [message, fields] = shortened(text, all);
  let inline = "";
  let below = "";
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value === undefined) continue;
    if (isSecret(name)) inline += ` ${paint(`${printable(name)}=`, 90, colours)}[redacted]`;
    else if (value instanceof Error) below += errorBlock(value, colours);
    else if (typeof value === "string" && (BLOCKS.has(name) || (MAY_BE_BLOCKS.has(name) && value.includes("\n"))))
      below += block(value, colours);
    else inline += ` ${paint(`${printable(name)}=`, 90, colours)}${short(value)}`;
  }
  const label = paint(level.toUpperCase().padEnd(5), COLOURS[level], colours);
  return `${paint(time, 90, colours)} ${label} ${printable(message)}${inline}${below}\n`;
}
