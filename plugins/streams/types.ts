/** The declarations for authors of scripts: what they register, and what they send. */

export const SERVICE_TYPES = `/** Values by key, or lists of values of which each counts: what a connection is, or what a message is for. */
export type StreamCriteria = {
  readonly [key: string]: string | number | boolean | null | readonly (string | number | boolean | null)[];
};

/** Who gets a message: \`subset\` (also without a word) where every key fits the connection's criteria, \`overlap\` where one does. */
export type StreamFilter = StreamCriteria | { readonly subset: StreamCriteria } | { readonly overlap: StreamCriteria };

/** What became of a message, in this engine. */
export interface StreamDelivery {
  /** Clients that it is on its way to. */
  readonly delivered: number;
  /** Clients of the stream, whatever the filter. */
  readonly connections: number;
  /** Clients that read too slowly, and were dropped. */
  readonly failed: number;
}

/** Which connections were ended, in this engine. */
export interface StreamEnding {
  /** Clients whose connection ends. */
  readonly closed: number;
  /** Clients of the stream until then, whatever the filter. */
  readonly connections: number;
}

/** How a WebSocket ends: with 1000, or a code of the script's own from 3000 to 4999, and a reason of up to 123 bytes. */
export interface StreamClosing {
  readonly code?: number;
  readonly reason?: string;
}

/** Messages to the clients of this script's streams and WebSockets, and their end. */
export interface Streams {
  /**
   * @param path of a stream or WebSocket of this script, as it was registered; without it all of them
   * @param message JSON data; text is sent as it is
   * @param filter who gets it; everybody without it. \`{ socket: id }\` is one WebSocket
   * @param options \`event\`: its name for \`addEventListener\`, \`message\` without it; WebSockets have none
   */
  send(
    path: string,
    message: unknown,
    filter?: StreamFilter | null,
    options?: { readonly event?: string },
  ): Promise<StreamDelivery>;
  send(
    message: unknown,
    filter?: StreamFilter | null,
    options?: { readonly event?: string },
  ): Promise<StreamDelivery>;
  /**
   * Ends connections, after all that was sent to them before. A browser's \`EventSource\` comes back, and is asked about by
   * \`authorize\` again; a WebSocket is told code and reason.
   *
   * @param path of a stream or WebSocket of this script, as it was registered; without it all of them
   * @param filter whose; everybody's without it. \`{ socket: id }\` is one WebSocket
   * @example await streams.close("/room/:name", { user: "ada" }, { code: 4001, reason: "signed out" });
   */
  close(path: string, filter?: StreamFilter | null, options?: StreamClosing): Promise<StreamEnding>;
  close(filter?: StreamFilter | null, options?: StreamClosing): Promise<StreamEnding>;
}`;

export const POINT_TYPES = `/** What a stream may be given. */
export interface StreamOptions<Path extends string = string> {
  /**
   * Asked once per connection, with its request: gives back the connection's criteria, or \`true\` for none. Anything else
   * refuses with 403, an \`HttpError\` with its own status. Without it everybody may come, and the path's parameters are
   * the criteria.
   */
  readonly authorize?:
    | ((context: StreamContext<Path>) => StreamCriteria | boolean | null | void | Promise<StreamCriteria | boolean | null | void>)
    | string;
  /** How many messages are kept for clients that come back; 100 by default, at most 1000. */
  readonly replay?: number;
  /** For the documentation of the API. */
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

/** What \`authorize\` gets: all of the request, which has no body. */
export type StreamContext<Path extends string = string> = Omit<Context<PathParams<Path>>, "kind" | "body" | "form" | "files">;

/** Serves server-sent events at a path: at top level, or in an exported \`init()\`. */
export declare function registerWebStream<const Path extends string>(path: Path, options?: StreamOptions<Path>): void;`;

export const SOCKET_TYPES = `/** What the functions of a WebSocket get: all of the request that it began with, which has no body. */
export type WebSocketContext<Path extends string = string, Payload = undefined> = Omit<
  StreamContext<Path>,
  "payload" | "args"
> & {
  /** \`message\`: what the client said, data that fits \`input\`, or text without it. \`close\`: with which code and reason it ended. */
  readonly payload: Payload;
  /** Its id, which the filter \`{ socket: id }\` names, and its criteria. */
  readonly args: { readonly socket: string; readonly criteria: StreamCriteria };
};

/** What a WebSocket may be given. A function may stand by its name. */
export interface WebSocketOptions<Path extends string = string, Message = string> {
  /** Asked once per connection, before it is one, as for a stream. */
  readonly authorize?: StreamOptions<Path>["authorize"];
  /** The connection is there. What it gives back is sent to the client: text as it is, other data as JSON, nothing for nothing. */
  readonly open?: ((context: WebSocketContext<Path>) => unknown) | string;
  /** The client said something; its messages come one after the other. What it gives back is sent to the client, too. */
  readonly message?: ((context: WebSocketContext<Path, Message>) => unknown) | string;
  /** It has ended, after all its messages. */
  readonly close?:
    | ((context: WebSocketContext<Path, { readonly code: number; readonly reason: string }>) => unknown)
    | string;
  /** For the documentation of the API. */
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

/**
 * Serves WebSockets at a path: at top level, or in an exported \`init()\`. With \`input\`, an arktype definition, messages are
 * JSON that fits it, others are answered with a problem; without it they are text. Broadcasts come by \`sendStreamMessage\`.
 */
export declare function registerWebSocket<const Path extends string, const Input>(
  path: Path,
  options: WebSocketOptions<Path, Infer<Input>> & { readonly input: Checked<Input> },
): void;
export declare function registerWebSocket<const Path extends string>(path: Path, options: WebSocketOptions<Path>): void;`;
