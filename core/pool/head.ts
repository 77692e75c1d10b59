/** The head of an invocation as text, in the order that core/isolate/realm/context.ts reads it in. */
import type { Invocation } from "../http/dispatch.ts";

/** Lines; none of them can hold a line break. */
export function headOf(invocation: Pick<Invocation, "method" | "url" | "ip" | "id" | "params" | "headers">): string {
  const { method, url, ip, id, params } = invocation;
  const names = Object.keys(params);
  let flat = "";
  if (names.length > 0) {
    const list: string[] = [];
    for (const name of names) list.push(name, params[name] as string);
    flat = JSON.stringify(list);
  }
  // In Bun's Headers this is faster than any iteration; the types of the web's know nothing of it.
  const headers = JSON.stringify((invocation.headers as unknown as { toJSON(): unknown }).toJSON());
  return `${method}\n${url}\n${ip}\n${id}\n${flat}\n${headers}`;
}
