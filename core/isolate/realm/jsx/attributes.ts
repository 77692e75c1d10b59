/** Attributes of an element. What could run code is left out: `on…`, `javascript:`, names that break out of the tag. */
import { apply, escape, exec, lower, objectKeys, type Props } from "./escape.ts";

const NAME = /^[A-Za-z:@][\w:.@-]*$/;
const HANDLER = /^on/i;
/** Attributes whose value a browser loads, goes to, or (in SVG animation) writes into one of those. */
const URL_ATTRIBUTE =
  /^(?:href|src|action|formaction|xlink:href|data|poster|background|cite|manifest|ping|to|from|by)$/;
const SCRIPT_SCHEME = /^(?:javascript|vbscript):/i;
/** For values that hold a URL among other things: SVG's `values`, `<meta content="0;url=…">`. */
const SCRIPT_SCHEME_ANYWHERE = /(?:javascript|vbscript)\s*:/i;
const CSS_NAME = /^(?:--[\w-]+|[A-Za-z-]+)$/;
/** What could end a declaration and begin another. */
const CSS_BREAK = /[;{}<>\\]|\/\*/;

const RENAMED: Readonly<Record<string, string | undefined>> = {
  __proto__: null as unknown as undefined,
  className: "class",
  htmlFor: "for",
  acceptCharset: "accept-charset",
  httpEquiv: "http-equiv",
  xlinkHref: "xlink:href",
};

/** Properties of JSX that are no attributes. */
const NOT_ATTRIBUTES: Readonly<Record<string, true | undefined>> = {
  __proto__: null as unknown as undefined,
  children: true,
  key: true,
  ref: true,
};

/** Attributes that spell their booleans out: aria-hidden="false" says something else than no aria-hidden. */
const SPELT_OUT = /^(?:aria-.*|data-.*|contenteditable|draggable|spellcheck)$/i;

/** CSS properties whose number has no unit. */
const UNITLESS =
  /^(?:--.*|opacity|order|orphans|widows|z-index|zoom|line-height|font-weight|tab-size|column-count|columns|scale|aspect-ratio|flex|flex-grow|flex-shrink|grid-row|grid-column|grid-area|animation-iteration-count|fill-opacity|stroke-opacity|line-clamp)$/;

const has = (pattern: RegExp, text: string): boolean => apply(exec, pattern, [text]) !== null;

/** Browsers skip control characters and spaces before and within a scheme. */
function withoutIgnored(url: string): string {
  let kept = "";
  for (let i = 0; i < url.length && kept.length < 64; i++) {
    const char = url[i] as string;
    if (char > " " && char !== "\u007f" && char !== "\u00a0" && char !== "\ufeff") kept += char;
  }
  return kept;
}

function runsCode(tag: string, name: string, value: string): boolean {
  if (has(URL_ATTRIBUTE, name)) return has(SCRIPT_SCHEME, withoutIgnored(value));
  const holdsUrl = name === "values" || (tag === "meta" && name === "content");
  return holdsUrl && has(SCRIPT_SCHEME_ANYWHERE, value);
}

function cssName(name: string): string {
  if (name[0] === "-" && name[1] === "-") return name;
  let css = "";
  for (let i = 0; i < name.length; i++) {
    const char = name[i] as string;
    css += char >= "A" && char <= "Z" ? `-${lower(char)}` : char;
  }
  return css;
}

function styleText(style: object): string {
  const names = objectKeys(style);
  let text = "";
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const value = (style as Props)[name];
    if ((typeof value !== "string" && typeof value !== "number") || !has(CSS_NAME, name)) continue;
    const property = cssName(name);
    const words = typeof value === "number" && value !== 0 && !has(UNITLESS, property) ? `${value}px` : `${value}`;
    if (words === "" || has(CSS_BREAK, words)) continue;
    text += `${text === "" ? "" : ";"}${property}:${words}`;
  }
  return text;
}

/** The text of an attribute's value; null leaves the attribute out. */
function valueText(tag: string, name: string, value: unknown, read: (value: unknown) => string | null): string | null {
  if (typeof value === "boolean") return `${value}`;
  if (typeof value === "number" || typeof value === "bigint") return `${value}`;
  if (name === "style" && typeof value === "object" && value !== null) return styleText(value);
  const html = read(value);
  // A frame parses its srcdoc as a page: text must arrive there as text.
  if (name === "srcdoc") return html ?? (typeof value === "string" ? escape(value) : null);
  const text = html ?? value;
  if (typeof text !== "string") return null;
  return runsCode(tag, name, text) ? null : text;
}

/** ` class="a" disabled`: every attribute with a space before it. `read` opens what JSX or `raw` made. */
export function attributes(tag: string, props: Props, read: (value: unknown) => string | null): string {
  const names = objectKeys(props);
  let text = "";
  for (let i = 0; i < names.length; i++) {
    const given = names[i] as string;
    if (NOT_ATTRIBUTES[given]) continue;
    if (given === "dangerouslySetInnerHTML") {
      throw new TypeError("dangerouslySetInnerHTML is not known here: write {raw(html)} as a child.");
    }
    const name = RENAMED[given] ?? given;
    const value = props[given];
    if (!has(NAME, name) || has(HANDLER, name)) continue;
    if (value === true && !has(SPELT_OUT, name)) text += ` ${name}`;
    else if (value !== false || has(SPELT_OUT, name)) {
      const words = valueText(tag, lower(name), value, read);
      if (words !== null) text += ` ${name}="${escape(words)}"`;
    }
  }
  return text;
}
