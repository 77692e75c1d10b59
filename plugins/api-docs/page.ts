/** The page at /docs, whole: markup, style and script in one answer that loads nothing from elsewhere. */
import script from "./page/docs.browser.js" with { type: "text" };
import trySocket from "./page/socket.browser.js" with { type: "text" };
import tryIt from "./page/try.browser.js" with { type: "text" };
import schemas from "./page/schemas.browser.js" with { type: "text" };
import style from "./page/docs.css" with { type: "text" };
import type { Info } from "./document.ts";

export interface Page {
  readonly html: string;
  /**
   * Runs exactly these scripts and applies exactly this style: neither what is injected nor a file that a script of this
   * origin serves. https://www.w3.org/TR/CSP3/
   */
  readonly policy: string;
}

/** @param place of the OpenAPI document, a path */
export function makePage({ title, version, description }: Info, place: string): Page {
  const about = description === "" ? "" : `<p class="about">${escape(description)}</p>`;
  return {
    html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="document" content="${escape(place)}">
<title>${escape(title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header>
<h1>${escape(title)} <small>${escape(version)}</small></h1>
<a href="${escape(place)}">OpenAPI</a>
<input id="search" type="search" placeholder="Search routes ( / )" aria-label="Search routes">
</header>
<main>
<nav id="contents" aria-label="Routes"></nav>
<div>${about}<div id="operations"><noscript>This page needs JavaScript.</noscript></div></div>
</main>
<script>${schemas}</script>
<script>${tryIt}</script>
<script>${trySocket}</script>
<script>${script}</script>
</body>
</html>
`,
    policy: [
      "default-src 'none'",
      `script-src ${digest(schemas)} ${digest(tryIt)} ${digest(trySocket)} ${digest(script)}`,
      `style-src ${digest(style)}`,
      "connect-src 'self'",
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join("; "),
  };
}

function digest(text: string): string {
  return `'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
