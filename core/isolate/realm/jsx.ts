/** JSX to escaped HTML: elements are rendered to text at once, and only what was made here passes unescaped. */
import { attributes } from "./jsx/attributes.ts";
import { apply, escape, exec, isArray, lower, type Props } from "./jsx/escape.ts";

/** HTML that may be sent as it is. Its class is never exported: `jsx` and `raw` are the only ways to make one. */
class Html {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  /** Deciding by the private field, not by `instanceof`: a script cannot forge it. */
  static read(value: unknown): string | null {
    return typeof value === "object" && value !== null && #text in value ? value.#text : null;
  }
  toString(): string {
    return this.#text;
  }
  toJSON(): string {
    return this.#text;
  }
}

const read = Html.read;

export type { Html };
export type Component = (props: Props) => unknown;

/** Marks a group without an element: `<>…</>`. */
export const Fragment = (props: Props): unknown => props["children"];

const TAG = /^[A-Za-z][\w:.-]*$/;
const MAX_DEPTH = 500;

const VOID: Readonly<Record<string, true | undefined>> = {
  __proto__: null as unknown as undefined,
  area: true,
  base: true,
  br: true,
  col: true,
  embed: true,
  hr: true,
  img: true,
  input: true,
  link: true,
  meta: true,
  source: true,
  track: true,
  wbr: true,
};

/** Browsers do not decode character references in these, so escaping would not hold what it promises. */
const RAW_TEXT: Readonly<Record<string, true | undefined>> = {
  __proto__: null as unknown as undefined,
  script: true,
  style: true,
};

/** Lets HTML pass as it is. Only for text that no stranger had a hand in. */
export function raw(html: string): Html {
  if (typeof html !== "string") throw new TypeError("raw(html) takes a string.");
  return new Html(html);
}

/** The target of TypeScript's `react-jsx` transform. */
export function jsx(type: string | Component, props: Props | null): Html {
  const given = props ?? {};
  if (typeof type === "function") return new Html(render(type(given), 0));
  if (typeof type !== "string" || apply(exec, TAG, [type]) === null) {
    throw new TypeError(
      `<${typeof type === "string" ? type : typeof type}> is no element: use a tag name or a function.`,
    );
  }
  const name = lower(type);
  const start = `<${type}${attributes(name, given, read)}>`;
  if (VOID[name]) return new Html(start);
  const children = RAW_TEXT[name] ? rawText(name, given["children"], 0) : render(given["children"], 0);
  // Without a doctype browsers fall back to the layout rules of 1998.
  const before = name === "html" ? "<!doctype html>" : "";
  return new Html(`${before}${start}${children}</${type}>`);
}

/** The same as `jsx`: children that stand in an array need no other treatment here. */
export const jsxs = jsx;

function render(child: unknown, depth: number): string {
  if (typeof child === "string") return escape(child);
  if (typeof child === "number" || typeof child === "bigint") return `${child}`;
  if (child === null || child === undefined || typeof child === "boolean") return "";
  const html = read(child);
  if (html !== null) return html;
  if (isArray(child)) {
    if (depth > MAX_DEPTH) throw new RangeError(`JSX children may nest at most ${MAX_DEPTH} levels deep.`);
    let text = "";
    for (let i = 0; i < child.length; i++) text += render(child[i], depth + 1);
    return text;
  }
  throw new TypeError(refusal(child));
}

/** What may stand between tags, as text: escaped, but for HTML. */
export function escaped(child: unknown): string {
  return render(child, 0);
}

function refusal(child: unknown): string {
  if (typeof child === "function") return "A function is no JSX child: call it, or use it as <Name />.";
  if (typeof child === "symbol") return "A symbol is no JSX child.";
  if (typeof (child as { then?: unknown }).then === "function") {
    return "A promise is no JSX child, and a component cannot be async: await the data first and pass it as a prop.";
  }
  return "An object is no JSX child: pick a field of it, or JSON.stringify it.";
}

function rawText(name: string, child: unknown, depth: number): string {
  if (child === null || child === undefined || typeof child === "boolean") return "";
  const html = read(child);
  if (html !== null) return html;
  if (isArray(child) && depth <= MAX_DEPTH) {
    let text = "";
    for (let i = 0; i < child.length; i++) text += rawText(name, child[i], depth + 1);
    return text;
  }
  throw new TypeError(
    `<${name}> takes no text, since escaping does not work in it: write <${name}>{raw("…")}</${name}>.`,
  );
}

export function isHtml(value: unknown): boolean {
  return read(value) !== null;
}

/** @throws TypeError for what neither `jsx` nor `raw` made. */
export function htmlText(value: unknown): string {
  const text = read(value);
  if (text === null) throw new TypeError("Only what JSX or raw() made is HTML.");
  return text;
}
