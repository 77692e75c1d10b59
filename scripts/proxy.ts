/** Fetches a public URL and streams what it answers: `curl "localhost:8080/proxy?url=https://example.com"` */
import { registerWebHandler } from "@aiwebengine/sdk";

const PASSED_ON = ["content-type", "content-language", "etag", "last-modified"];

registerWebHandler(
  "GET /proxy",
  { summary: "Fetch a URL", query: { url: "/^https?:\\/\\// & string <= 2048" } },
  async ({ query, signal }) => {
    // Addresses inside the network are refused by the engine, at every redirect; the client leaving ends the request.
    const answer = await fetch(query.url, { signal });
    const headers = new Headers();
    for (const name of PASSED_ON) {
      const value = answer.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    // A stranger's page must not run as one of ours.
    headers.set("content-security-policy", "sandbox");
    headers.set("x-content-type-options", "nosniff");
    return new Response(answer.body, { status: answer.status, headers });
  },
);
