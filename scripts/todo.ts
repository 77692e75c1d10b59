// A to-do list over GraphQL, kept in kv. Try it: /graphql in a browser, or POST { "query": "{ todos { id text } }" } to it
import {
  HttpError,
  kv,
  registerFieldHandler,
  registerMutationHandler,
  registerQueryHandler,
  registerType,
} from "@aiwebengine/sdk";

interface Todo {
  id: string;
  text: string;
  done: boolean;
  created: string;
}

registerType(`
  type Todo { id: ID!, text: String!, done: Boolean!, created: DateTime! }
  type Comment { text: String! }
  enum Status { OPEN DONE }
`);

registerQueryHandler<{ limit: number; status?: "OPEN" | "DONE"; after?: string }>(
  "todos(status: Status, limit: Int = 20, after: ID): [Todo!]!",
  async ({ args: { status, limit, after } }) => {
    const found: Todo[] = [];
    for await (const todo of todos(after)) {
      if (found.length >= limit) break;
      if (status === undefined || todo.done === (status === "DONE")) found.push(todo);
    }
    return found;
  },
);

registerQueryHandler("todoCount", { returns: "number.integer" }, async () => {
  let count = 0;
  for await (const _ of todos()) count++;
  return count;
});

// Called once for all the todos of a list, not once for each.
registerFieldHandler<Todo>("Todo.comments: [Comment!]!", ({ payload }) =>
  Promise.all(
    payload.map(async ({ id }) => {
      const { entries } = await kv.list<{ text: string }>({ prefix: `comment:${id}:` });
      return entries.map(({ value }) => value);
    }),
  ),
);

registerMutationHandler<{ text: string }>("addTodo(text: String!): Todo!", async ({ args }) => {
  const now = new Date();
  const todo: Todo = { id: newId(now), text: args.text, done: false, created: now.toISOString() };
  await kv.set(`todo:${todo.id}`, todo);
  return todo;
});

registerMutationHandler<{ id: string }>("finishTodo(id: ID!): Todo!", async ({ args }) => {
  for (;;) {
    const todo = await wanted(args.id);
    const done = { ...todo, done: true };
    // Whoever changed or removed it meanwhile is not overwritten.
    if (await kv.compareAndSet(`todo:${args.id}`, todo, done)) return done;
  }
});

registerMutationHandler<{ id: string }>("removeTodo(id: ID!): Boolean!", async ({ args }) => {
  const { entries } = await kv.list({ prefix: `comment:${args.id}:`, limit: 1000 });
  for (const { key } of entries) await kv.delete(key);
  return kv.delete(`todo:${args.id}`);
});

// The text is checked before the handler is called, and `args` has its type from the definition.
registerMutationHandler(
  "comment",
  { args: { id: "string", text: "1 <= string <= 280" }, returns: "string", description: "Gives the comment's id." },
  async ({ args }) => {
    await wanted(args.id);
    const id = newId(new Date());
    await kv.set(`comment:${args.id}:${id}`, { text: args.text });
    return id;
  },
);

async function wanted(id: string): Promise<Todo> {
  const todo = await kv.get<Todo>(`todo:${id}`);
  if (todo === null) throw new HttpError(404, "There is no such todo.", { code: "no_such_todo" });
  return todo;
}

/** Oldest first. */
async function* todos(after?: string): AsyncGenerator<Todo> {
  for (let from = after && `todo:${after}`; ;) {
    const { entries, next } = await kv.list<Todo>({ prefix: "todo:", ...(from && { after: from }) });
    for (const { value } of entries) yield value;
    if (next === undefined) return;
    from = next;
  }
}

/** Sorts by time, and so do the keys that it is in. */
function newId(now: Date): string {
  return `${now.getTime().toString(36).padStart(9, "0")}-${crypto.randomUUID().slice(0, 8)}`;
}
