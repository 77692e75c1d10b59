/** GraphiQL: one page that loads nothing from elsewhere, made by the build and read when a browser asks for it. */
import page from "./page/graphiql.html.br" with { type: "file" };
import policy from "./page/graphiql.policy.txt" with { type: "text" };

let tag: string | undefined;

/** For a GET of a browser. https://www.rfc-editor.org/rfc/rfc9110 */
export async function answerPage(request: Request): Promise<Response> {
  const packed = await Bun.file(page).bytes();
  tag ??= `"${Bun.hash(packed).toString(36)}"`;
  const headers = new Headers({
    "content-type": "text/html;charset=utf-8",
    "content-security-policy": policy,
    "cache-control": "no-cache",
    vary: "accept, accept-encoding",
    etag: tag,
  });
  const known = (request.headers.get("if-none-match") ?? "").split(/\s*,\s*/);
  if (known.some((one) => one.replace(/^W\//, "") === tag)) return new Response(null, { status: 304, headers });
  if (!/\bbr\b/.test(request.headers.get("accept-encoding") ?? "")) {
    const { brotliDecompressSync } = await import("node:zlib");
    return new Response(new Uint8Array(brotliDecompressSync(packed)), { headers });
  }
  headers.set("content-encoding", "br");
  return new Response(packed, { headers });
}
