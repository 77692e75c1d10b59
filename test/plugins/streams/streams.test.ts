/** Streams without a socket and without isolates: what clients get, who gets it, what they miss, and what is refused. */
import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ProblemError, type PointRegistration, type Remote, type RouteEvent } from "../../../sdk/plugin.ts";
import pubsub, { type Pubsub } from "../../../plugins/pubsub.ts";
import { acceptsEvents, encodeEvent } from "../../../plugins/streams/event.ts";
import { fits, readCriteria, readFilter, type Criteria } from "../../../plugins/streams/filter.ts";
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

test("its declarations are the SDK's, word for word", async () => {
  const { served: own, point } = await start();
  const plain = (text: string) =>
    text.replace(/\s+/g, "").replaceAll(",}", "}").replaceAll(";}", "}").replaceAll(",)", ")").replaceAll("<|", "<");
  const sdk = plain(readFileSync(join(import.meta.dir, "../../../sdk/services.ts"), "utf8"));
  expect(sdk).toContain(plain(own.host.current.contributions.services.get("streams")?.spec.types ?? "-"));
  expect(sdk).toContain(plain(point.types));
});

describe("an event", () => {
  const parse = (text: Uint8Array) => new EventParser().push(text);

  test("comes out of the standard's parser as it went in; lines break at CR, LF and both", () => {
    expect(parse(encodeEvent({ id: "a-1", data: "x" }))).toEqual([{ type: "message", data: "x", lastEventId: "a-1" }]);
    const [event] = parse(encodeEvent({ id: "a-2", event: "news", data: "a\nb\r\nc\rd\n\nevent: evil\nid: 7" }));
    expect(event).toEqual({ type: "news", data: "a\nb\nc\nd\n\nevent: evil\nid: 7", lastEventId: "a-2" });
    for (const data of [" space", ": colon", "data: x", "\u2028 \u0085 \u0000", "é😀"]) {
      expect(parse(encodeEvent({ id: "i", data }))[0]?.data).toBe(data);
    }
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
  const add = (id: string, bytes: number): void => replay.add({ id, bytes: new Uint8Array(bytes), filter: undefined });
  const after = (id: string): string[] => replay.after(id).map((one) => one.id);
  for (let i = 1; i <= 5; i++) add(`${i}`, 100);
  expect([after("4"), after("3"), after("2"), after("unknown"), after("5")]).toEqual([
    ["5"],
    ["4", "5"],
    ["3", "4", "5"],
    ["3", "4", "5"],
    [],
  ]);
  add("6", 950);
  expect(after("")).toEqual(["6"]);
  add("7", 1001);
  expect(after("")).toEqual([]);
  add("8", 1);
  replay.limit(0, 1000);
  expect(replay.size).toBe(0);
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
        check: () => ({ streams: CONFIG }),
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

test("a message goes to the clients of every engine that the pubsub joins, once, with one id", async () => {
  const listeners = new Set<(message: never) => void>();
  const bus: Pubsub = {
    // As it is on a wire; and twice, as two generations hear it while one takes over from the other.
    async publish(_topic, message) {
      for (const listener of [...listeners, ...listeners]) listener(JSON.parse(JSON.stringify(message)) as never);
    },
    subscribe(_topic, listener) {
      listeners.add(listener as never);
      return () => void listeners.delete(listener as never);
    },
  };
  const [one, two] = [await start({}, bus), await start({}, bus)];
  const a = stream("/a");
  await one.register(a);
  await two.register(a);
  const [here, there] = [await (await one.connect(a)).ready(), await (await two.connect(a)).ready()];
  expect(await one.send("/a", { n: 1 }, { overlap: {} })).toMatchObject({ delivered: 0 });
  expect(await one.send("/a", { n: 2 })).toEqual({ delivered: 1, connections: 1, failed: 0 });
  await two.send("/a", { n: 3 });
  for (const client of [here, there]) await client.until(({ events }) => events.length === 2);
  expect(here.events).toEqual(there.events);
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
