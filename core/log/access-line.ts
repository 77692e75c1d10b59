/** The line of one request. Requests repeat themselves: what was quoted once is used again, and few pieces make a line. */
import type { RequestLine } from "../../sdk/plugin.ts";
import { quote } from "./escape.ts";

/** What stands between the id and the duration. */
interface Middle {
  readonly method: string;
  readonly status: number;
  readonly text: string;
}

/** What stands after the duration. */
interface End {
  readonly method: string;
  readonly script: string | undefined;
  readonly route: string | undefined;
  readonly text: string;
}

const MOST_REMEMBERED = 512;
/** Longer ones hardly come twice. */
const LONGEST_REMEMBERED = 128;

/** `.07` for 7: to format a fraction takes as long as the rest of a line. */
const HUNDREDTHS: readonly string[] = Array.from({ length: 100 }, (_, i) => String(i / 100).slice(1));

/** Milliseconds with up to two decimals. */
function duration(ms: number): string {
  const hundredths = Math.round(ms * 100);
  const rest = hundredths % 100;
  return `${(hundredths - rest) / 100}${HUNDREDTHS[rest] ?? ""}`;
}

function remember<T>(known: Map<string, T>, key: string, value: T): T {
  if (key.length > LONGEST_REMEMBERED) return value;
  if (known.size >= MOST_REMEMBERED) known.clear();
  known.set(key, value);
  return value;
}

/**
 * Answers a function that renders the members of a line from `id` on, as JSON, with the closing brace and a line break.
 *
 * @example createAccessLine()({ id: "1", method: "GET", path: "/a", status: 200, ms: 1.234, ip: "::1" });
 */
export function createAccessLine(): (record: RequestLine) => string {
  const middles = new Map<string, Middle>();
  const ends = new Map<string, End>();
  const makeMiddle = ({ method, path, status }: RequestLine): Middle => {
    const text = `,"method":${quote(method)},"path":${quote(path)},"status":${status},"ms":`;
    return remember(middles, path, { method, status, text });
  };
  const makeEnd = ({ method, ip, script, route }: RequestLine): End => {
    const by = typeof script === "string" ? `,"script":${quote(script)}` : "";
    const to = typeof route === "string" ? `,"route":${quote(`${method} ${route}`)}` : "";
    return remember(ends, ip, { method, script, route, text: `,"ip":${quote(ip)}${by},"kind":"http"${to}` });
  };
  return (record) => {
    const { method, status, script, route, clientRequestId } = record;
    let middle = middles.get(record.path);
    if (!middle || middle.status !== status || middle.method !== method) middle = makeMiddle(record);
    let end = ends.get(record.ip);
    if (!end || end.route !== route || end.script !== script || end.method !== method) end = makeEnd(record);
    const claimed = clientRequestId === undefined ? "" : `,"clientRequestId":${quote(clientRequestId)}`;
    return `"id":${quote(record.id)}${middle.text}${duration(record.ms)}${end.text}${claimed}}\n`;
  };
}
