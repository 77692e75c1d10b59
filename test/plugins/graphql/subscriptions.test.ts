/** Subscriptions without a socket and without isolates: who gets what, what is bounded, what ends them and what does not. */
import { afterEach, describe, expect, test } from "bun:test";
import {
  ProblemError,
  type Json,
  type PointRegistration,
  type RemoteStream,
  type RemoteValues,
  type RouteEvent,
} from "../../../sdk/plugin.ts";
import graphql from "../../../plugins/graphql/index.ts";
import { Operation } from "../../../plugins/graphql/resolve.ts";
import type { Server } from "../../../plugins/graphql/server.ts";
import { Desk } from "../../../plugins/graphql/subscriptions/desk.ts";
import { Generated } from "../../../plugins/graphql/subscriptions/generated.ts";
import { Hub } from "../../../plugins/graphql/subscriptions/hub.ts";
import { Queue } from "../../../plugins/graphql/subscriptions/queue.ts";
import { fromWire, toWire } from "../../../plugins/graphql/subscriptions/remote.ts";
import { SingleConnections } from "../../../plugins/graphql/subscriptions/single.ts";
import pubsub, { type Pubsub } from "../../../plugins/pubsub/index.ts";
import { requestEvent, serve, type Served } from "../harness.ts";

const served: Served[] = [];
let changed: (() => void) | undefined;
let ready = true;

afterEach(async () => {
  for (const one of served.splice(0)) await one.close();
  ready = true;
});

const CONFIG = {
  path: "/graphql",
  introspection: true,
  maxBytes: 10_000,
  maxTokens: 1000,
  maxDepth: 10,
  maxAliases: 10,
  maxCost: 100,
  operations: "",
  operationsOnly: false,
  graphiql: false,
  maxSubscriptions: 10,
  maxSubscriptionsPerIp: 5,
  maxMessageBytes: 1000,
  queueBytes: 1000,
};

interface Ask {
  readonly method?: string;
  readonly ip?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

class House {
  constructor(readonly served: Served) {}

  async register(...next: readonly PointRegistration[]): Promise<void> {
    const spec = this.served.host.current.contributions.points.get("graphql")?.spec;
    for (const one of next) spec?.validate?.(one, next);
    spec?.change(next, []);
    await Promise.resolve();
  }

  async ask({
    method = "POST",
    ip = "10.0.0.1",
    path = "/graphql",
    headers = {},
    body,
    signal,
  }: Ask): Promise<Response> {
    const route = this.served.host.current.contributions.routes.find(({ plugin }) => plugin === "graphql");
    const event = requestEvent(path, {
      method,
      headers: { ...(method === "POST" ? { "content-type": "application/json" } : {}), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
    const asked = { ...event, ip, params: {}, wantsWebSocket: false } as unknown as RouteEvent;
    return (await route?.handler(asked)) as Response;
  }

  /** In distinct mode. */
  async subscribe(query: string, more: Ask = {}): Promise<Events> {
    return new Events(await this.ask({ headers: { accept: "text/event-stream" }, body: { query }, ...more }));
  }

  send(...args: readonly unknown[]): Promise<unknown> {
    return this.served.call("s", "graphql", "send", ...args);
  }

  settings(): Parameters<Served["host"]["reload"]>[0] {
    return { enabled: () => true, optional: () => false, check: () => ({ graphql: CONFIG, pubsub: { redis: "" } }) };
  }
}

interface Event {
  readonly event: string;
  readonly data: Json;
}

/** A reader of one answer. */
class Events {
  readonly status: number;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #text = "";

  constructor(readonly response: Response) {
    this.status = response.status;
    this.#reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  }

  /** Null at the end; rejects when the connection breaks. */
  async next(): Promise<Event | null> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const lines = this.#text.slice(0, end).split("\n");
        this.#text = this.#text.slice(end + 2);
        const of = (name: string): string | undefined =>
          lines
            .find((line) => line.startsWith(`${name}:`))
            ?.slice(name.length + 1)
            .trim();
        const event = of("event");
        if (event !== undefined) return { event, data: of("data") ? (JSON.parse(of("data") ?? "") as Json) : null };
        continue;
      }
      const step = await this.#reader?.read();
      if (step === undefined || step.done) return null;
      this.#text += new TextDecoder().decode(step.value);
    }
  }

  /** Until the server has said something: then it holds the subscription. */
  async opened(): Promise<this> {
    const step = await this.#reader?.read();
    this.#text += new TextDecoder().decode(step?.value);
    return this;
  }

  async leave(): Promise<void> {
    await this.#reader?.cancel();
  }
}

async function start(config: object = {}, bus: unknown = undefined): Promise<House> {
  const own = await serve(bus === undefined ? [pubsub, graphql] : [graphql], {
    config: { graphql: config },
    given: {
      engine: {
        dev: false,
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

function values(generator: AsyncGenerator<Json, void, void>, single = false): RemoteValues {
  return Object.assign(generator, single ? { single: true as const } : {});
}

function answering(value: Json): RemoteStream {
  return async () =>
    values(
      (async function* () {
        yield value;
      })(),
      true,
    );
}

function field(name: string, stream?: RemoteStream, script = "s", id = 0): PointRegistration {
  const handler = stream ? { stream, invoke: async () => null } : {};
  return { script, id, fn: "registerSubscriptionHandler", name, options: {}, schemas: {}, ...handler };
}

const next = (value: Json): Event => ({ event: "next", data: { data: { said: value } } });
const codeOf = (event: Event | null): unknown =>
  (event?.data as { errors?: { extensions: { code: string } }[] } | undefined)?.errors?.[0]?.extensions.code;

describe("what waits for a subscription", () => {
  test("comes in order, is bounded in bytes, and its end comes after it", async () => {
    let ended = 0;
    const queue = new Queue(10, () => ended++);
    expect([queue.push(1, 100), queue.push(2, 1), queue.push(3, 9)]).toEqual([true, false, false]);
    expect(await queue.next()).toEqual({ done: false, value: 1 });
    expect([queue.push(4, 5), queue.push(5, 5), queue.push(6, 1)]).toEqual([true, true, false]);
    queue.finish(new Error("over"));
    expect(queue.push(7, 1)).toBe(false);
    expect([await queue.next(), await queue.next()]).toMatchObject([{ value: 4 }, { value: 5 }]);
    expect(queue.next()).rejects.toThrow("over");
    expect(await queue.next()).toEqual({ done: true, value: undefined });
    expect(ended).toBe(1);
  });

  test("ends at once for whoever leaves, also while it is waited for", async () => {
    const queue = new Queue(10, () => {});
    const waiting = queue.next();
    await queue.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
    const failing = new Queue(10, () => {});
    const told = failing.next();
    failing.finish(new Error("over"));
    expect(told).rejects.toThrow("over");
  });

  test("of a generator is asked for one by one, and the generator is returned once", async () => {
    const steps: string[] = [];
    const generator = (async function* (): AsyncGenerator<Json, void, void> {
      try {
        for (let n = 1; ; n++) {
          steps.push(`${n}`);
          yield n;
        }
      } finally {
        steps.push("finally");
      }
    })();
    const events = new Generated(values(generator), () => steps.push("end"));
    expect([await events.next(), await events.next()]).toMatchObject([{ value: 1 }, { value: 2 }]);
    await Promise.all([events.return(), events.return()]);
    await Bun.sleep(0);
    expect(steps).toEqual(["1", "2", "end", "finally"]);
  });
});

describe("a message", () => {
  test("goes to those whose criteria fit its filter; without a handler the arguments are the criteria", async () => {
    const house = await start();
    await house.register(field("said(room: ID, tags: [String!], at: JSON): String"));
    const a = await (
      await house.subscribe('subscription { said(room: "a", tags: ["x", "y"], at: { b: 1 }) }')
    ).opened();
    const b = await (await house.subscribe('subscription { said(room: "b") }')).opened();
    expect(await house.send("said", "all")).toEqual({ delivered: 2, connections: 2, failed: 0 });
    expect(await house.send("said", "to a", { room: "a" })).toEqual({ delivered: 1, connections: 2, failed: 0 });
    expect(await house.send("said", "y", { overlap: { tags: ["y", "z"], room: "b" } })).toMatchObject({ delivered: 2 });
    expect(await house.send("said", "none", { at: 1 })).toMatchObject({ delivered: 0 });
    for (const text of ["all", "to a", "y"]) expect(await a.next()).toEqual(next(text));
    for (const text of ["all", "y"]) expect(await b.next()).toEqual(next(text));
    await a.leave();
    expect(await house.send("said", "again")).toMatchObject({ connections: 1 });
  });

  test("is of the script's own subscriptions, within its limit, with a filter that is one", async () => {
    const house = await start({ maxMessageBytes: 1000 });
    await house.register(field("said: String"), field("other: String", undefined, "t"));
    for (const [args, why] of [
      [["other", 1], 'registers no subscription "other"'],
      [["nothing", 1], 'registers no subscription "nothing"'],
      [[1, 2], "the first argument is the name"],
      [["said", "x".repeat(1000)], "may take 1000 bytes; it has 1002"],
      [["said", 1, "room"], "a filter must be an object"],
    ] as const)
      expect(house.send(...args)).rejects.toThrow(why);
  });

  test("goes to the clients of every engine that the pubsub joins, once; what is no message goes nowhere", async () => {
    const listeners: ((message: Json) => void)[] = [];
    const wire: Pubsub = {
      async publish(_, message) {
        // Twice, as two generations hear it while one takes over from the other.
        for (const listener of [...listeners, ...listeners]) listener(JSON.parse(JSON.stringify(message)) as Json);
      },
      subscribe(_, listener) {
        listeners.push(listener);
        return () => void listeners.splice(listeners.indexOf(listener), 1);
      },
    };
    const [a, b] = [await start({ maxMessageBytes: 100 }, wire), await start({ maxMessageBytes: 100 }, wire)] as const;
    for (const house of [a, b]) await house.register(field("said(n: Int): JSON"));
    const [here, there] = await Promise.all([
      a.subscribe("subscription { said(n: 1) }").then((one) => one.opened()),
      b.subscribe("subscription { said(n: 2) }").then((one) => one.opened()),
    ]);
    expect(await a.send("said", "hi")).toEqual({ delivered: 1, connections: 1, failed: 0 });
    await a.send("said", { for: 2 }, { n: 2 });
    const sound = { node: "z", place: 1, script: "s", field: "said", payload: "evil" };
    for (const wrong of [
      null,
      "x",
      [],
      { ...sound, place: "1" },
      { ...sound, node: 1 },
      { ...sound, node: "x".repeat(100) },
      { ...sound, filter: "x" },
      { ...sound, payload: "x".repeat(1000) },
      { ...sound, script: null },
    ])
      await wire.publish("graphql", wrong as Json);
    await b.send("said", "end");
    for (const text of ["hi", "end"]) expect(await here.next()).toEqual(next(text));
    for (const text of ["hi", { for: 2 }, "end"]) expect(await there.next()).toEqual(next(text));
    const message = { ...sound, bytes: 6, filter: { mode: "overlap" as const, criteria: { a: 1 } } };
    expect(fromWire(toWire(message), 10)).toEqual(message);
  });
});

describe("a subscription", () => {
  test("asks its handler once, with the request; nothing and false refuse, and keep no place", async () => {
    const asked: unknown[] = [];
    const house = await start({ maxSubscriptionsPerIp: 1 });
    const handler: RemoteStream = async (input) => {
      asked.push([input.args, input.request?.ip, input.parentId]);
      return answering((input.args as { give: Json }).give)(input);
    };
    await house.register(field("said(give: JSON): String", handler));
    for (const wrong of ["false", "null", '"yes"', "[1]"]) {
      const refused = await house.subscribe(`subscription { said(give: ${wrong}) }`);
      expect(codeOf(await refused.next())).toBe("forbidden");
      expect((await refused.next())?.event).toBe("complete");
    }
    const broken = await house.subscribe("subscription { said(give: { a: { b: 1 } }) }");
    expect(codeOf(await broken.next())).toBe("script_failed");
    await (await house.subscribe("subscription { said(give: { a: 1 }) }")).opened();
    expect(await house.send("said", "x", { a: 1 })).toMatchObject({ delivered: 1 });
    expect(asked.at(-1)).toEqual([{ give: { a: 1 } }, "10.0.0.1", "019a0000-0000-7000-8000-000000000000"]);
    const second = await house.subscribe("subscription { said(give: true) }");
    expect(codeOf(await second.next())).toBe("too_many_requests");
    expect(asked).toHaveLength(6);
  });

  test("beyond the limit of all is refused; whoever leaves makes room", async () => {
    const house = await start({ maxSubscriptions: 2 });
    await house.register(field("said: String"));
    const leave = new AbortController();
    const open = await house.subscribe("subscription { said }", { ip: "1", signal: leave.signal });
    await open.opened();
    const other = await (await house.subscribe("subscription { said }", { ip: "2" })).opened();
    expect(codeOf(await (await house.subscribe("subscription { said }", { ip: "3" })).next())).toBe("overloaded");
    leave.abort();
    await other.leave();
    await (await house.subscribe("subscription { said }", { ip: "3" })).opened();
    expect(await house.send("said", "x")).toMatchObject({ connections: 1 });
  });

  test("of a client that does not read is dropped and counted, and the others get everything", async () => {
    const house = await start({ queueBytes: 40 });
    await house.register(field("said: String"));
    const slow = await (await house.subscribe("subscription { said }")).opened();
    const quick = await (await house.subscribe("subscription { said }")).opened();
    let failed = 0;
    for (let n = 0; n < 8; n++) {
      const read = quick.next();
      failed += ((await house.send("said", `message ${n}`)) as { failed: number }).failed;
      expect(await read).toEqual(next(`message ${n}`));
    }
    expect(failed).toBe(1);
    expect(
      (async () => {
        while ((await slow.next()) !== null);
      })(),
    ).rejects.toThrow("reads too slowly");
    expect(await house.send("said", "x")).toMatchObject({ connections: 1 });
  });

  test("goes on when its script is saved, and its events are in the new schema", async () => {
    const house = await start();
    const type = (sdl: string): PointRegistration => ({
      script: "s",
      id: 1,
      fn: "registerType",
      data: sdl,
      options: {},
      schemas: {},
    });
    await house.register(type("type T { a: Int }"), field("said: T"));
    const events = await (await house.subscribe("subscription { said { a } }")).opened();
    await house.register(type("type T { a: String, b: Int }"), field("said: T"));
    await house.send("said", { a: "text", b: 1 });
    expect(await events.next()).toEqual(next({ a: "text" }));
    // What it asks for is no more.
    await house.register(type("type T { b: Int }"), field("said: T"));
    await house.send("said", { b: 1 });
    expect(codeOf(await events.next())).toBe("conflict");
    expect(await events.next()).toEqual({ event: "complete", data: null });
    expect(await house.send("said", { b: 1 })).toMatchObject({ connections: 0 });
  });

  test("ends with a reason when its script takes the field back, or another one has it; not when that is taken back", async () => {
    const house = await start();
    const [said, more] = [field("said: String"), field("more: String", undefined, "s", 1)];
    await house.register(said, more);
    const events = await (await house.subscribe("subscription { said }")).opened();
    const point = house.served.host.current.contributions.points.get("graphql")?.spec;
    point?.change([more], [said, more]);
    point?.change([said, more], [more]);
    await Promise.resolve();
    await house.send("said", "still");
    expect(await events.next()).toEqual(next("still"));
    await house.register(more);
    expect(codeOf(await events.next())).toBe("not_found");
    expect((await events.next())?.event).toBe("complete");
    const again = await (await house.subscribe("subscription { more }")).opened();
    await house.register(field("more: String", undefined, "t"));
    expect(codeOf(await again.next())).toBe("not_found");
  });

  test("of a generator goes on in the version of its script that it is of, until the field goes", async () => {
    const steps: string[] = [];
    const ticking: RemoteStream = async () =>
      values(
        (async function* () {
          try {
            for (;;) {
              yield "tick";
              await Bun.sleep(1);
            }
          } finally {
            steps.push("finally");
          }
        })(),
      );
    const house = await start();
    const said = field("said: String", ticking);
    await house.register(said);
    const events = await (await house.subscribe("subscription { said }")).opened();
    expect(await house.send("said", "x")).toEqual({ delivered: 0, connections: 0, failed: 0 });
    await house.register(said, field("more: String"));
    expect(await events.next()).toEqual(next("tick"));
    await house.register(field("said: String", ticking));
    for (let n = 0; n < 20; n++) expect(await events.next()).toEqual(next("tick"));
    expect(steps).toEqual([]);
    await house.register(field("more: String"));
    let last = await events.next();
    while (codeOf(last) === undefined) last = await events.next();
    expect(codeOf(last)).toBe("not_found");
    expect((await events.next())?.event).toBe("complete");
    while (steps.length === 0) await Bun.sleep(1);
    expect(steps).toEqual(["finally"]);
  });

  test("has the next generation of plugins after the one before", async () => {
    const house = await start();
    const said = field("said: String");
    await house.register(said);
    const events = await (await house.subscribe("subscription { said }")).opened();
    expect(await house.served.host.reload(house.settings())).toBe(true);
    await house.register(said);
    expect(await house.send("said", "still")).toMatchObject({ delivered: 1 });
    expect(await events.next()).toEqual(next("still"));
  });

  test("ends when the engine begins to stop, without a word that says it is complete; none begins then", async () => {
    const house = await start();
    await house.register(field("said: String"));
    const events = await (await house.subscribe("subscription { said }")).opened();
    ready = false;
    changed?.();
    expect(await events.next()).toBeNull();
    const late = await house.subscribe("subscription { said }");
    expect(codeOf(await late.next())).toBe("not_ready");
  });

  test("is not for who takes no events, nor for a script", async () => {
    const house = await start();
    await house.register(field("said: String"), {
      ...field("q: String"),
      fn: "registerQueryHandler",
      invoke: async () => "q",
    });
    const refused = house.ask({ body: { query: "subscription { said }" }, headers: { accept: "application/json" } });
    expect(refused).rejects.toThrow("text/event-stream");
    await refused.catch(() => {});
    expect(await house.send("said", 1)).toMatchObject({ connections: 0 });
    const result = (await house.served.call("s", "graphql", "execute", "subscription { said }")) as Json;
    expect(codeOf({ event: "next", data: result })).toBe("bad_request");
  });
});

describe("one connection for all operations", () => {
  const events = { accept: "text/event-stream" };
  const token = (of: string): Record<string, string> => ({ "x-graphql-event-stream-token": of });
  const reserve = async (house: House, more: Ask = {}): Promise<string> =>
    (await house.ask({ method: "PUT", ...more })).text();
  const operate = (house: House, of: string, query: string, operationId = "1"): Promise<Response> =>
    house.ask({ headers: token(of), body: { query, extensions: { operationId } } });

  test("gives what was asked for before it was taken up, and each operation under its id", async () => {
    const house = await start();
    await house.register(field("said: String"));
    const of = await reserve(house);
    expect((await operate(house, of, "subscription { said }")).status).toBe(202);
    await house.send("said", "early");
    const stream = new Events(await house.ask({ method: "GET", headers: { ...events, ...token(of) } }));
    expect(await stream.next()).toEqual({ event: "next", data: { id: "1", payload: { data: { said: "early" } } } });
    expect((await operate(house, of, "subscription { nothing }", "2")).status).toBe(202);
    expect(await stream.next()).toMatchObject({ data: { id: "2", payload: { errors: [{}] } } });
    expect(await stream.next()).toEqual({ event: "complete", data: { id: "2" } });
    const gone = await house.ask({ method: "DELETE", path: "/graphql?operationId=1", headers: token(of) });
    expect(gone.status).toBe(200);
    expect(await stream.next()).toEqual({ event: "complete", data: { id: "1" } });
    expect(await house.send("said", "late")).toMatchObject({ connections: 0 });
  });

  test("ends all that it carried, and what was being asked about", async () => {
    const asked = Promise.withResolvers<AbortSignal>();
    const house = await start();
    const hanging: RemoteStream = ({ signal }) =>
      new Promise((_, reject) => {
        asked.resolve(signal as AbortSignal);
        signal?.addEventListener("abort", () => reject(new ProblemError("invocation_ended", "left")));
      });
    await house.register(field("said: String"), field("asks: String", hanging, "s", 1));
    const of = await reserve(house);
    const stream = new Events(await house.ask({ method: "GET", headers: { ...events, ...token(of) } }));
    await stream.opened();
    await operate(house, of, "subscription { said }");
    const pending = operate(house, of, "subscription { asks }", "2");
    const signal = await asked.promise;
    await stream.leave();
    expect(signal.aborted).toBe(true);
    await pending;
    expect(await house.send("said", 1)).toMatchObject({ connections: 0 });
    expect(operate(house, of, "subscription { said }")).rejects.toThrow("no stream of that token");
  });

  test("is bounded: tokens are ours, there is one client to a token, operations and connections are counted", async () => {
    const house = await start({ maxSubscriptions: 20, maxSubscriptionsPerIp: 4 });
    await house.register(field("said: String"));
    for (const wrong of ["__proto__", "constructor", "", "x", crypto.randomUUID()])
      for (const method of ["GET", "DELETE"])
        expect(house.ask({ method, headers: { ...events, ...token(wrong) } })).rejects.toThrow("no stream");
    const of = await reserve(house, { headers: token("mine") });
    expect(of).toMatch(/^[0-9a-f-]{36}$/);
    const stream = new Events(await house.ask({ method: "GET", headers: { ...events, ...token(of) } }));
    expect((await house.ask({ method: "GET", headers: { ...events, ...token(of) } })).status).toBe(409);
    for (const id of ["1", "2", "3"]) await operate(house, of, "subscription { said }", id);
    expect((await operate(house, of, "subscription { said }", "1")).status).toBe(409);
    for (const id of ["__proto__", "constructor"])
      expect((await operate(house, of, "subscription { said }", id)).status).toBe(409);
    await operate(house, of, "subscription { said }", "4");
    expect(await stream.next()).toMatchObject({
      data: { id: "4", payload: { errors: [{ extensions: { code: "too_many_requests" } }] } },
    });
    expect(house.ask({ method: "PUT" })).rejects.toThrow("maxSubscriptionsPerIp");
    expect((await house.ask({ headers: token(of), body: { extensions: { operationId: "9" } } })).status).toBe(400);
    expect((await house.ask({ headers: token(of), body: { query: "{ _empty }" } })).status).toBe(400);
  });

  test("that does not read holds its operations back, until it is dropped with all of them", async () => {
    const house = await start({ queueBytes: 40 });
    await house.register(field("said: String"));
    const of = await reserve(house);
    const stream = new Events(await house.ask({ method: "GET", headers: { ...events, ...token(of) } }));
    await stream.opened();
    await operate(house, of, "subscription { said }");
    let sent = 0;
    for (let failed = 0; failed === 0; sent++) {
      ({ failed } = (await house.send("said", `message ${sent}`)) as { failed: number });
      await Bun.sleep(0);
      expect(sent).toBeLessThan(40);
    }
    expect(
      (async () => {
        while ((await stream.next()) !== null);
      })(),
    ).rejects.toThrow("reads too slowly");
    expect(await house.send("said", "x")).toMatchObject({ connections: 0 });
    await reserve(house);
  });

  test("that nobody takes up is forgotten after a while, with what was asked for", async () => {
    const hub = new Hub();
    const bounds = { maxSubscriptions: 2, maxSubscriptionsPerIp: 2, maxMessageBytes: 1, queueBytes: 1 };
    const desk = new Desk(hub, bounds, () => true);
    const signals: AbortSignal[] = [];
    const begin = (id: string, signal: AbortSignal): Operation => {
      signals.push(signal);
      return new Operation(id, null, signal, false, () => {});
    };
    const endless: Server["prepare"] = async () => ({
      args: {} as never,
      execute: async () => new Queue(1, () => {}) as never,
    });
    const singles = new SingleConnections({ prepare: endless } as unknown as Server, desk, begin, 5);
    const asked = (method: string, of = ""): RouteEvent =>
      ({ ...requestEvent("/graphql", { method, headers: token(of) }), params: {} }) as unknown as RouteEvent;
    const of = await (await singles.answer(asked("PUT"), null)).text();
    const body = JSON.stringify({ query: "x", extensions: { operationId: "1" } });
    const post = { ...asked("POST", of) };
    post.request.headers.set("content-type", "application/json");
    expect((await singles.answer(post, body)).status).toBe(202);
    expect([hub.places, hub.carriers.size, signals[0]?.aborted]).toEqual([1, 1, false]);
    while (hub.places > 0) await Bun.sleep(1);
    expect([hub.carriers.size, signals[0]?.aborted]).toEqual([0, true]);
    expect(singles.answer(asked("GET", of), null)).rejects.toThrow("no stream");
  });

  test("that nobody takes up gives its place back when the engine stops", async () => {
    const house = await start({ maxSubscriptions: 1 });
    await house.register(field("said: String"));
    const of = await reserve(house);
    await operate(house, of, "subscription { said }");
    ready = false;
    changed?.();
    expect(await house.send("said", 1)).toMatchObject({ connections: 0 });
    ready = true;
    await reserve(house);
  });
});
