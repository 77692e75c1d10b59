/** URIs of resources, and templates of them (RFC 6570, level 1): matched in linear time, since scripts write the templates. */

/** Text, variable, text, variable, …: `notes://{id}/raw` is `["notes://", "id", "/raw"]`. */
export interface UriTemplate {
  readonly parts: readonly string[];
}

const SCHEME = /^[a-zA-Z][a-zA-Z0-9+.-]*:/;
const VARIABLE = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** @returns null for a URI without variables. @throws Error with a sentence for the author. */
export function readTemplate(uri: string): UriTemplate | null {
  if (!SCHEME.test(uri) || /[\s<>"\\^`]/.test(uri)) {
    throw new Error(`"${uri}" is no URI; write a scheme first, such as "notes://all"`);
  }
  const parts = uri.split(/[{}]/);
  if (parts.length === 1) return null;
  const names = parts.filter((_, at) => at % 2 === 1);
  // Braces in turn, and nothing between two variables: then there is one way at most in which a URI fits.
  const braces = uri.replace(/[^{}]/g, "");
  const between = parts.slice(2, -1).filter((_, at) => at % 2 === 0);
  if (!/^(\{\})+$/.test(braces) || between.includes("")) {
    throw new Error(
      `"${uri}" is no template; variables stand in braces, with text between them: "notes://{id}/{part}"`,
    );
  }
  const odd = names.find((name, at) => !VARIABLE.test(name) || name === "uri" || names.indexOf(name) !== at);
  if (odd === undefined) return { parts };
  throw new Error(`"{${odd}}" in "${uri}" is no variable: letters, digits and "_", each once, and not "uri"`);
}

/** The variables, decoded; null where the URI does not fit. A variable holds at least one character and no `/`. */
export function matchTemplate({ parts }: UriTemplate, uri: string): { readonly [name: string]: string } | null {
  const found: { [name: string]: string } = {};
  let rest = uri;
  for (let at = 0; at < parts.length; at += 2) {
    const text = parts[at] ?? "";
    const name = parts[at - 1];
    if (name === undefined) {
      if (!rest.startsWith(text)) return null;
      rest = rest.slice(text.length);
      continue;
    }
    const last = at === parts.length - 1;
    const end = last ? rest.length - text.length : rest.indexOf(text, 1);
    const value = rest.slice(0, Math.max(end, 0));
    if (value === "" || value.includes("/") || (last && !rest.endsWith(text))) return null;
    try {
      found[name] = decodeURIComponent(value);
    } catch {
      return null;
    }
    rest = rest.slice(end + text.length);
  }
  return found;
}
