/** The secret values that the engine knows, and how they are kept out of every log line. */
import { printable } from "./escape.ts";

const REDACTED = "[redacted]";
/** Shorter ones are found in half of all text: to hide them would hide the log, and tell nothing less. */
const LEAST_CHARACTERS = 4;
/** What says how a line is to be read stays, even where a secret happens to be `info`. */
const KEPT: ReadonlySet<string> = new Set(["at", "level", "kind", "source", "script"]);

export interface Secrets {
  /**
   * Hides a value from now on, in all logs; answers how to let go of it again. Shorter than 4 characters: not hidden.
   *
   * @example const forget = secrets.add(apiKey);
   */
  add(value: string): () => void;
  /** The text without secrets, overlapping ones included. */
  redact(text: string): string;
  /** The same for a line that is a JSON object without its opening brace, with its line break: it stays one. */
  redactMembers(text: string): string;
}

/** A JSON string in a JSON string is common: `log.info(JSON.stringify(data))`. A line escapes more than JSON does. */
function formsOf(value: string): readonly string[] {
  const once = JSON.stringify(value).slice(1, -1);
  const twice = JSON.stringify(once).slice(1, -1);
  const plain = [value, once, twice];
  return [...new Set([...plain, ...plain.map(printable), encodeURIComponent(value.toWellFormed())])];
}

/** From where to where the text holds a secret; in order, what overlaps or touches in one piece. */
function spansOf(text: string, forms: readonly string[]): readonly (readonly [from: number, to: number])[] {
  const found: [number, number][] = [];
  for (const form of forms) {
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) found.push([at, at + form.length]);
  }
  found.sort(([a], [b]) => a - b);
  const spans: [number, number][] = [];
  for (const [from, to] of found) {
    const last = spans.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else spans.push([from, to]);
  }
  return spans;
}

export function createSecrets(): Secrets {
  /** How often each was added: two parts of the engine may know the same one. */
  const counts = new Map<string, number>();
  let forms: readonly string[] = [];
  /** One test over the text takes less than a search for each; null when there is no secret. */
  let any: RegExp | null = null;

  const refresh = (): void => {
    forms = [...new Set([...counts.keys()].flatMap(formsOf))];
    any = forms.length === 0 ? null : new RegExp(forms.map((form) => RegExp.escape(form)).join("|"));
  };
  const tells = (text: string): boolean => any !== null && any.test(text);

  const redact = (text: string): string => {
    if (!tells(text)) return text;
    let out = "";
    let at = 0;
    for (const [from, to] of spansOf(text, forms)) {
      out += text.slice(at, from) + REDACTED;
      at = to;
    }
    return out + text.slice(at);
  };

  const walk = (value: unknown, top: boolean): unknown => {
    if (typeof value === "string") return redact(value);
    if (typeof value === "number") return tells(String(value)) ? REDACTED : value;
    if (Array.isArray(value)) return value.map((item) => walk(item, false));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) =>
        top && KEPT.has(name) ? [name, item] : [top ? name : redact(name), walk(item, false)],
      ),
    );
  };

  return {
    add(value) {
      if (value.length < LEAST_CHARACTERS) return () => {};
      counts.set(value, (counts.get(value) ?? 0) + 1);
      refresh();
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        const left = (counts.get(value) ?? 1) - 1;
        if (left > 0) counts.set(value, left);
        else counts.delete(value);
        refresh();
      };
    },
    redact,
    redactMembers(text) {
      if (!tells(text)) return text;
      return `${printable(JSON.stringify(walk(JSON.parse(`{${text}`), true))).slice(1)}\n`;
    },
  };
}
