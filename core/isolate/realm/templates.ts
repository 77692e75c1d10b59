/** What compiled templates run on: escaping, includes, layouts and blocks. The builder writes the calls of it. */
import { escaped, raw, type Html } from "./jsx.ts";
import { jsonStringify, keysOf } from "./primordials.ts";

const { create, assign } = Object;

type Data = { readonly [name: string]: unknown };
export type Template = (data?: unknown) => Html;
type Blocks = Record<string, string>;
type Include = (name: string, data?: Data) => Html;
type Body = (
  out: Output,
  it: Data,
  include: Include,
  layout: (name: string, data?: Data) => void,
  block: (name: string, fill?: () => void) => Html | string,
  capture: (fill: () => void) => Html,
  output: (text: unknown) => void,
) => void;

/** The text of one rendering. Setters, because a tag may hold half an expression: `<%~ block("head", () => { %>`. */
class Output {
  #text = "";
  add(text: string): void {
    this.#text += text;
  }
  /** `<%= … %>` */
  set text(value: unknown) {
    this.#text += escaped(value);
  }
  /** `<%~ … %>` */
  set html(value: unknown) {
    this.#text += plain(value);
  }
  /** What `fill` adds, instead of adding it. */
  static capture(output: Output, fill: () => void): string {
    const before = output.#text;
    output.#text = "";
    try {
      fill();
      return output.#text;
    } finally {
      output.#text = before;
    }
  }
  static read(output: Output): string {
    return output.#text;
  }
}

function plain(value: unknown): string {
  return value === null || value === undefined ? "" : `${value as string}`;
}

/** Where a layout finds the blocks of the page that it is around. Not a string: no data can bring any. */
const BLOCKS = Symbol("blocks");

/**
 * @param includes the templates that it names; asked for late, since two may include each other
 * @param body what the builder made of the template
 */
export function template(file: string, includes: { readonly [name: string]: () => Template }, body: Body): Template {
  const find = (name: string): Template => {
    const ask = includes[name];
    if (ask === undefined) throw new TypeError(`${file} includes no template ${jsonStringify(name) ?? ""}.`);
    return ask();
  };
  return (data) => {
    const it = (typeof data === "object" && data !== null ? data : {}) as Data & { [BLOCKS]?: Blocks };
    const outer = it[BLOCKS];
    const output = new Output();
    let around: Template | undefined;
    let given: Data | undefined;
    const own = create(null) as Blocks;
    body(
      output,
      it,
      (name, more) => find(name)(assign({}, it, more)),
      (name, more) => {
        around = find(name);
        given = more;
      },
      (name, fill) => {
        const text = fill === undefined ? "" : Output.capture(output, fill);
        if (around === undefined) return raw(outer?.[name] ?? text);
        if (fill !== undefined) own[name] = text;
        return "";
      },
      (fill) => raw(Output.capture(output, fill)),
      (text) => output.add(plain(text)),
    );
    const html = raw(Output.read(output));
    if (around === undefined) return html;
    // A page's own blocks go before those of a page that it is the layout of.
    return around(assign({}, it, given, { body: html, [BLOCKS]: assign(own, outer) }));
  };
}

const registry = create(null) as Record<string, Template>;

/** All templates of the script, by name. */
export function defineTemplates(templates: { readonly [name: string]: Template }): void {
  const names = keysOf(templates);
  for (let i = 0; i < names.length; i++) registry[names[i] as string] = templates[names[i] as string] as Template;
}

/** `render("notes/list", data)`: `templates/notes/list.eta` of the script. */
export function render(name: unknown, data?: unknown): Html {
  const found = typeof name === "string" ? registry[name] : undefined;
  if (found) return found(data);
  const names = keysOf(registry);
  let list = "";
  for (let i = 0; i < names.length && i < 20; i++) list += `${i === 0 ? "" : ", "}${names[i] as string}`;
  const has = list === "" ? "it has none: put name.eta into templates/ of the script's folder" : `it has ${list}`;
  throw new TypeError(`render(): the script has no template ${jsonStringify(name) ?? "undefined"}; ${has}.`);
}
