/** The three documents as they are now, with what a cache needs to keep them. https://www.rfc-editor.org/rfc/rfc9110 */
import type { RequestEvent } from "../../sdk/plugin.ts";
import { makeDocument, type Info, type Served } from "./document.ts";
import { makeIndex } from "./llms.ts";
import { makePage } from "./page.ts";

export interface Places {
  /** Of the page. */
  readonly path: string;
  readonly document: string;
  readonly index: string;
}

export interface Files {
  /** For a GET or HEAD of one of the places. */
  answer(event: Pick<RequestEvent, "method" | "path" | "request">): Response;
}

interface File {
  readonly body: string;
  readonly headers: { readonly [name: string]: string };
}

export function makeFiles(served: Served, config: Info & Places): Files {
  const { path, document, index } = config;
  const page = makePage(config, document);
  const files = new Map<string, File>([
    [path, file(page.html, "text/html;charset=utf-8", { "content-security-policy": page.policy })],
    [document, file(`${JSON.stringify(makeDocument(served, config))}\n`, "application/json")],
    [index, file(makeIndex(served, config, { document, page: path }), "text/plain;charset=utf-8")],
  ]);
  return {
    answer({ method, path: asked, request }) {
      const { body, headers } = files.get(asked) as File;
      const { etag = "" } = headers;
      const known = request.headers.get("if-none-match") ?? "";
      if (known === "*" || known.split(/\s*,\s*/).some((one) => one.replace(/^W\//, "") === etag)) {
        return new Response(null, { status: 304, headers });
      }
      if (method !== "HEAD") return new Response(body, { headers });
      return new Response(null, { headers: { ...headers, "content-length": String(Buffer.byteLength(body)) } });
    },
  };
}

function file(body: string, type: string, more: { readonly [name: string]: string } = {}): File {
  const etag = `"${Bun.hash(body).toString(36)}"`;
  return { body, headers: { "content-type": type, etag, "cache-control": "no-cache", ...more } };
}
