/** A small JSON API: typed and validated input, kept in the script's own key-value store. */
import { HttpError, json, registerWebHandler } from "@aiwebengine/sdk";

export interface Note {
  readonly id: string;
  readonly text: string;
  readonly tags: readonly string[];
}

/** What a note is called: any other text is answered with 422, before the handler runs. */
const ID = "/^[0-9a-z-]{1,64}$/";
const keyOf = (id: string) => `note/${id}`;

export const addNote = registerWebHandler(
  "POST /notes",
  {
    summary: "Save a note",
    body: { text: "0 < string <= 280", "tags?": "string[] <= 10" },
  },
  async ({ id, body, kv }) => {
    // The invocation's id grows with time, so the list below is in the order of writing.
    const note: Note = { id, text: body.text, tags: body.tags ?? [] };
    await kv.set(keyOf(id), note);
    return json(note, { status: 201, headers: { location: `/notes/${id}` } });
  },
);

export const listNotes = registerWebHandler(
  "GET /notes",
  {
    summary: "List notes, oldest first",
    query: { limit: "1 <= number.integer <= 100 = 20", "after?": ID },
  },
  async ({ query, kv }) => {
    const page = await kv.list<Note>({
      prefix: keyOf(""),
      limit: query.limit,
      ...(query.after === undefined ? {} : { after: keyOf(query.after) }),
    });
    const notes = page.entries.map((entry) => entry.value);
    return { notes, next: page.next === undefined ? null : page.next.slice(keyOf("").length) };
  },
);

export const readNote = registerWebHandler(
  "GET /notes/:id",
  { summary: "Read a note", params: { id: ID } },
  async ({ params, kv }) => {
    const note = await kv.get<Note>(keyOf(params.id));
    if (note === null) throw new HttpError(404, `There is no note ${params.id}.`);
    return note;
  },
);

export const removeNote = registerWebHandler(
  "DELETE /notes/:id",
  { summary: "Remove a note", params: { id: ID } },
  async ({ params, kv }) => {
    if (!(await kv.delete(keyOf(params.id)))) throw new HttpError(404, `There is no note ${params.id}.`);
  },
);
