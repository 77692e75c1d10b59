/** Where Redis is, from one URL: `redis://user:password@host:6379`, and `rediss://` over TLS. */

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Undefined for the one that Redis calls `default`. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Without what is secret: for logs. */
  readonly shown: string;
}

const DEFAULT_PORT = 6379;

/** @throws Error that does not repeat the URL. */
export function readAddress(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "redis:" && url.protocol !== "rediss:") || url.hostname === "") {
    throw new Error("plugins.pubsub.redis must be a URL such as redis://user:password@host:6379, or rediss:// for TLS");
  }
  if (!["", "/", "/0"].includes(url.pathname)) {
    throw new Error(
      "plugins.pubsub.redis names a database, and channels of Redis know none: leave it out, and give each application a plugins.pubsub.channel of its own",
    );
  }
  if (url.search !== "" || url.hash !== "") throw new Error("plugins.pubsub.redis takes no parameters");
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port,
    tls: url.protocol === "rediss:",
    user: decoded(url.username),
    password: decoded(url.password),
    shown: `${url.protocol}//${url.hostname}:${port}`,
  };
}

function decoded(part: string): string | undefined {
  if (part === "") return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Error("plugins.pubsub.redis has a % that begins no character: write %25 for the sign itself");
  }
}
