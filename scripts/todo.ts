// A to-do list over GraphQL, kept in kv. Try it: POST { "query": "{ todos { id text comments { text } } }" } to /graphql
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

registerQueryHandler<{ limit: number; status?: "OPEN" | "DONE" }>(
  "todos(status: Status, limit: Int = 20): [Todo!]!",
  async ({ args: { status, limit } }) => {
    const { entries } = await kv.list<Todo>({ prefix: "todo:" });
    const todos = entries.map(({ value }) => value);
    return todos
      .filter(({ done }) => status === undefined || done === (status === "DONE"))
      .slice(0, Math.max(0, limit));
  },
);

registerQueryHandler("todoCount", { returns: "number.integer" }, async () => {
  const { entries } = await kv.list({ prefix: "todo:" });
  return entries.length;
});

// Called once for all the todos of a list, not once for each.
registerFieldHandler<Todo>("Todo.comments: [Comment!]!", ({ payload }) =>
  Promise.all(payload.map(async ({ id }) => (await kv.get<{ text: string }[]>(`comments:${id}`)) ?? [])),
);

registerMutationHandler<{ text: string }>("addTodo(text: String!): Todo!", async ({ args }) => {
  const id = crypto.randomUUID();
  const todo: Todo = { id, text: args.text, done: false, created: new Date().toISOString() };
  await kv.set(`todo:${id}`, todo);
  return todo;
});

registerMutationHandler<{ id: string }>("finishTodo(id: ID!): Todo!", async ({ args }) => {
  const todo = await wanted(args.id);
  await kv.set(`todo:${args.id}`, { ...todo, done: true });
  return { ...todo, done: true };
});

// The text is checked before the handler is called, and `args` has its type from the definition.
registerMutationHandler(
  "comment",
  { args: { id: "string", text: "1 <= string <= 280" }, returns: "number.integer", description: "How many there are." },
  async ({ args }) => {
    await wanted(args.id);
    const comments = (await kv.get<{ text: string }[]>(`comments:${args.id}`)) ?? [];
    await kv.set(`comments:${args.id}`, [...comments, { text: args.text }]);
    return comments.length + 1;
  },
);

async function wanted(id: string): Promise<Todo> {
  const todo = await kv.get<Todo>(`todo:${id}`);
  if (todo === null) throw new HttpError(404, "There is no such todo.", { code: "no_such_todo" });
  return todo;
}
