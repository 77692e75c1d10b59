/** GraphQL of scripts against the same schema in bare graphql-yoga, where nothing leaves the process. */
import { authorsOf, notes, SDL } from "./graphql-schema.ts";
import { startEngineFor, startYoga, type Peer } from "./peers.ts";
import { throughput, type Measured, type Pace } from "./throughput.ts";

const SCRIPT = `import { registerFieldHandler, registerQueryHandler, registerType, registerWebHandler } from "@aiwebengine/sdk";
const notes = ${notes.toString()};
const authorsOf = ${authorsOf.toString()};
registerType(${JSON.stringify(SDL)});
registerWebHandler("GET /hello", () => "Hello, World!");
registerQueryHandler("hello: String!", () => "world");
registerQueryHandler("notes(limit: Int = 100): [Note!]!", ({ args }) => notes(args.limit));
registerFieldHandler("Note.author: Author!", ({ payload }) => authorsOf(payload));
`;

export const OPERATIONS = {
  "GraphQL hello": "{ hello }",
  "GraphQL, 100 rows with a nested field": "{ notes(limit: 100) { id text author { name } } }",
} as const;

export type GraphqlFigures = { readonly [operation: string]: readonly Measured[] };

export async function graphql(pace: Pace): Promise<GraphqlFigures> {
  const peers: Peer[] = [];
  try {
    peers.push(await startYoga(), await startEngineFor({ scripts: { "bench.js": SCRIPT } }));
    const found: Record<string, readonly Measured[]> = {};
    for (const [name, query] of Object.entries(OPERATIONS)) {
      const options = { connections: 32, body: JSON.stringify({ query }), contentType: "application/json" };
      found[name] = await throughput(peers, "/graphql", pace, options);
    }
    return found;
  } finally {
    for (const peer of peers) await peer.stop();
  }
}
