/** The smallest script: text for a path. `curl localhost:8080/hello/Ada` */
import { registerWebHandler } from "@aiwebengine/sdk";

registerWebHandler("GET /hello", () => "Hello, world");

registerWebHandler("GET /hello/:name", ({ params }) => `Hello, ${params.name}`);
