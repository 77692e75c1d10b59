/** Streams without a socket and without isolates: what clients get, who gets it, what they miss, and what is refused. */
import { afterEach, describe, expect, test } from "bun:test";
import { ProblemError, type Json, type PointRegistration, type Remote, type RouteEvent } from "../../../sdk/plugin.ts";
import pubsub, { type Pubsub } from "../../../plugins/pubsub/index.ts";
import { acceptsEvents, encodeEvent, encodeId } from "../../../plugins/streams/event.ts";
import { fits, readCriteria, readFilter, type Criteria } from "../../../plugins/streams/filter.ts";
import { Position } from "../../../plugins/streams/position.ts";
import { fromWire, toWire } from "../../../plugins/streams/remote.ts";
import { Replay } from "../../../plugins/streams/replay.ts";
import streams from "../../../plugins/streams/index.ts";
import { requestEvent, serve, type Served } from "../harness.ts";
import { Client, EventParser } from "./parser.ts";

const served: Served[] = [];
let changed: (() => void) | undefined;
let ready = true;

afterEach(async () => {
  for (const one of served.splice(0)) await one.close();
  ready = true;
});

type Connect = {
  readonly headers?: Record<string, string>;
  readonly ip?: string;
  readonly method?: string;
  readonly params?: Record<string, string>;
  readonly signal?: AbortSignal;
};

class House {
  constructor(readonly served: Served) {}

  get point() {
    const spec = this.served.host.current.contributions.points.get("streams")?.spec;
    if (spec?.route === undefined) throw new Error("there is no such point");
    return { ...spec, route: spec.route };
  }

  async register(...next: readonly PointRegistration[]): Promise<void> {
    this.point.change(next, []);
    await Promise.resolve();
  }

  async connect(stream: PointRegistration, { ip = "10.0.0.1", params = {}, ...init }: Connect = {}): Promise<Client> {
    return new Client(await this.ask(stream, { ip, params, ...init }));
  }

  async ask(stream: PointRegistration, { ip = "10.0.0.1", params = {}, ...init }: Connect = {}): Promise<Response> {
    const event: RouteEvent = { ...requestEvent(stream.path ?? "/", init), ip, params };
    return this.point.route.handle(event, stream);
  }

  send(...args: readonly unknown[]): Promise<unknown> {
    return this.served.call("s", "streams", "send", ...args);
  }

  close(...args: readonly unknown[]): Promise<unknown> {
    return this.served.call("s", "streams", "close", ...args);
  }
}

async function start(config: object = {}, bus: unknown = undefined): Promise<House> {
  const own = await serve(bus === undefined ? [pubsub, streams] : [streams], {
    config: { streams: config },
    given: {
      engine: {
        get ready() {
          return ready;
        },
        onChange(listener: () => void) {
          changed = listener;
          return () => {};
        },
      },
      ...(bus === undefined ? {} : { pubsub: bus as object }),
    },
  });
  served.push(own);
  return new House(own);
}

function stream(
  path: string,
  options: PointRegistration["options"] = {},
  authorize?: Remote,
  script = "s",
): PointRegistration {
  const handlers = authorize ? { handlers: { authorize } } : {};
  return { script, id: 0, fn: "registerWebStream", path, options, schemas: {}, ...handlers };
}

describe("an event", () => {
  const parse = (text: Uint8Array) => new EventParser().push(text);

  test("comes out of the standard's parser as it went in; lines break at CR, LF and both", () => {
    expect(parse(encodeEvent({ data: "x" }))).toEqual([{ type: "message", data: "x", lastEventId: "" }]);
    const [event] = parse(encodeEvent({ event: "news", data: "a\nb\r\nc\rd\n\nevent: evil\nid: 7" }));
    expect(event).toEqual({ type: "news", data: "a\nb\nc\nd\n\nevent: evil\nid: 7", lastEventId: "" });
    for (const data of [" space", ": colon", "data: x", "\u2028 \u0085 \u0000", "é😀"]) {
      expect(parse(encodeEvent({ data }))[0]?.data).toBe(data);
    }
    expect(parse(Buffer.concat([encodeId("a-1"), encodeEvent({ data: "x" })]))[0]?.lastEventId).toBe("a-1");
  });

  test("is for those who accept it", () => {
    for (const yes of [
      null,
      "",
      "*/*",
      "text/event-stream",
      "text/*",
      "text/html, text/event-stream;q=0.5",
      "TEXT/EVENT-STREAM",
    ]) {
      expect([yes, acceptsEvents(yes)]).toEqual([yes, true]);
    }
    for (const no of ["text/html", "application/json", "text/event-stream;q=0", "text/event-stream; q=0.000"]) {
      expect([no, acceptsEvents(no)]).toEqual([no, false]);
    }
  });
});

describe("a filter", () => {
  const me: Criteria = { user: "u1", roles: ["admin", "editor"], level: 3, gone: null };
  const cases: readonly [object, boolean][] = [
    [{}, true],
    [{ user: "u1" }, true],
    [{ user: "u2" }, false],
    [{ user: ["u2", "u1"] }, true],
    [{ user: "u1", level: 4 }, false],
    [{ roles: "editor" }, true],
    [{ roles: ["guest", "admin"] }, true],
    [{ level: "3" }, false],
    [{ gone: null }, true],
    [{ absent: null }, false],
    [{ constructor: "x" }, false],
    [{ subset: { user: "u1" } }, true],
    [{ overlap: { user: "u2", level: 3 } }, true],
    [{ overlap: { user: "u2", level: 4 } }, false],
    [{ overlap: {} }, false],
    [{ overlap: "x" }, false],
    [{ subset: { user: "u1" }, level: 3 }, false],
  ];
  test.each(cases)("%j fits: %p", (filter, expected) => {
    if (filter && "level" in filter && "subset" in filter) {
      expect(() => readFilter(filter as never)).toThrow("a filter must be");
      return;
    }
    const read = readFilter(filter as never);
    expect(read && fits(read, me)).toBe(expected);
  });

  test("that is none, or too large, is refused", () => {
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, 1]));
    for (const odd of [
      1,
      "x",
      true,
      [],
      { a: {} },
      { a: [[]] },
      { a: Array(101).fill(1) },
      { a: "x".repeat(1001) },
      many,
    ]) {
      expect(() => readFilter(odd as never)).toThrow("streams: a filter must be");
    }
    expect(readFilter(null)).toBeUndefined();
  });

  test("of a connection is what authorize gave: an object or true; anything else refuses", () => {
    expect(readCriteria(true)).toEqual({});
    expect(readCriteria({ a: [1] })).toEqual({ a: [1] });
    for (const refused of [undefined, null, false, 0, "yes", []]) {
      expect(() => readCriteria(refused as never)).toThrow("does not take this client");
    }
    expect(() => readCriteria({ a: {} } as never)).toThrow("gave back what cannot");
  });
});

test("what is kept for clients that come back is bounded by count and by bytes", () => {
  const replay = new Replay();
  replay.limit(3, 1000);
  const node = "0123abcd";
  const add = (place: number, bytes: number): void =>
    replay.add({ node, place, rest: new Uint8Array(bytes), filter: undefined });
  const after = (id: string): number[] => replay.after(Position.read(id)).map(({ place }) => place);
  for (let i = 1; i <= 5; i++) add(i, 100);
  expect([`${node}-4`, `${node}-3`, `${node}-2`, "ffffffff-9", "what?", `${node}-5`].map(after)).toEqual([
    [5],
    [4, 5],
    [3, 4, 5],
    [3, 4, 5],
    [3, 4, 5],
    [],
  ]);
  add(6, 950);
  expect(after("")).toEqual([6]);
  add(7, 1001);
  expect(after("")).toEqual([]);
  add(8, 1);
  replay.limit(0, 1000);
  expect(replay.size).toBe(0);
});

describe("how far one has come", () => {
  const [a, b, c] = ["aaaaaaaa", "bbbbbbbb", "cccccccc"];

  test("is of each engine its last message; what is not news changes nothing", () => {
    const position = new Position();
    expect([position.advance(a, 1), position.advance(b, 5), position.advance(a, 3), position.advance(b, 5)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect([position.at(a), position.at(b), position.at(c)]).toEqual([3, 5, -1]);
    expect(Position.read(position.toString())?.toString()).toBe(`${b}-5.${a}-3`);
  });

  test("of two together is the later of each", () => {
    const [one, two] = [Position.read(`${a}-1.${b}-9`), Position.read(`${a}-4.${c}-2`)];
    const sum = one?.with(two as Position);
    expect([a, b, c].map((node) => sum?.at(node))).toEqual([4, 9, 2]);
    expect(one?.aheadOf(two as Position)?.toString()).toBe(`${b}-9`);
    expect(one?.aheadOf(sum as Position)).toBeUndefined();
  });

  test("knows the twenty engines that were heard last", () => {
    const position = new Position();
    const node = (i: number): string => i.toString(16).padStart(8, "0");
    for (let i = 0; i < 30; i++) position.advance(node(i), i + 1);
    position.advance(node(10), 100);
    position.advance(node(30), 1);
    expect([position.at(node(9)), position.at(node(10)), position.at(node(11))]).toEqual([-1, 100, -1]);
    expect(position.toString().split(".")).toHaveLength(20);
  });

  test("is read only from what is one", () => {
    for (const odd of [
      "",
      "x",
      "aaaaaaaa",
      "aaaaaaaa-",
      "aaaaaaaa-1.",
      "AAAAAAAA-1",
      "aaaaaaaa--1",
      "aaaaaaaa-1e3",
      "aaaaaaaa-99999999999999",
      "é",
      ".".repeat(9000),
    ]) {
      expect([odd, Position.read(odd)]).toEqual([odd, null]);
    }
  });
});

describe("a connection", () => {
  test("has the head of a stream, and its first bytes at once: how long to wait, and from where to resume", async () => {
    const house = await start({ retryMs: 1234 });
    const events = stream("/events");
    await house.register(events);
    const client = await (await house.connect(events)).ready();
    expect(Object.fromEntries(client.response.headers)).toEqual({
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    expect([client.parser.retry, client.parser.comments, client.events]).toEqual([1234, [" open"], []]);
  });

  test("gets what is sent to its stream, and not what is sent to another", async () => {
    const house = await start();
    const [a, b, other] = [stream("/a"), stream("/b"), stream("/a", {}, undefined, "s2")];
    await house.register(a, b, other);
    const clients = await Promise.all([a, b, other].map(async (one) => (await house.connect(one)).ready()));
    expect(await house.send("/a", { n: 1 })).toEqual({ delivered: 1, connections: 1, failed: 0 });
    expect(await house.send({ n: 2 })).toEqual({ delivered: 2, connections: 2, failed: 0 });
    expect(await house.send("/b", "two\nlines", null, { event: "news" })).toMatchObject({ delivered: 1 });
    await clients[0]?.until(({ events }) => events.length === 2);
    await clients[1]?.until(({ events }) => events.length === 2);
    expect(clients.map((one) => one.data)).toEqual([['{"n":1}', '{"n":2}'], ['{"n":2}', "two\nlines"], []]);
    expect(clients[1]?.events[1]?.type).toBe("news");
  });

  test("is asked once whether it may come, with its request; its criteria are held against filters", async () => {
    const house = await start();
    const asked: unknown[] = [];
    const authorize: Remote = async ({ request, parentId }) => {
      asked.push([request?.request.headers.get("x-user"), parentId === request?.id]);
      return { user: request?.request.headers.get("x-user") ?? null };
    };
    const events = stream("/events", {}, authorize);
    await house.register(events);
    const [ada, bob] = await Promise.all(
      ["ada", "bob"].map(async (user) => (await house.connect(events, { headers: { "x-user": user } })).ready()),
    );
    expect(await house.send("/events", 1, { user: "ada" })).toEqual({ delivered: 1, connections: 2, failed: 0 });
    expect(await house.send("/events", 2)).toEqual({ delivered: 2, connections: 2, failed: 0 });
    await ada?.until(({ events: all }) => all.length === 2);
    await bob?.until(({ events: all }) => all.length === 1);
    expect([ada?.data, bob?.data, asked.length]).toEqual([["1", "2"], ["2"], 2]);
    expect(asked).toContainEqual(["ada", true]);
  });

  test("without authorize has the parameters of its path as criteria", async () => {
    const house = await start();
    const room = stream("/rooms/:id");
    await house.register(room);
    const client = await (await house.connect(room, { params: { id: "7" } })).ready();
    expect(await house.send("/rooms/:id", 1, { id: "8" })).toMatchObject({ delivered: 0, connections: 1 });
    expect(await house.send("/rooms/:id", 2, { id: "7" })).toMatchObject({ delivered: 1 });
    expect((await client.until(({ events }) => events.length === 1)).data).toEqual(["2"]);
  });

  test("that is refused keeps no place", async () => {
    const house = await start({ maxPerIp: 1 });
    const refusing: Remote = async () => {
      throw new ProblemError("unauthenticated", "Who are you?");
    };
    const [no, nothing, open] = [stream("/a", {}, refusing), stream("/b", {}, async () => undefined), stream("/c")];
    await house.register(no, nothing, open);
    for (let i = 0; i < 3; i++) {
      await expect(house.connect(no)).rejects.toMatchObject({ code: "unauthenticated" });
      await expect(house.connect(nothing)).rejects.toMatchObject({ code: "forbidden" });
      await expect(house.ask(open, { headers: { accept: "text/html" } })).rejects.toMatchObject({ status: 406 });
      expect((await house.ask(open, { method: "HEAD" })).body).toBeNull();
    }
    const client = await (await house.connect(open)).ready();
    await expect(house.connect(open)).rejects.toMatchObject({ code: "too_many_requests" });
    await client.leave();
    await (await house.connect(open)).ready();
  });

  test("beyond the limit of an address, or of all, is refused, those who are being asked included", async () => {
    const house = await start({ maxPerIp: 2, maxConnections: 3 });
    const answers: (() => void)[] = [];
    const slow = stream("/events", {}, () => new Promise((resolve) => answers.push(() => resolve(true))));
    await house.register(slow);
    const first = [house.connect(slow), house.connect(slow)];
    await expect(house.connect(slow)).rejects.toMatchObject({ code: "too_many_requests", retryAfterSeconds: 10 });
    first.push(house.connect(slow, { ip: "10.0.0.2" }));
    await expect(house.connect(slow, { ip: "10.0.0.3" })).rejects.toMatchObject({ code: "overloaded" });
    for (const answer of answers) answer();
    expect(await house.send("x")).toMatchObject({ connections: 0 });
    await Promise.all(first);
    expect(await house.send("x")).toMatchObject({ connections: 3 });
  });

  test("that reads too slowly is dropped and counted, and the others get everything", async () => {
    const house = await start({ queueBytes: 2000 });
    const events = stream("/events");
    await house.register(events);
    const reader = await (await house.connect(events)).ready();
    const stuck = await house.ask(events);
    const text = "x".repeat(900);
    const failed: unknown[] = [];
    for (let i = 0; i < 10; i++) {
      failed.push(((await house.send("/events", text)) as { failed: number }).failed);
      await reader.until(({ events: all }) => all.length === i + 1);
    }
    expect(failed.filter((count) => count === 1)).toHaveLength(1);
    expect(await house.send("/events", "last")).toEqual({ delivered: 1, connections: 1, failed: 0 });
    await expect(stuck.text()).rejects.toThrow("reads too slowly");
  });

  test("is sent a comment when nothing else was for a while", async () => {
    const house = await start({ pingSeconds: 1 });
    const events = stream("/events");
    await house.register(events);
    const client = await house.connect(events);
    await client.until(({ parser }) => parser.comments.includes(" ping"));
  });
});

describe("a client that comes back", () => {
  test("gets what it missed, once and in order, and only what is for it", async () => {
    const house = await start();
    const events = stream("/events", {}, async ({ request }) => ({
      user: request?.request.headers.get("x-user") ?? "",
    }));
    await house.register(events);
    const as = (user: string, id = "") => ({ headers: { "x-user": user, ...(id ? { "last-event-id": id } : {}) } });
    const first = await (await house.connect(events, as("ada"))).ready();
    await house.send("/events", 1);
    await first.until(({ events: all }) => all.length === 1);
    await first.leave();
    await house.send("/events", 2);
    await house.send("/events", 3, { user: "bob" });
    await house.send("/events", 4, { user: "ada" });
    const again = await house.connect(events, as("ada", first.parser.lastEventId));
    await house.send("/events", 5);
    expect((await again.until(({ events: all }) => all.length === 3)).data).toEqual(["2", "4", "5"]);
  });

  test("before it got any message resumes from where it connected", async () => {
    const house = await start();
    const events = stream("/events");
    await house.register(events);
    await house.send("/events", "before");
    const first = await (await house.connect(events)).ready();
    await first.leave();
    await house.send("/events", "missed");
    const again = await house.connect(events, { headers: { "last-event-id": first.parser.lastEventId } });
    expect((await again.until(({ events: all }) => all.length === 1)).data).toEqual(["missed"]);
  });

  test("with an id that nobody knows, or after `replay` messages, gets what is kept; with `replay: 0` nothing", async () => {
    const house = await start();
    const [two, none] = [stream("/two", { replay: 2 }), stream("/none", { replay: 0 })];
    await house.register(two, none);
    for (let i = 1; i <= 4; i++) await house.send(i);
    for (const id of ["nobody-1", "x".repeat(5000), "\u00e9"]) {
      const client = await house.connect(two, { headers: { "last-event-id": id } });
      expect((await client.until(({ events }) => events.length === 2)).data).toEqual(["3", "4"]);
    }
    const client = await (await house.connect(none, { headers: { "last-event-id": "nobody-1" } })).ready();
    expect(client.events).toEqual([]);
  });
});

describe("streams end", () => {
  test("when their script says so: those that fit, after what was sent to them before", async () => {
    const house = await start();
    const [a, b] = [stream("/a/:user"), stream("/b")];
    await house.register(a, b, stream("/theirs", {}, undefined, "other"));
    const come = async (to: PointRegistration, user?: string): Promise<Client> =>
      (await house.connect(to, user === undefined ? {} : { params: { user } })).ready();
    const [ada, bob, other] = [await come(a, "ada"), await come(a, "bob"), await come(b)];
    const theirs = await come(stream("/theirs", {}, undefined, "other"));
    await house.send("/a/:user", "last words", { user: "ada" });
    expect(await house.close("/a/:user", { user: "ada" })).toEqual({ closed: 1, connections: 2 });
    expect(await ada.ended).toBeUndefined();
    expect(ada.data).toEqual(["last words"]);
    expect(await house.close({ user: "ada" })).toEqual({ closed: 0, connections: 2 });
    expect(await house.close("/b", null, { code: 4000, reason: "over" })).toEqual({ closed: 1, connections: 1 });
    expect(await other.ended).toBeUndefined();
    expect(await house.close()).toEqual({ closed: 1, connections: 1 });
    expect(await bob.ended).toBeUndefined();
    expect(await house.send("anyone?")).toMatchObject({ connections: 0 });
    await house.served.call("other", "streams", "send", "still here");
    await theirs.until(({ data }) => data.length === 1);
  });

  test("when their script has them no more; others and those of a reloaded script stay", async () => {
    const house = await start();
    const [a, b] = [stream("/a"), stream("/b")];
    await house.register(a, b);
    const [one, two] = [await (await house.connect(a)).ready(), await (await house.connect(b)).ready()];
    await house.register({ ...b });
    expect(await one.ended).toBeUndefined();
    expect(await house.send("still")).toMatchObject({ delivered: 1 });
    await two.until(({ events }) => events.length === 1);
    await expect(house.connect(a)).rejects.toMatchObject({ code: "not_found" });
  });

  test("not when a change is taken back", async () => {
    const house = await start();
    const a = stream("/a");
    await house.register(a);
    const client = await (await house.connect(a)).ready();
    house.point.change([], [a]);
    house.point.change([a], []);
    await Promise.resolve();
    expect(await house.send("still")).toMatchObject({ delivered: 1 });
    await client.until(({ events }) => events.length === 1);
  });

  test("when the engine begins to stop, and none begins then", async () => {
    const house = await start();
    const a = stream("/a");
    await house.register(a);
    const client = await (await house.connect(a)).ready();
    ready = false;
    changed?.();
    expect(await client.ended).toBeUndefined();
    await expect(house.connect(a)).rejects.toMatchObject({ code: "not_ready" });
  });

  test("before they began, when the engine stops while their client is asked about", async () => {
    const house = await start();
    const { promise, resolve } = Promise.withResolvers<true>();
    const a = stream("/a", {}, () => promise);
    await house.register(a);
    const coming = house.connect(a);
    ready = false;
    changed?.();
    resolve(true);
    await expect(coming).rejects.toMatchObject({ code: "not_ready" });
    expect(await house.send("anyone?")).toMatchObject({ connections: 0 });
  });

  test("when their client leaves, also before the first byte was sent", async () => {
    const house = await start();
    const a = stream("/a");
    await house.register(a);
    const client = new AbortController();
    await house.ask(a, { signal: client.signal });
    expect(await house.send("you")).toMatchObject({ connections: 1 });
    client.abort();
    expect(await house.send("anyone?")).toMatchObject({ connections: 0 });
  });

  test("not when plugins change: the next generation has the connections of the one before", async () => {
    const house = await start();
    const a = stream("/a");
    await house.register(a);
    const client = await (await house.connect(a)).ready();
    expect(
      await house.served.host.reload({
        enabled: () => true,
        optional: () => false,
        check: () => ({ streams: CONFIG, pubsub: { redis: "" } }),
      }),
    ).toBe(true);
    await house.register(a);
    expect(await house.send("still")).toMatchObject({ delivered: 1 });
    await client.until(({ events }) => events.length === 1);
  });
});

const CONFIG = {
  maxConnections: 10,
  maxPerIp: 10,
  maxMessageBytes: 1000,
  replayBytes: 1000,
  queueBytes: 1000,
  pingSeconds: 15,
  retryMs: 1,
};

/** Joins engines as a wire does. What is held back comes when it is let through. */
class Wire implements Pubsub {
  readonly #listeners: { readonly own: (message: never) => void; held: unknown[] | null }[] = [];

  async publish(_topic: string, message: Json): Promise<void> {
    for (const listener of this.#listeners) {
      const copy: unknown = JSON.parse(JSON.stringify(message));
      // Twice, as two generations hear it while one takes over from the other.
      if (listener.held === null) for (let i = 0; i < 2; i++) listener.own(copy as never);
      else listener.held.push(copy);
    }
  }

  subscribe(_topic: string, listener: (message: never) => void): () => void {
    const entry = { own: listener, held: null };
    this.#listeners.push(entry);
    return () => void this.#listeners.splice(this.#listeners.indexOf(entry), 1);
  }

  hold(engine: number): void {
    const listener = this.#listeners[engine];
    if (listener) listener.held = [];
  }

  pass(engine: number): void {
    const listener = this.#listeners[engine];
    for (const message of listener?.held?.splice(0) ?? []) listener?.own(message as never);
    if (listener) listener.held = null;
  }
}

describe("two engines that a pubsub joins", () => {
  const a = stream("/a");

  async function pair(): Promise<{ readonly wire: Wire; readonly one: House; readonly two: House }> {
    const wire = new Wire();
    const [one, two] = [await start({}, wire), await start({}, wire)];
    await one.register(a);
    await two.register(a);
    return { wire, one, two };
  }

  test("a message goes to the clients of both, once, and the answer counts those of its own", async () => {
    const { one, two } = await pair();
    const [here, there] = [await (await one.connect(a)).ready(), await (await two.connect(a)).ready()];
    expect(await one.send("/a", { n: 1 }, { overlap: {} })).toMatchObject({ delivered: 0 });
    expect(await one.send("/a", { n: 2 })).toEqual({ delivered: 1, connections: 1, failed: 0 });
    await two.send("/a", { n: 3 });
    for (const client of [here, there]) await client.until(({ events }) => events.length === 2);
    expect(here.data).toEqual(['{"n":2}', '{"n":3}']);
    expect(there.data).toEqual(here.data);
  });

  test("an end is one for the clients of both; who comes after it stays, in whatever order it is heard", async () => {
    const { wire, one, two } = await pair();
    const there = await (await two.connect(a)).ready();
    expect(await one.close("/a")).toEqual({ closed: 0, connections: 0 });
    expect(await there.ended).toBeUndefined();
    const here = await (await one.connect(a)).ready();
    wire.hold(1);
    await one.close("/a");
    expect(await here.ended).toBeUndefined();
    // It comes back here, hears of something, and moves on to where the end is not known yet.
    const again = await (await one.connect(a, { headers: { "last-event-id": here.parser.lastEventId } })).ready();
    await one.send("/a", "a1");
    await again.until(({ data }) => data.length === 1);
    const moved = await (await two.connect(a, { headers: { "last-event-id": again.parser.lastEventId } })).ready();
    wire.pass(1);
    await one.send("/a", "a2");
    expect((await moved.until(({ data }) => data.length > 0)).data).toEqual(["a2"]);
  });

  test("a client that moves from one to the other loses and repeats nothing, in whatever order they heard it", async () => {
    const { wire, one, two } = await pair();
    await one.send("/a", "before it came");
    const first = await (await one.connect(a)).ready();
    wire.hold(0);
    wire.hold(1);
    await one.send("/a", "a1");
    await two.send("/a", "b1");
    await first.until(({ data }) => data.length === 1);
    await first.leave();
    wire.pass(0);
    wire.pass(1);
    // The first heard a1 before b1, the second b1 before a1.
    const again = await two.connect(a, { headers: { "last-event-id": first.parser.lastEventId } });
    await again.until(({ data }) => data.length === 1);
    await two.send("/a", "b2");
    await again.until(({ data }) => data.length === 2);
    expect(again.data).toEqual(["b1", "b2"]);
    await again.leave();
    const back = await one.connect(a, { headers: { "last-event-id": again.parser.lastEventId } });
    await one.send("/a", "a2");
    expect((await back.until(({ data }) => data.length > 0)).data).toEqual(["a2"]);
  });

  test("a client that leaves in the middle of what it missed gets the rest, wherever it comes back", async () => {
    const { one, two } = await pair();
    const since = (await (await one.connect(a)).ready()).parser.lastEventId;
    for (let i = 0; i < 4; i++) await (i % 2 ? two : one).send("/a", i);
    const parser = new EventParser();
    const response = await one.ask(a, { headers: { "last-event-id": since } });
    const got = await response.body?.getReader().read();
    const text = new TextDecoder().decode(got?.value);
    parser.push(new TextEncoder().encode(text.slice(0, text.indexOf("data: 1") + 9)));
    const again = await two.connect(a, { headers: { "last-event-id": parser.lastEventId } });
    expect((await again.until(({ data }) => data.length === 2)).data).toEqual(["2", "3"]);
  });

  test("a client that is ahead of an engine is not sent what it has when that engine hears it", async () => {
    const { wire, one, two } = await pair();
    const first = await (await one.connect(a)).ready();
    wire.hold(1);
    await one.send("/a", "a1");
    await first.until(({ data }) => data.length === 1);
    const moved = await (await two.connect(a, { headers: { "last-event-id": first.parser.lastEventId } })).ready();
    wire.pass(1);
    await one.send("/a", "a2");
    expect((await moved.until(({ data }) => data.length > 0)).data).toEqual(["a2"]);
  });

  test("one that starts later learns how far the others are: who moves to them is not sent what was before", async () => {
    const wire = new Wire();
    const one = await start({}, wire);
    await one.register(a);
    await one.send("/a", "long ago");
    const two = await start({}, wire);
    await two.register(a);
    const client = await (await two.connect(a)).ready();
    const moved = await one.connect(a, { headers: { "last-event-id": client.parser.lastEventId } });
    await two.send("/a", "now");
    expect((await moved.until(({ data }) => data.length > 0)).data).toEqual(["now"]);
  });

  test("what no engine says is not heard", async () => {
    const { wire, one } = await pair();
    const client = await (await one.connect(a)).ready();
    const good = { node: "0123abcd", place: 1, script: "s", path: "/a", data: "x" };
    const lies: readonly unknown[] = [
      null,
      1,
      "x",
      [],
      {},
      { ...good, node: "0123abcd\ndata: x" },
      { ...good, node: 1 },
      { ...good, place: "1" },
      { ...good, place: -1 },
      { ...good, place: 1.5 },
      { ...good, place: 1e300 },
      { ...good, script: 1 },
      { ...good, path: [] },
      { ...good, path: "x".repeat(3000) },
      { ...good, event: "a\nid: 7" },
      { ...good, event: "x".repeat(200) },
      { ...good, data: { n: 1 } },
      { ...good, data: "x".repeat(70_000) },
      { ...good, filter: 1 },
      { ...good, filter: { a: { b: {} } } },
    ];
    for (const lie of lies) await wire.publish("streams", lie as Json);
    await wire.publish("streams", { ...good, data: "honest" });
    expect((await client.until(({ data }) => data.length > 0)).data).toEqual(["honest"]);
    const sent = { node: "0123abcd", place: 1, script: "s", path: "/a", event: "e", data: "x" };
    for (const filter of [undefined, readFilter({ user: 1 }), readFilter({ overlap: { subset: 2 } })]) {
      expect(fromWire(JSON.parse(JSON.stringify(toWire({ ...sent, filter }))), 10)).toEqual({ ...sent, filter });
      const said = { node: "0123abcd", place: 1, script: "s", path: "/a", filter, code: 3000, reason: "over" };
      expect(fromWire(JSON.parse(JSON.stringify(toWire(said))), 10)).toEqual(said);
    }
  });
});

describe("closed doors", () => {
  test("a script sends to its own streams only", async () => {
    const house = await start();
    await house.register(stream("/mine"), stream("/theirs", {}, undefined, "other"));
    await expect(house.send("/theirs", 1)).rejects.toThrow('registers no stream at "/theirs"; it has /mine');
    const client = await (await house.connect(stream("/theirs", {}, undefined, "other"))).ready();
    expect(await house.send(1)).toEqual({ delivered: 0, connections: 0, failed: 0 });
    expect(client.events).toEqual([]);
  });

  test("a script ends its own connections only, with what an application may end one with", async () => {
    const house = await start();
    await house.register(stream("/mine"), stream("/theirs", {}, undefined, "other"));
    await expect(house.close("/theirs")).rejects.toThrow('registers no stream at "/theirs"; it has /mine');
    for (const code of [0, 999, 1001, 1005, 1006, 1015, 2999, 5000, 4000.5, "4000", null])
      await expect(house.close("/mine", null, { code })).rejects.toThrow("the code of a close is 1000, or a number");
    for (const reason of ["x".repeat(124), "é".repeat(62), 1, null])
      await expect(house.close("/mine", null, { reason })).rejects.toThrow("at most 123 bytes");
    for (const options of [{ status: 1 }, "4000", 4000, []])
      await expect(house.close("/mine", null, options)).rejects.toThrow("close takes the options { code, reason }");
    await expect(house.close("/mine", "ada")).rejects.toMatchObject({ code: "bad_request" });
  });

  test("neither a name nor a text makes a field of its own", async () => {
    const house = await start();
    await house.register(stream("/a"));
    for (const event of ["a\nid: 1", "a\rdata: x", "a\u0000", 1, {}, "x".repeat(101)]) {
      await expect(house.send("/a", 1, null, { event })).rejects.toThrow("the name of an event is text");
    }
    for (const options of [{ id: "1" }, 1, "x", [1]]) {
      await expect(house.send("/a", 1, null, options)).rejects.toThrow("options are { event }");
    }
  });

  test("a message beyond the limit is refused, in bytes", async () => {
    const house = await start({ maxMessageBytes: 10 });
    await house.register(stream("/a"));
    expect(await house.send("/a", "é".repeat(5))).toMatchObject({ delivered: 0 });
    await expect(house.send("/a", "é".repeat(6))).rejects.toThrow("may take 10 bytes; it has 12");
  });

  test("what a script keeps for those who come back is bounded over all its streams", async () => {
    const house = await start({ replayBytes: 1000 });
    const all = Array.from({ length: 10 }, (_, i) => stream(`/${i}`));
    await house.register(...all);
    for (let i = 0; i < 20; i++) await house.send("x".repeat(50));
    const client = await house.connect(all[0] as PointRegistration, { headers: { "last-event-id": "old" } });
    await client.ready();
    expect(client.events.length).toBeLessThan(3);
  });
});
