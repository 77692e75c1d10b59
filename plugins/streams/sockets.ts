/** WebSockets of scripts: who may come is asked once, and what clients say goes to the script that serves at that moment. */
import {
  ProblemError,
  type Json,
  type PointRegistration,
  type PointSpec,
  type RouteEvent,
  type Socket,
} from "../../sdk/plugin.ts";
import { Conversation } from "./conversation.ts";
import type { Criteria } from "./filter.ts";
import type { Bounds, Hub } from "./hub.ts";
import { Lanes } from "./lanes.ts";
import { GOING_AWAY, SocketListener } from "./socket.ts";
import { SOCKET_TYPES } from "./types.ts";

const UNSUPPORTED = 1003;
const TRY_AGAIN_LATER = 1013;
/** Calls of `close` of one script at a time. */
const FAREWELLS = 4;

export interface SocketsParts {
  readonly hub: Hub;
  readonly bounds: Bounds & { readonly maxMessageBytes: number };
  readonly dev: boolean;
  /** Pages of other hosts that may connect. */
  readonly allowOrigin: (origin: string) => boolean;
  readonly isReady: () => boolean;
  /** @throws ProblemError when the engine stops. */
  readonly refuseAtEnd: () => void;
  readonly authorize: (event: RouteEvent, registration: PointRegistration) => Promise<Criteria>;
  readonly change: (next: readonly PointRegistration[]) => void;
}

/** Outlives generations with the hub: sockets do. */
export const newFarewells = (): Lanes => new Lanes(FAREWELLS);

export function socketPoint(parts: SocketsParts, farewells: Lanes): PointSpec {
  return {
    functions: { registerWebSocket: { args: ["path", "options"] } },
    options: { "summary?": "string", "description?": "string", "tags?": "string[]" },
    definitions: ["input"],
    handlers: ["authorize", "open", "message", "close"],
    types: SOCKET_TYPES,
    change: parts.change,
    route: {
      method: "GET",
      protocol: "websocket",
      handle: (event, registration) => connect(event, registration, parts, farewells),
    },
  };
}

async function connect(
  event: RouteEvent,
  registration: PointRegistration,
  { hub, bounds, dev, allowOrigin, isReady, refuseAtEnd, authorize }: SocketsParts,
  farewells: Lanes,
): Promise<Response> {
  event.checkUpgrade({ allowOrigin });
  refuseAtEnd();
  const release = hub.reserve(event.ip, bounds);
  try {
    const criteria = await authorize(event, registration);
    refuseAtEnd();
    // While it was asked, its script may have been saved without the path.
    if (hub.now(registration) === undefined) throw new ProblemError("not_found", `${event.path} was removed.`);
    let talk: Talk | undefined;
    return event.upgrade({
      allowOrigin,
      lasting: true,
      maxMessageBytes: bounds.maxMessageBytes,
      open(socket) {
        if (hub.now(registration) === undefined) return socket.close(GOING_AWAY, "The path was removed.");
        talk = begin(hub, farewells, { event, registration, socket, criteria, dev, queueBytes: bounds.queueBytes });
        talk.conversation.open();
      },
      message(socket, data) {
        if (typeof data !== "string") return socket.close(UNSUPPORTED, "Messages are text.");
        if (talk?.conversation.message(data) === false) socket.close(TRY_AGAIN_LATER, "Too many messages wait.");
      },
      close(_socket, code, reason) {
        talk?.leave();
        release();
        // While the engine stops, scripts are not called any more.
        if (isReady()) talk?.conversation.close(code, reason);
      },
    });
  } catch (error) {
    release();
    throw error;
  }
}

interface Talk {
  readonly conversation: Conversation;
  leave(): void;
}

interface TalkParts {
  readonly event: RouteEvent;
  readonly registration: PointRegistration;
  readonly socket: Socket;
  readonly criteria: Criteria;
  readonly queueBytes: number;
  readonly dev: boolean;
}

function begin(
  hub: Hub,
  farewells: Lanes,
  { event, registration, socket, criteria, queueBytes, dev }: TalkParts,
): Talk {
  let over = false;
  const listener = new SocketListener(socket, criteria, queueBytes);
  const conversation = new Conversation({
    dev,
    // The version of the script that serves now, whichever it was when the client came.
    call(turn, input) {
      const handler = hub.now(registration)?.handlers?.[turn];
      const args = { socket: socket.id, criteria };
      const check = turn === "message" ? ({ check: "payload" } as const) : {};
      const ask = (): Promise<Json | undefined> | undefined =>
        handler?.({ ...input, ...check, args, request: event, parentId: event.id });
      return turn === "close" && handler ? farewells.run(registration.script, async () => ask()) : ask();
    },
    takesJson: () => hub.now(registration)?.schemas["input"] !== undefined,
    reply(text) {
      if (!over && !listener.tell(text)) hub.dropped();
    },
    onFailure: (error) => hub.onFailure(error),
  });
  const leave = hub.join(registration, listener);
  return {
    conversation,
    leave() {
      over = true;
      leave();
    },
  };
}
