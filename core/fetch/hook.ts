/** What plugins change in an outgoing request: it goes out, and the script sees none of it. */
import type { FetchEvent } from "../../sdk/plugin.ts";
import { checkHeaders, type HeaderList } from "./headers.ts";

/** Who sends, and the hooks that are asked before each hop. */
export interface FetchHook {
  readonly script: string;
  /** The invocation's id. */
  readonly id: string;
  readonly run: (event: FetchEvent) => Promise<void>;
}

interface Sent {
  readonly url: URL;
  readonly headers: HeaderList;
}

/** The hooks of one request, over all its hops. */
export class HookedRequest {
  readonly #hook: FetchHook;
  readonly #state = new Map<string, unknown>();
  /** What an answer may repeat → what the script sees instead; the longest first. */
  #hidden: readonly (readonly [text: string, shown: string])[] = [];
  #origin: string | null = null;

  constructor(hook: FetchHook) {
    this.#hook = hook;
  }

  /** What goes out instead of a hop. Rejects with what a hook throws. */
  async apply(hop: Sent & { readonly method: string }, at: number): Promise<Sent> {
    this.#origin ??= hop.url.origin;
    // Once it has left, it stays a stranger's request: what comes back to the first origin was made elsewhere.
    if (hop.url.origin !== this.#origin) this.#origin = "";
    const event: FetchEvent = {
      script: this.#hook.script,
      id: this.#hook.id,
      method: hop.method,
      url: new URL(hop.url),
      headers: toHeaders(hop.headers),
      hop: at,
      sameOrigin: this.#origin !== "",
      state: this.#state,
      conceal: (value, shown) => this.#conceal(value, shown),
    };
    await this.#hook.run(event);
    if (!sameTarget(event.url, hop.url)) {
      throw new Error("a plugin's fetch hook changed where a request goes; it may set the path and the query only");
    }
    return { url: event.url, headers: checkHeaders([...event.headers].flat()) };
  }

  #conceal(value: string, shown: string): void {
    const encoded = encodeURIComponent(value.toWellFormed());
    const lower = encoded.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase());
    const forms = [...new Set([value, encoded, lower])].filter((form) => form !== "");
    this.#hidden = [...this.#hidden, ...forms.map((form) => [form, shown] as const)].sort(
      ([a], [b]) => b.length - a.length,
    );
  }

  /** Text of an answer's head, as the script may see it. */
  conceal(text: string): string {
    for (const [form, shown] of this.#hidden) text = text.replaceAll(form, () => shown);
    return text;
  }
}

function toHeaders(list: HeaderList): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < list.length; i += 2) headers.append(list[i]!, list[i + 1]!);
  return headers;
}

function sameTarget(a: URL, b: URL): boolean {
  return a.protocol === b.protocol && a.host === b.host && a.username === "" && a.password === "";
}
