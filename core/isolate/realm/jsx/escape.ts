/** Escaping of text for HTML, and the intrinsics that JSX captures before a script can patch them. */
export type Props = { readonly [name: string]: unknown };

export const apply = Reflect.apply;
export const exec = RegExp.prototype.exec;
export const objectKeys = Object.keys;
export const isArray: (value: unknown) => value is readonly unknown[] = Array.isArray;

const { fromCharCode } = String;
const LOWER: Record<string, string | undefined> = { __proto__: null as unknown as undefined };
for (let code = 65; code <= 90; code++) LOWER[fromCharCode(code)] = fromCharCode(code + 32);

/** ASCII only, as HTML compares names. */
export function lower(text: string): string {
  let result = "";
  for (let i = 0; i < text.length; i++) result += LOWER[text[i] as string] ?? text[i];
  return result;
}

const SPECIAL = /[&<>"']/;

/** The same for text and for attributes in double quotes, so that nothing depends on where it lands. */
export function escape(text: string): string {
  if (apply(exec, SPECIAL, [text]) === null) return text;
  let escaped = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === "&") escaped += "&amp;";
    else if (char === "<") escaped += "&lt;";
    else if (char === ">") escaped += "&gt;";
    else if (char === '"') escaped += "&quot;";
    else if (char === "'") escaped += "&#39;";
    else escaped += char;
  }
  return escaped;
}
