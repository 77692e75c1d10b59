/** A chat in rooms: a page, what is said as a stream and over GraphQL, the last messages in kv. Open /chat twice, side by side. */
import {
  html,
  json,
  kv,
  registerQueryHandler,
  registerSubscriptionHandler,
  registerType,
  registerWebHandler,
  registerWebStream,
  sendStreamMessage,
  sendSubscriptionMessage,
} from "@aiwebengine/sdk";

export interface Message {
  readonly id: string;
  readonly at: string;
  readonly name: string;
  readonly text: string;
}

const ROOM = "/^[a-z0-9-]{1,32}$/";
const EVENTS = "/chat/rooms/:room/events";
const SHOWN = 50;
const KEPT_MS = 86_400_000;

// The room in the path is what a connection is known by: the filter below sends to those of one room.
registerWebStream(EVENTS, { summary: "What is said in a room, as it is said" });

registerWebHandler(
  "POST /chat/rooms/:room/messages",
  {
    summary: "Say something in a room",
    params: { room: ROOM },
    body: { name: "/\\S/ & string <= 30", text: "/\\S/ & string <= 500" },
  },
  async ({ id, params: { room }, body: { name, text } }) => {
    const message: Message = { id, at: new Date().toISOString(), name, text };
    // Kept before it is sent: who comes in between has it from one of the two.
    await kv.set(keyOf(room, id), message, { ttlMs: KEPT_MS });
    await Promise.all([
      sendStreamMessage(EVENTS, message, { room }),
      sendSubscriptionMessage("chatSaid", message, { room }),
    ]);
    return json(message, { status: 201 });
  },
);

registerWebHandler(
  "GET /chat/rooms/:room/messages",
  { summary: "The last messages of a room, oldest first", params: { room: ROOM } },
  ({ params: { room } }) => lastMessages(room),
);

// The same for clients of GraphQL. The subscription has no handler: its arguments are what a subscriber is known by.
registerType("type ChatMessage { id: ID!, at: DateTime!, name: String!, text: String! }");
registerQueryHandler<{ room: string }>("chatMessages(room: ID!): [ChatMessage!]!", ({ args }) =>
  lastMessages(args.room),
);
registerSubscriptionHandler("chatSaid(room: ID!): ChatMessage!");

registerWebHandler("GET /chat", { query: { room: `${ROOM} = 'lobby'` } }, ({ query: { room } }) =>
  html(<Page room={room} />, { headers: { "content-security-policy": POLICY } }),
);

async function lastMessages(room: string): Promise<Message[]> {
  const { entries } = await kv.list<Message>({ prefix: `${room}/`, limit: SHOWN });
  return entries.map(({ value }) => value).reverse();
}

/** The newest first: `list` begins with the smallest key. */
function keyOf(room: string, id: string): string {
  const left = String(Number.MAX_SAFE_INTEGER - Date.now()).padStart(16, "0");
  return `${room}/${left}/${id}`;
}

/** The page runs its own script and no other. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "form-action 'self'",
  "base-uri 'none'",
].join("; ");

function Page({ room }: { readonly room: string }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{room} · Chat</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/chat/chat.css" />
        <script type="module" src="/chat/chat.js" />
      </head>
      <body data-room={room}>
        <header>
          <h1>
            <span aria-hidden="true">#</span>
            {room}
          </h1>
          <p id="state" role="status">
            Connecting…
          </p>
          <form action="/chat">
            <label>
              <span>Room</span>
              <input name="room" required pattern="[a-z0-9\-]{1,32}" placeholder="another-room" autocomplete="off" />
            </label>
            <button>Go</button>
          </form>
        </header>
        <main>
          <p id="empty" hidden>
            Nothing was said here since yesterday. Begin!
          </p>
          <ol id="messages" role="log" aria-label={`Messages in ${room}`} />
        </main>
        <form id="say">
          <label>
            <span>Your name</span>
            <input name="name" required maxlength={30} autocomplete="nickname" />
          </label>
          <label>
            <span>Message</span>
            <input name="text" required maxlength={500} autocomplete="off" />
          </label>
          <button>Send</button>
          <p id="fault" role="alert" />
        </form>
      </body>
    </html>
  );
}
