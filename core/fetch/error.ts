/** The failure of an outgoing request that no rule refused: the realm makes a `TypeError` of it, as the standard says. */

export class NetworkError extends Error {
  override readonly name = "NetworkError";
}

/** Sentences for what scripts meet every day; others are named by their code. None may show an address or a path. */
const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was closed before the answer was complete",
  EPIPE: "the connection was closed before the request was sent",
  ENOTFOUND: "the name cannot be resolved",
  EAI_AGAIN: "the name cannot be resolved now",
  DNS_ENOTFOUND: "the name cannot be resolved",
  ETIMEDOUT: "the connection timed out",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another host",
  CERT_HAS_EXPIRED: "the certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is self-signed",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate's issuer is not trusted",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate's issuer is not trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the certificate's issuer is not trusted",
};

/** Turns what a socket, resolver or parser threw into a sentence for the script; the cause is kept for the log. */
export function networkError(host: string, cause: unknown): NetworkError {
  if (cause instanceof NetworkError) return cause;
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "unknown";
  const sentence = SENTENCES[code] ?? (code.startsWith("HPE_") ? "the answer is not valid HTTP" : "the request failed");
  return new NetworkError(`${host}: ${sentence} (${code})`, { cause });
}
