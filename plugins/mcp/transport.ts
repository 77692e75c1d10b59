/** The library's transport of one session, except that what a handler says while it works goes with its own answer. */
import {
  WebStandardStreamableHTTPServerTransport,
  type JSONRPCMessage,
  type RequestId,
  type TransportSendOptions,
} from "@modelcontextprotocol/server";

type Tell = (request: RequestId, message: JSONRPCMessage) => void;

export class SessionTransport extends WebStandardStreamableHTTPServerTransport {
  /** The revision that was agreed on. */
  version: string | undefined;
  readonly #tell: Tell;

  constructor(id: string, tell: Tell) {
    // JSON costs less than a stream of one event; `tell` makes a stream where there is more to say.
    super({ sessionIdGenerator: () => id, enableJsonResponse: true });
    this.#tell = tell;
  }

  setProtocolVersion(version: string): void {
    this.version = version;
  }

  override async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const request = options?.relatedRequestId;
    if (request === undefined || !("method" in message) || "id" in message) return super.send(message, options);
    this.#tell(request, message);
  }
}
