/** The onion of hooks: order, short cuts, and hooks that throw. */
import { describe, expect, test } from "bun:test";
import { makeChains, type Hooked } from "../../../core/plugin/hook.ts";
import type { FetchEvent, Hooks, InvokeEvent, RequestEvent } from "../../../sdk/plugin.ts";

type All = { readonly [Name in keyof Hooks]: readonly Hooked<Hooks[Name]>[] };
const NONE: All = { match: [], request: [], invoke: [], fetch: [] };
const EVENT = {} as RequestEvent;

function chains(hooks: Partial<All>, seen: string[] = []): ReturnType<typeof makeChains> {
  return makeChains({ ...NONE, ...hooks }, (plugin, error) => {
    seen.push(`${plugin}: ${(error as Error).message}`);
    return new Response("failed", { status: 500 });
  });
}

describe("hooks", () => {
  test("a generation without hooks has no chains", () => {
    expect(chains({})).toEqual({ match: null, request: null, invoke: null, fetch: null });
  });

  test("the first plugin's request hook is the outermost", async () => {
    const seen: string[] = [];
    const around = (plugin: string): Hooked<Hooks["request"]> => ({
      plugin,
      handler: async (_event, next) => {
        seen.push(`${plugin} in`);
        const answer = await next();
        seen.push(`${plugin} out`);
        return answer;
      },
    });
    const { request } = chains({ request: [around("a"), around("b")] });
    const answer = await request?.(EVENT, () => (seen.push("core"), new Response("ok")));
    expect(await answer?.text()).toBe("ok");
    expect(seen).toEqual(["a in", "b in", "core", "b out", "a out"]);
  });

  test("a hook that answers at once keeps the request from what is inside it, and costs no promise", () => {
    let asked = false;
    const { request } = chains({ request: [{ plugin: "a", handler: () => new Response("mine") }] });
    const answer = request?.(EVENT, () => ((asked = true), new Response("ok")));
    expect(answer).toBeInstanceOf(Response);
    expect(asked).toBe(false);
  });

  test("a hook that throws, rejects or gives no Response is a failure with its plugin's name, which outer hooks see as an answer", async () => {
    const bad: Hooks["request"][] = [
      () => {
        throw new Error("thrown");
      },
      () => Promise.reject(new Error("rejected")),
      () => Promise.resolve(undefined as unknown as Response),
    ];
    for (const handler of bad) {
      const seen: string[] = [];
      const statuses: number[] = [];
      const outer: Hooks["request"] = async (_event, next) => {
        const answer = await next();
        statuses.push(answer.status);
        return answer;
      };
      const { request } = chains(
        {
          request: [
            { plugin: "a", handler: outer },
            { plugin: "b", handler },
          ],
        },
        seen,
      );
      await request?.(EVENT, () => new Response("ok"));
      expect(statuses).toEqual([500]);
      expect(seen).toHaveLength(1);
      expect(seen[0]).toStartWith("b: ");
    }
  });

  test("match hooks see what the one before made of the URL", () => {
    const add = (text: string): Hooked<Hooks["match"]> => ({
      plugin: text,
      handler: (url) => new URL(url.pathname + text, url),
    });
    const { match } = chains({ match: [add("a"), add("b")] });
    expect(match?.(new URL("http://h/"), new Request("http://h/")).pathname).toBe("/ab");
  });

  test("invoke hooks are around the call, and may change what it gives", async () => {
    const { invoke } = chains({ invoke: [{ plugin: "a", handler: async (_event, next) => [await next()] }] });
    expect(await invoke?.({} as InvokeEvent, async () => 1)).toEqual([1]);
  });

  test("fetch hooks run one after the other; the first that throws refuses", async () => {
    const seen: string[] = [];
    const { fetch } = chains({
      fetch: [
        { plugin: "a", handler: async () => void seen.push("a") },
        {
          plugin: "b",
          handler: () => {
            throw new Error("no");
          },
        },
        { plugin: "c", handler: () => void seen.push("c") },
      ],
    });
    await expect(fetch?.({} as FetchEvent)).rejects.toThrow(`the fetch hook of the plugin "b" failed`);
    expect(seen).toEqual(["a"]);
  });
});
