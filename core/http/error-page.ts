/** Problems as a page, for a developer's browser: only ever with `--dev`. Everything shown is escaped. */
import type { FieldError, Problem } from "../../sdk/errors.ts";

const MAX_PROBLEM_BYTES = 256 * 1024;

/** No script, no outside resource, no frame: whatever a problem's text holds, it stays text. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function wantsPage(accept: string | null): boolean {
  return accept !== null && accept.includes("text/html");
}

/** The same answer as a page when it is a problem; any other answer as it is. */
export async function asPage(response: Response): Promise<Response> {
  if (!response.headers.get("content-type")?.startsWith("application/problem+json")) return response;
  const bytes = await response.bytes();
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  const problem = readProblem(bytes);
  if (problem === null) return new Response(bytes, { status: response.status, headers });
  headers.set("content-type", "text/html; charset=utf-8");
  headers.set("content-security-policy", POLICY);
  headers.set("x-content-type-options", "nosniff");
  return new Response(renderPage(problem), { status: response.status, headers });
}

/** Null for a document of the script's own making that is no problem of ours. */
function readProblem(bytes: Uint8Array): Problem | null {
  if (bytes.byteLength > MAX_PROBLEM_BYTES) return null;
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Problem> | null;
    return typeof value?.code === "string" && typeof value.id === "string" ? (value as Problem) : null;
  } catch {
    return null;
  }
}

export function renderPage(problem: Problem): string {
  const { dev, limit, errors } = problem;
  const place =
    dev?.file === undefined ? "" : [dev.file, dev.line, dev.column].filter((part) => part !== undefined).join(":");
  const section = (title: string, body: string): string => `<h2>${title}</h2>${body}`;
  const parts = [
    `<p class="detail">${escapeHtml(thrown(dev?.stack) ?? problem.detail)}</p>`,
    place && section("Where", `<p><code>${escapeHtml(place)}</code></p>`),
    dev?.frame && `<pre>${escapeHtml(dev.frame)}</pre>`,
    dev?.stack && section("Stack", `<pre>${escapeHtml(dev.stack)}</pre>`),
    limit &&
      section(
        "Limit",
        `<p><code>${escapeHtml(limit.name)}</code> is ${escapeHtml(limit.value)}` +
          `${limit.used === undefined ? "" : `, used ${escapeHtml(limit.used)}`}; change <code>${escapeHtml(limit.key)}</code></p>`,
      ),
    Array.isArray(errors) &&
      section(
        "Fields",
        `<table><tr><th>path<th>message<th>expected</tr>${(errors as readonly (FieldError | null)[])
          .map(
            // A script may have made the document itself, of anything.
            (e) =>
              `<tr><td><code>${escapeHtml(e?.path)}</code><td>${escapeHtml(e?.message)}<td>${escapeHtml(e?.expected)}</tr>`,
          )
          .join("")}</table>`,
      ),
  ].filter(Boolean);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(problem.status)} ${escapeHtml(problem.title)}</title>
<style>${STYLE}</style>
<main><p class="code">${escapeHtml(problem.status)} <code>${escapeHtml(problem.code)}</code></p><h1>${escapeHtml(problem.title)}</h1>
${parts.join("\n")}
<footer>request <code>${escapeHtml(problem.id)}</code></footer></main></html>`;
}

/** The error itself, which stands before the frames: who develops asks for it first. Null where the stack has frames only. */
function thrown(stack: unknown): string | null {
  return typeof stack === "string" ? (/^(?! *at )[^]+?(?=\n *at |$)/.exec(stack)?.[0] ?? null) : null;
}

const STYLE = `:root{color-scheme:light dark;--line:#8884}body{font:16px/1.5 system-ui,sans-serif;margin:0}
main{max-width:60rem;margin:4rem auto;padding:0 1.5rem}h1{margin:.2rem 0 1rem}h2{font-size:1rem;margin:2rem 0 .5rem}
.code{color:light-dark(#b3261e,#ff8a80);margin:0}.detail{font-size:1.15rem;white-space:pre-wrap;overflow-wrap:anywhere}
pre{overflow:auto;padding:1rem;border:1px solid var(--line);border-radius:6px;font:13px/1.5 ui-monospace,monospace}
table{border-collapse:collapse}td,th{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line)}
footer{margin-top:3rem;border-top:1px solid var(--line);padding-top:.5rem;opacity:.7}`;

function escapeHtml(value: unknown): string {
  return String(value ?? "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
