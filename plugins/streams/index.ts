/** Server-sent events and WebSockets: scripts register them and send to their clients, whom they know by criteria. */
import {
  definePlugin,
  ProblemError,
  type Capability,
  type Json,
  type PointRegistration,
  type RouteEvent,
} from "../../sdk/plugin.ts";
import { acceptsEvents } from "./event.ts";
import { readCriteria, type Criteria } from "./filter.ts";
import { Hub } from "./hub.ts";
import { fromWire, toWire, type Told } from "./remote.ts";
import { streamsService } from "./service.ts";
import { newFarewells, socketPoint } from "./sockets.ts";
import { POINT_TYPES } from "./types.ts";

type Cors = Capability<"cors">;

const TOPIC = "streams";
const DEFAULT_REPLAY = 100;
const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  // nginx would keep what it has until its buffer is full.
  "x-accel-buffering": "no",
};

export default definePlugin({
  name: "streams",
  version: "1.0.0",
  requires: ["engine", "pubsub"],
  config: {
    maxConnections: [
      ["number.integer > 0", "@", "Open streams and WebSockets in all; more are answered with 503."],
      "=",
      10_000,
    ],
    maxPerIp: [
      ["number.integer > 0", "@", "Open streams and WebSockets of one client address; more are answered with 429."],
      "=",
      100,
    ],
    maxMessageBytes: [
      ["number.integer > 0", "@", "The most that a message may take, to clients or from them."],
      "=",
      65_536,
    ],
    allowedOrigins: [
      [
        "string[]",
        "@",
        "Whose pages may open WebSockets, beside this host's own and those that `cors` trusts with cookies: `https://app.example`, or `*` for all.",
      ],
      "=",
      () => [],
    ],
    replayBytes: [
      ["number.integer >= 0", "@", "Messages kept for clients that come back: of one script, over all of its streams."],
      "=",
      1_048_576,
    ],
    queueBytes: [
      ["number.integer > 0", "@", "A client that has more than this waiting reads too slowly, and is dropped."],
      "=",
      262_144,
    ],
    pingSeconds: [
      ["1 <= number.integer <= 60", "@", "A client that was sent nothing for so long gets a comment."],
      "=",
      15,
    ],
    retryMs: [["number.integer >= 0", "@", "How long a client waits before it comes back."], "=", 3000],
  },
  setup({ config, log, point, service, use, keep, defer, whenProvided }) {
    const engine = use("engine");
    const pubsub = use("pubsub");
    const hub = keep(
      "hub",
      () => new Hub(),
      (last) => last.close(),
    );
    hub.onDropped = (count) => log.warn("clients that read too slowly were dropped", { count });
    hub.onFailure = (error) => log.error("a WebSocket's message failed", { error });
    let streams: readonly PointRegistration[] = [];
    let sockets: readonly PointRegistration[] = [];
    let cors: Cors | undefined;
    whenProvided("cors", (given) => void (cors = given));
    const all = (): readonly PointRegistration[] => [...streams, ...sockets];
    // What is refused after all is taken back before anyone was sent away.
    const settle = (): void => queueMicrotask(() => hub.settle(all(), config.replayBytes, DEFAULT_REPLAY));

    const publish = (told: Told): Promise<void> => pubsub.publish(TOPIC, toWire(told));
    const tell = (asks: boolean): Promise<void> => publish(hub.beat(asks));
    function receive(given: Json): void {
      const told = fromWire(given, config.maxMessageBytes);
      if (told === undefined) return;
      if (!("asks" in told)) hub.receive(told);
      else if (hub.hear(told) || (told.asks && told.node !== hub.node)) void tell(false).catch(notTold);
    }
    const notTold = (error: unknown): void => log.warn("other engines were not told how far this one is", { error });
    defer(pubsub.subscribe(TOPIC, receive));
    void tell(true).catch(notTold);
    defer(
      engine.onChange(() => {
        if (!engine.ready) hub.close();
      }),
    );

    point("streams", {
      functions: { registerWebStream: { args: ["path", "options?"] } },
      options: {
        "replay?": "0 <= number.integer <= 1000",
        "summary?": "string",
        "description?": "string",
        "tags?": "string[]",
      },
      handlers: ["authorize"],
      types: POINT_TYPES,
      change(next) {
        streams = next;
        settle();
      },
      route: { method: "GET", produces: HEADERS["content-type"], handle: connect },
    });

    point(
      "sockets",
      socketPoint(
        {
          hub,
          bounds: config,
          dev: engine.dev,
          allowOrigin: (origin) =>
            config.allowedOrigins.some((one) => one === "*" || one === origin) || cors?.trusts(origin) === true,
          isReady: () => engine.ready,
          refuseAtEnd,
          authorize,
          change(next) {
            sockets = next;
            settle();
          },
        },
        keep("farewells", newFarewells),
      ),
    );

    function refuseAtEnd(): void {
      if (!engine.ready) throw new ProblemError("not_ready", "The engine stops.", { retryAfterSeconds: 1 });
    }

    async function connect(event: RouteEvent, stream: PointRegistration): Promise<Response> {
      const { headers } = event.request;
      if (!acceptsEvents(headers.get("accept"))) {
        throw new ProblemError(
          "not_acceptable",
          `${event.path} is a stream of events: it answers with text/event-stream.`,
        );
      }
      refuseAtEnd();
      const release = hub.reserve(event.ip, config);
      try {
        const criteria = await authorize(event, stream);
        refuseAtEnd();
        // While it was asked, its script may have been saved without the stream.
        if (!streams.some(({ script, path }) => script === stream.script && path === stream.path)) {
          throw new ProblemError("not_found", `The stream ${event.path} was removed.`);
        }
        if (event.method === "HEAD" || event.signal.aborted) {
          release();
          return new Response(null, { headers: HEADERS });
        }
        const client = { ip: event.ip, criteria, lastEventId: headers.get("last-event-id") };
        const connection = hub.connect(stream, client, config, release);
        // The server does not cancel a body that it never began to send.
        event.signal.addEventListener("abort", () => connection.close(), { once: true });
        return new Response(connection.body, { headers: HEADERS });
      } catch (error) {
        release();
        throw error;
      }
    }

    service("streams", streamsService({ hub, all, maxMessageBytes: config.maxMessageBytes, publish }));
  },
});

async function authorize(event: RouteEvent, { handlers }: PointRegistration): Promise<Criteria> {
  if (handlers?.["authorize"] === undefined) return event.params;
  return readCriteria(await handlers["authorize"]({ request: event, parentId: event.id, signal: event.signal }));
}
