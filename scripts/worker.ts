/** The fetch form of Workers, Deno and Bun, mounted at `/worker/*`. */
import type { FetchHandler } from "@aiwebengine/sdk";

let served = 0;

export default {
  async fetch(request, _env, context) {
    const url = new URL(request.url);
    // Module state is a cache: each isolate of this script has its own, and it may vanish at any time.
    served += 1;
    if (url.pathname === "/worker/echo") {
      return new Response(request.body, { headers: { "content-type": "application/octet-stream" } });
    }
    context.waitUntil(Promise.resolve().then(() => console.log(`answered ${url.pathname}`)));
    return Response.json({ method: request.method, path: url.pathname, query: url.search, served });
  },
} satisfies FetchHandler;
