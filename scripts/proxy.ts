/** Fetches a public URL and streams what it answers: `curl "localhost:8080/proxy?url=https://example.com"` */
import { HttpError, registerWebHandler } from "@aiwebengine/sdk";

const PASSED_ON = ["content-type", "content-language", "etag", "last-modified"];

registerWebHandler(
  "GET /proxy",
  { summary: "Fetch a URL", query: { url: "/^https?:\\/\\// & string <= 2048" } },
  async ({ query, signal }) => {
    if (!URL.canParse(query.url)) throw new HttpError(400, "That is no URL.");
    // Addresses inside the network are refused by the engine, at every redirect; the client leaving ends the request.
    const answer = await fetch(query.url, { signal }).catch((error: unknown) => {
      if (!(error instanceof TypeError)) throw error;
      throw new HttpError(502, "There is no answer from there.", { cause: error });
    });
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
