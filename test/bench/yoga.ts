/** What GraphQL is measured against: graphql-yoga alone, with the schema and the resolvers of `graphql.ts`. Prints its port. */
import { createSchema, createYoga } from "graphql-yoga";
import { authorsOf, notes, SDL, type Note } from "./graphql-schema.ts";

const yoga = createYoga({
  logging: false,
  graphiql: false,
  schema: createSchema({
    typeDefs: `type Query { hello: String! notes(limit: Int = 100): [Note!]! } ${SDL} extend type Note { author: Author! }`,
    resolvers: {
      Query: { hello: () => "world", notes: (_: unknown, args: { readonly limit: number }) => notes(args.limit) },
      Note: { author: (note: Note) => authorsOf([note])[0] },
    },
  }),
});
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request) => yoga.fetch(request) });
console.log(server.port);
