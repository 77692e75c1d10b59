/** The schema that GraphQL is measured with. The functions' source text also goes into a script: they may use nothing outside. */

export interface Note {
  readonly id: number;
  readonly text: string;
}

export const SDL = "type Note { id: ID! text: String! } type Author { name: String! }";

export function notes(limit: number): readonly Note[] {
  return Array.from({ length: limit }, (_, id) => ({ id, text: `note ${id}` }));
}

export function authorsOf(all: readonly Note[]): readonly { readonly name: string }[] {
  return all.map(({ id }) => ({ name: `author of ${id}` }));
}
