/** From patterns of routes (`/notes/:id`, `/a/:b?`, `/files/*`) to templated paths of OpenAPI (`/notes/{id}`). */

/** One piece between two slashes. `:name?` is gone: a pattern with it stands for two forms. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "param"; readonly name: string }
  | { readonly kind: "rest" };

export interface PathForm {
  readonly pieces: readonly Piece[];
  /** Two forms with one shape are the same path to OpenAPI, whatever their parameters are called. */
  readonly shape: string;
}

/** @param pattern one that the router took */
export function formsOf(pattern: string): readonly PathForm[] {
  let forms: Piece[][] = [[]];
  for (const part of pattern.slice(1).split("/")) {
    const optional = part.startsWith(":") && part.endsWith("?");
    const piece = pieceOf(optional ? part.slice(0, -1) : part);
    forms = forms.flatMap((form) => (optional ? [[...form, piece], form] : [[...form, piece]]));
  }
  const all = forms.map((pieces): PathForm => {
    const shape = pieces.map((one) =>
      one.kind === "text" ? escapeText(one.text) : one.kind === "param" ? "{}" : "{*}",
    );
    return { pieces, shape: `/${shape.join("/")}` };
  });
  // As in the router: of two forms that are one path (`/:a?/:b?` without one) the left parameter is filled.
  return all.filter(({ shape }, at) => all.findIndex((other) => other.shape === shape) === at);
}

function pieceOf(part: string): Piece {
  if (part === "*") return { kind: "rest" };
  if (part.startsWith(":")) return { kind: "param", name: part.slice(1) };
  let text = part;
  try {
    text = decodeURIComponent(part);
  } catch {
    // No router takes it; shown as it is.
  }
  return { kind: "text", text };
}

/** Names of the parameters in their order; the rest of a path has a name here that no other parameter has. */
export function namesOf({ pieces }: PathForm): readonly string[] {
  const names = pieces.flatMap((one) => (one.kind === "param" ? [one.name] : []));
  let rest = "path";
  while (names.includes(rest)) rest += "_";
  return pieces.flatMap((one) => (one.kind === "param" ? [one.name] : one.kind === "rest" ? [rest] : []));
}

export function templateOf({ pieces }: PathForm, names: readonly string[]): string {
  let at = 0;
  return `/${pieces.map((one) => (one.kind === "text" ? escapeText(one.text) : `{${names[at++]}}`)).join("/")}`;
}

/** Braces would be a parameter; everything else that a URL may hold stays readable. */
function escapeText(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent);
}

/**
 * A name of the operation that depends on its method and path alone: `get_notes_by-id`. Where the words do not tell two
 * paths apart (`/a_b`, `/a/b`), a digest does.
 */
export function operationIdOf(method: string, form: PathForm): string {
  const words = form.pieces.map((one) =>
    one.kind === "param" ? `by-${one.name.replaceAll("_", "-")}` : one.kind === "rest" ? "all" : one.text,
  );
  const plain = form.pieces.every((one) =>
    one.kind === "text" ? PLAIN.test(one.text) && one.text !== "all" : one.kind === "rest" || !one.name.includes("_"),
  );
  const isRoot = form.pieces.length === 1 && words[0] === "";
  const base = [
    method.toLowerCase(),
    ...(isRoot ? [] : words.map((word) => word.replace(/[^A-Za-z0-9-]+/g, "-"))),
  ].join("_");
  if (plain || isRoot) return base;
  // A script chooses its paths: no short digest, and none that two paths could be made for.
  const digest = new Bun.CryptoHasher("sha256").update(`${method} ${form.shape}`).digest("hex");
  return `${base}_${digest.slice(0, 16)}`;
}

const PLAIN = /^(?!by-)[A-Za-z0-9-]+$/;
