/** What a plugin's route is measured against: Elysia alone, with one route. Prints its port. */
import { Elysia } from "elysia";

const app = new Elysia().get("/plugin", () => new Response("Hello, World!")).listen({ hostname: "127.0.0.1", port: 0 });
console.log(app.server?.port);
