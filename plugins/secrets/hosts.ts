/** Where a secret may be sent: origins, as the config lists them. */

/** Answers whether a URL is one of them. */
export type HostTest = (url: URL) => boolean;

/**
 * Reads `api.example.com` (https, port 443), `api.example.com:8443`, `*.example.com` (all below it, not itself), or an
 * origin in full where it is not https: `http://127.0.0.1:3000`.
 *
 * @throws Error whose sentence shows the entry.
 */
export function parseHost(entry: string): HostTest {
  const below = /^(\w+:\/\/)?\*\./.test(entry);
  const text = entry.replace(/^(\w+:\/\/)?\*\./, "$1");
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  const plain = url !== null && url.pathname + url.search + url.hash + url.username + url.password === "/";
  if (!plain || !/^https?:$/.test(url.protocol) || !/^[\w.:[\]-]+$/.test(url.hostname)) {
    throw new Error(
      `"${entry}" is no host; write "api.example.com" (https), "*.example.com", or an origin such as "http://127.0.0.1:3000"`,
    );
  }
  if (!below) return ({ origin }) => origin === url.origin;
  const suffix = `.${url.hostname}`;
  return ({ protocol, port, hostname }) => protocol === url.protocol && port === url.port && hostname.endsWith(suffix);
}
