/** Who gets a message, what the sender learns, and what is refused: without isolates. */
import { afterEach, describe, expect, test } from "bun:test";
import { ProblemError, type PointRegistration, type Remote, type RemoteInput } from "../../sdk/plugin.ts";
import messages from "../../plugins/messages.ts";
import { serve, type Served } from "./harness.ts";

let served: Served | undefined;

afterEach(async () => {
  await served?.close();
  served = undefined;
});

function handler(script: string, name: string, invoke: Remote, id = 0): PointRegistration {
  return { script, id, fn: "registerMessageHandler", name, options: {}, schemas: {}, invoke };
}

async function start(handlers: readonly PointRegistration[], config: object = {}): Promise<Served> {
  served = await serve([messages], { config: { messages: config } });
  served.host.current.contributions.points.get("messages")?.spec.change(handlers, []);
  return served;
}

const send = (...args: readonly unknown[]): Promise<unknown> =>
  served?.call("shop", "messages", "send", ...args) ?? Promise.reject(new Error("not started"));
const ok: Remote = async () => "ignored";
const failing =
  (error: unknown): Remote =>
  async () => {
    throw error;
  };

describe("send", () => {
  test("calls each handler of the name with the payload, the sender's invocation and its signal", async () => {
    const inputs: RemoteInput[] = [];
    const noting: Remote = async (input) => void inputs.push(input);
    await start([handler("a", "paid", noting), handler("b", "paid", noting), handler("b", "other", noting, 1)]);
    expect(await send("paid", { cents: 1 })).toEqual({ delivered: 2, failed: 0 });
    expect(inputs).toHaveLength(2);
    expect(inputs[0]).toMatchObject({ payload: { cents: 1 }, parentId: "i1", user: null });
    expect(inputs[0]?.signal?.aborted).toBe(false);
  });

  test("calls one script's alone where the target names it; a name may hold no slash, a target's rest may", async () => {
    await start([handler("a", "paid", ok), handler("b", "paid", ok)]);
    expect(await send("b/paid")).toEqual({ delivered: 1, failed: 0 });
    expect(await send({ name: "paid" })).toEqual({ delivered: 2, failed: 0 });
    expect(await send({ script: null, name: "paid" })).toEqual({ delivered: 2, failed: 0 });
    for (const target of ["a/b/paid", "/paid", "paid/", "", "a/"]) {
      expect(await send(target)).toEqual({ delivered: 0, failed: 0 });
    }
  });

  test("waits for all, and tells of those that failed what they meant to be told", async () => {
    await start([
      handler("a", "paid", failing(new ProblemError("conflict", "Not on Sundays."))),
      handler("b", "paid", ok),
      handler("c", "paid", failing(new Error("hunter2"))),
    ]);
    expect(await send("paid")).toEqual({
      delivered: 1,
      failed: 2,
      errors: [
        { script: "a", code: "conflict", message: "Not on Sundays." },
        { script: "c", code: "internal", message: "The handler could not be called." },
      ],
    });
  });

  test("a thousand that fail are counted, and the first 20 told, each in 500 characters at most", async () => {
    const long = failing(new ProblemError("conflict", "x".repeat(10_000)));
    await start(Array.from({ length: 1000 }, (_, i) => handler(`s${i}`, "paid", long)));
    const { failed, errors } = (await send("paid")) as { failed: number; errors: { message: string }[] };
    expect([failed, errors.length, errors[0]?.message.length]).toEqual([1000, 20, 500]);
  });

  test("refuses a payload beyond the limit, in bytes of JSON", async () => {
    await start([handler("a", "paid", ok)], { maxBytes: 10 });
    expect(await send("paid", "é".repeat(4))).toEqual({ delivered: 1, failed: 0 });
    await expect(send("paid", "é".repeat(5))).rejects.toThrow("may take 10 bytes; it has 12");
  });

  test("refuses a target that is none", async () => {
    await start([]);
    for (const target of [undefined, null, 1, true, [], {}, { name: 1 }, { script: 1, name: "a" }, ["paid"]]) {
      await expect(send(target)).rejects.toThrow("messages: send to");
    }
  });
});

describe("a registration", () => {
  const validate = (one: PointRegistration, all: readonly PointRegistration[]): void =>
    served?.host.current.contributions.points.get("messages")?.spec.validate?.(one, all);

  test("is refused with a slash in its name, and when its script has one of that name; another script may", async () => {
    await start([]);
    expect(() => validate(handler("a", "b/c", ok), [])).toThrow('"b/c" has a "/"');
    const [first, second, other] = [handler("a", "b", ok, 1), handler("a", "b", ok, 2), handler("c", "b", ok, 1)];
    const all = [first, second, other];
    expect(() => validate(first, all)).not.toThrow();
    expect(() => validate(second, all)).toThrow("handles this message already");
    expect(() => validate(other, all)).not.toThrow();
  });
});
