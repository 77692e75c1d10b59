/** The peer without an engine: the same routes on plain `Bun.serve`. Prints its port. */
import { makeWork } from "./work.ts";

interface Order {
  readonly name: string;
  readonly count: number;
  readonly tags: readonly string[];
}

function isOrder(value: unknown): value is Order {
  if (typeof value !== "object" || value === null) return false;
  const { name, count, tags } = value as Record<string, unknown>;
  return (
    typeof name === "string" &&
    typeof count === "number" &&
    Array.isArray(tags) &&
    tags.every((one) => typeof one === "string")
  );
}

const work = makeWork();

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const path = request.url.slice(request.url.indexOf("/", 8));
    if (path === "/hello") return new Response("Hello, World!");
    if (path === "/order") {
      const order: unknown = await request.json();
      return isOrder(order) ? Response.json({ ...order, total: order.count * 2 }) : new Response(null, { status: 422 });
    }
    if (path === "/echo") return new Response(await request.arrayBuffer());
    return Response.json(work(path.slice(path.indexOf("=") + 1)));
  },
});
console.log(server.port);
