/** WebSockets of scripts without a socket: turns in their order, what is bounded, and what a client is told. */
import { describe, expect, test } from "bun:test";
import {
  ProblemError,
  type Json,
  type PointRegistration,
  type Remote,
  type Socket,
  type UpgradeOptions,
} from "../../../sdk/plugin.ts";
import pubsub from "../../../plugins/pubsub/index.ts";
import streams from "../../../plugins/streams/index.ts";
import { requestEvent, serve } from "../harness.ts";
import {
  Conversation,
  MAX_WAITING,
  type ConversationParts,
  type TurnInput,
} from "../../../plugins/streams/conversation.ts";
import { Lanes } from "../../../plugins/streams/lanes.ts";
import { SocketListener } from "../../../plugins/streams/socket.ts";

interface Asked extends TurnInput {
  readonly turn: string;
  answer(value?: Json): void;
  fail(error: unknown): void;
}

function talk(more: Partial<ConversationParts> = {}) {
  const asked: Asked[] = [];
  const replies: string[] = [];
  const failures: unknown[] = [];
  const conversation = new Conversation({
    call(turn, input) {
      const { promise, resolve, reject } = Promise.withResolvers<Json | undefined>();
      asked.push({ ...input, turn, answer: resolve, fail: reject });
      return promise;
    },
    takesJson: () => true,
    reply: (text) => void replies.push(text),
    dev: false,
    onFailure: (error) => void failures.push(error),
    ...more,
  });
  return { conversation, asked, replies, failures };
}

/** Lets what is ready go on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const codeOf = (reply: string | undefined): unknown =>
  (JSON.parse(reply ?? "{}") as { problem?: { code?: string } }).problem?.code;

describe("a conversation", () => {
  test("takes turns: open, each message, close, one after the other", async () => {
    const { conversation, asked, replies } = talk();
    conversation.open();
    conversation.message("1");
    conversation.message('"two"');
    conversation.close(1000, "bye");
    await settle();
    expect(asked.map(({ turn }) => turn)).toEqual(["open"]);
    asked[0]?.answer({ welcome: true });
    await settle();
    asked[1]?.answer("plain text");
    await settle();
    asked[2]?.answer();
    await settle();
    expect(asked.map(({ turn, payload }) => [turn, payload])).toEqual([
      ["open", undefined],
      ["message", 1],
      ["message", "two"],
      ["close", { code: 1000, reason: "bye" }],
    ]);
    expect(replies).toEqual(['{"welcome":true}', "plain text"]);
    expect(new Set(asked.map(({ id }) => id)).size).toBe(4);
  });

  test("gives a script without a schema the text as it is", async () => {
    const { conversation, asked } = talk({ takesJson: () => false });
    conversation.message("{");
    await settle();
    expect(asked[0]?.payload).toBe("{");
  });

  test("lets a bounded number of messages wait; the close is never one too many", async () => {
    const { conversation, asked } = talk();
    conversation.message("0");
    for (let n = 0; n < MAX_WAITING; n++) expect(conversation.message("1")).toBe(true);
    expect(conversation.message("1")).toBe(false);
    conversation.close(1013, "");
    for (let n = 0; n <= MAX_WAITING; n++) {
      asked[n]?.answer();
      await settle();
    }
    expect(asked.at(-1)?.turn).toBe("close");
  });

  test("without a function for it ends the turn", async () => {
    const { conversation, replies } = talk({ call: () => undefined });
    conversation.message("1");
    conversation.message("2");
    await settle();
    expect([replies, conversation.message("3")]).toEqual([[], true]);
  });

  test("tells the client what went wrong, under the id of the call, and goes on", async () => {
    const { conversation, asked, replies, failures } = talk();
    conversation.message("1");
    conversation.message("2");
    conversation.message("3");
    await settle();
    asked[0]?.fail(new ProblemError("conflict", "Not now.", { given: "busy" }));
    await settle();
    expect(JSON.parse(replies[0] ?? "")).toEqual({
      problem: expect.objectContaining({ code: "busy", status: 409, detail: "Not now.", id: asked[0]?.id }),
    });
    const secret = new TypeError("hunter2");
    asked[1]?.fail(secret);
    await settle();
    expect(codeOf(replies[1])).toBe("internal");
    expect(replies[1]).not.toContain("hunter2");
    expect(failures).toEqual([secret]);
    expect(asked).toHaveLength(3);
  });

  test.each([
    ["is no JSON", "{"],
    ["is nothing", ""],
    ["is nested too deeply", "[".repeat(65) + "]".repeat(65)],
    ["is nested too deeply after text with brackets", `["]]]]\\"]]", ${"[".repeat(64)}`],
  ])("answers what %s itself", async (_, text) => {
    const { conversation, asked, replies } = talk();
    conversation.message(text);
    await settle();
    expect([codeOf(replies[0]), asked]).toEqual(["bad_request", []]);
  });

  test("does not mistake brackets in text for depth", async () => {
    const { conversation, asked } = talk();
    conversation.message(JSON.stringify(`${"[".repeat(100)}"${"{".repeat(100)}`));
    await settle();
    expect(asked).toHaveLength(1);
  });
});

describe("the point", () => {
  const ATTACHED = { engine: { ready: true, dev: false, onChange: () => () => {} } };

  async function start(authorize: Remote) {
    const own = await serve([pubsub, streams], { given: ATTACHED, config: { streams: { maxPerIp: 1 } } });
    const spec = own.host.current.contributions.points.get("sockets")?.spec;
    if (spec?.route === undefined) throw new Error("there is no such point");
    const { route, change } = spec;
    const ended: string[] = [];
    const handlers = { authorize, message: async () => "heard", close: async () => void ended.push("told") };
    const registration: PointRegistration = {
      script: "s",
      id: 0,
      fn: "registerWebSocket",
      path: "/s",
      options: {},
      schemas: {},
      handlers,
    };
    const register = async (...next: readonly PointRegistration[]): Promise<void> => {
      change(next, []);
      await settle();
    };
    let taken: UpgradeOptions | undefined;
    const closed: (number | undefined)[] = [];
    const socket: Socket = {
      id: "s1",
      ip: "10.0.0.1",
      protocol: "",
      bufferedBytes: 0,
      send: () => "sent",
      close(code) {
        closed.push(code);
        void taken?.close?.(socket, code ?? 1000, "");
      },
      terminate() {},
    };
    const upgrade = (options: UpgradeOptions): Response => {
      taken = options;
      return new Response(null, { status: 101 });
    };
    const ask = async (): Promise<Response> =>
      route.handle({ ...requestEvent("/s"), params: {}, upgrade }, registration);
    const connections = async (): Promise<unknown> => own.call("s", "streams", "send", "/s", 1);
    return { own, register, registration, ask, socket, closed, ended, connections, taken: () => taken };
  }

  test("forgets who came while the path went away, before and after it is a socket", async () => {
    const asked = Promise.withResolvers<Json>();
    const at = await start(() => asked.promise);
    await at.register(at.registration);
    const first = at.ask();
    expect(await at.ask().catch(({ code }) => code)).toBe("too_many_requests");
    await at.register();
    asked.resolve(true);
    expect(await first.catch(({ code }) => code)).toBe("not_found");
    await at.register(at.registration);
    expect((await at.ask()).status).toBe(101);
    await at.register();
    await at.taken()?.open?.(at.socket);
    expect(at.closed).toEqual([1001]);
    await at.register(at.registration);
    expect(await at.connections()).toEqual({ delivered: 0, connections: 0, failed: 0 });
    expect((await at.ask()).status).toBe(101);
    await at.own.close();
  });

  test("gives the place back when a socket ends, and tells the script once", async () => {
    const at = await start(async () => true);
    await at.register(at.registration);
    for (let n = 0; n < 3; n++) {
      expect((await at.ask()).status).toBe(101);
      await at.taken()?.open?.(at.socket);
      expect(await at.connections()).toMatchObject({ connections: 1 });
      at.socket.close(1000);
      await settle();
      expect(at.ended).toHaveLength(n + 1);
    }
    expect(await at.connections()).toMatchObject({ connections: 0 });
    await at.own.close();
  });

  test("gives the place back when nothing becomes of the socket, or authorize refuses", async () => {
    let answer: Json = false;
    const at = await start(async () => answer);
    await at.register(at.registration);
    for (let n = 0; n < 3; n++) expect(await at.ask().catch(({ code }) => code)).toBe("forbidden");
    answer = true;
    for (let n = 0; n < 3; n++) {
      expect((await at.ask()).status).toBe(101);
      await at.taken()?.close?.(at.socket, 1006, "");
    }
    expect(at.ended).toEqual([]);
    await at.own.close();
  });
});

test("lanes let so many of one key through at a time, in their order, and do not hold others up", async () => {
  const lanes = new Lanes(2);
  const began: string[] = [];
  const ends: (() => void)[] = [];
  const job = (name: string) => () => new Promise<void>((resolve) => (began.push(name), ends.push(resolve)));
  const all = ["a1", "a2", "a3", "a4", "b1"].map((name) => lanes.run(name[0] ?? "", job(name)));
  await settle();
  expect(began).toEqual(["a1", "a2", "b1"]);
  ends[1]?.();
  await settle();
  expect(began.at(-1)).toBe("a3");
  const failed = lanes.run("a", () => Promise.reject(new Error("x"))).catch(String);
  for (let n = 0; n < 8; n++) {
    for (const end of ends) end();
    await settle();
  }
  await Promise.all(all);
  expect(await failed).toBe("Error: x");
});

describe("one who listens", () => {
  function listener(answers: { buffered?: number; sent?: "sent" | "waiting" | "dropped" } = {}) {
    const did: string[] = [];
    const socket: Socket = {
      id: "s1",
      ip: "10.0.0.1",
      protocol: "",
      bufferedBytes: answers.buffered ?? 0,
      send: (data) => (did.push(`send ${data}`), answers.sent ?? "sent"),
      close: (code) => void did.push(`close ${code}`),
      terminate: () => void did.push("terminate"),
    };
    return { did, listener: new SocketListener(socket, { socket: "another", room: "x" }, 10) };
  }

  test("is known by the socket's own id, whatever the script says", () => {
    expect(listener().listener.criteria).toEqual({ room: "x", socket: "s1" });
  });

  test("hears the data alone, and a long message when nothing waits", () => {
    const { did, listener: one } = listener();
    expect(one.send(new Uint8Array([1]), "x".repeat(20))).toBe(true);
    one.close();
    expect(did).toEqual([`send ${"x".repeat(20)}`, "close 1001"]);
  });

  test("is dropped when too much waits, or the server drops", () => {
    const slow = listener({ buffered: 5 });
    expect([slow.listener.tell("ü".repeat(3)), slow.did]).toEqual([false, ["terminate"]]);
    const gone = listener({ sent: "dropped" });
    expect([gone.listener.tell("x"), gone.did]).toEqual([false, ["send x", "terminate"]]);
    expect(listener({ buffered: 5, sent: "waiting" }).listener.tell("x".repeat(5))).toBe(true);
  });
});
