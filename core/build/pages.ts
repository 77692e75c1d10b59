/** The pages that plugins show in browsers, each one file with all that it needs. */
import { basename, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { ROOT, write } from "./files.ts";

/**
 * `plugins/<plugin>/page/<name>.page.js`: one HTML file with all that it needs, compressed, and the policy that lets exactly that
 * run, beside their source. The script finds the element `page`, and gives the page its title. Fonts are left out: they would be most of it.
 */
export async function buildPages(): Promise<void> {
  for await (const path of new Bun.Glob("plugins/*/page/*.page.js").scan({ cwd: ROOT })) {
    const result = await Bun.build({
      entrypoints: [join(ROOT, path)],
      target: "browser",
      format: "iife",
      minify: true,
      define: { "process.env.NODE_ENV": JSON.stringify("production") },
    });
    const textOf = async (end: string): Promise<string> =>
      (await result.outputs.find((one) => one.path.endsWith(end))?.text()) ?? "";
    // What would end the element early is written otherwise, and means the same.
    const script = (await textOf(".js")).replace(/<(?=\/script|script|!--)/gi, "\\x3c");
    const style = (await textOf(".css")).replace(/@font-face\s*\{[^}]*\}/g, "");
    const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${basename(path, ".page.js")}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body><div id="page"><noscript>This page needs JavaScript.</noscript></div><script>${script}</script></body>
</html>
`;
    const digest = (text: string): string => `'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`;
    const policy = [
      "default-src 'none'",
      `script-src ${digest(script)}`,
      `style-src ${digest(style)}`,
      "connect-src 'self'",
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ];
    const built = path.replace(/\.page\.js$/, "");
    const small = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
    await write(`${built}.html.br`, brotliCompressSync(html, small));
    await write(`${built}.policy.txt`, policy.join("; "));
  }
}
