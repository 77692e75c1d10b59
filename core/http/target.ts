/** What a request asks for: the absolute URL and the path, read without parsing a URL for each request. */

export interface Target {
  readonly url: string;
  /** Still percent-encoded, without query. */
  readonly path: string;
}

const SLASH = 47;
// Letters, digits, dots: what a client sends. Everything else that RFC 3986 allows in a host, no client sends.
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const REPLACEMENT = "%EF%BF%BD";
const MAX_REMEMBERED = 256;

/**
 * Answers the target of a request, or null when the request line or `Host` is malformed.
 *
 * Bun normalises the path (dot segments, backslashes, non-ASCII bytes), and gives the bare path as the URL when `Host`
 * is missing or impossible; but it lets two `Host` headers and hosts that no URL parser takes through.
 */
export function createTargetReader(): (url: string, host: string | null, origin: string) => Target | null {
  const good = new Set<string>();
  let last = "";
  const isHost = (host: string): boolean => {
    if (host === last || good.has(host)) return true;
    // The URL parser knows more: ports over 65535, addresses such as 999.1.1.1.
    if (!HOST.test(host) || !URL.canParse(`http://${host}`)) return false;
    if (good.size >= MAX_REMEMBERED) good.clear();
    good.add(host);
    last = host;
    return true;
  };
  return (received, host, origin) => {
    let url = received;
    if (url.charCodeAt(0) === SLASH) {
      if (host) return null;
      url = origin + url;
    } else if (host === null || !isHost(host) || !url.startsWith("http")) return null;
    const start = url.indexOf("/", "https://".length);
    if (start === -1) return null;
    const path = url.slice(start, pathEnd(url, start));
    // Bun has put it where the request line held bytes that are not UTF-8.
    return path.includes(REPLACEMENT) ? null : { url, path };
  };
}

function pathEnd(url: string, start: number): number {
  const query = url.indexOf("?", start);
  // A fragment never belongs in a request; Bun leaves it in.
  const fragment = url.indexOf("#", start);
  if (query === -1) return fragment === -1 ? url.length : fragment;
  return fragment === -1 ? query : Math.min(query, fragment);
}
