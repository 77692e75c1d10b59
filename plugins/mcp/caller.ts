/** What a handler says to its agent while it works: progress and log messages, of one call, in bounds. */
import { LOG_LEVEL_META_KEY, type ServerContext } from "@modelcontextprotocol/server";
import type { Json } from "../../sdk/plugin.ts";
import { isLevel, LEVELS, type Level } from "./levels.ts";

/** All that one call may say: who does not read it must not fill the engine. */
const MAX_BYTES = 1_048_576;
const OVERHEAD = 200;

export class Caller {
  readonly #context: ServerContext;
  readonly #level: Level | null;
  #bytes = 0;
  #progress = Number.NEGATIVE_INFINITY;

  /** @param level of a session; a current client names it with each request, or wants nothing */
  constructor(context: ServerContext, level: Level) {
    this.#context = context;
    const { envelope } = context.mcpReq;
    const named = (envelope as { readonly [key: string]: unknown } | undefined)?.[LOG_LEVEL_META_KEY];
    this.#level = envelope === undefined ? level : isLevel(named) ? named : null;
  }

  /** @returns false where nobody asked, or it is not more than before, which the protocol forbids */
  async progress(progress: number, total: number | undefined, message: string | undefined): Promise<boolean> {
    const progressToken = this.#context.mcpReq._meta?.progressToken;
    if (progressToken === undefined || progress <= this.#progress) return false;
    this.#progress = progress;
    const params = {
      ...{ progressToken, progress },
      ...(total !== undefined && { total }),
      ...(message !== undefined && { message }),
    };
    return this.#say("notifications/progress", params, message?.length ?? 0);
  }

  /** @returns false where the agent does not want messages of this level */
  async log(level: Level, data: Json, logger: string): Promise<boolean> {
    if (this.#level === null || LEVELS.indexOf(level) < LEVELS.indexOf(this.#level)) return false;
    return this.#say("notifications/message", { level, logger, data }, JSON.stringify(data).length);
  }

  async #say(method: "notifications/progress" | "notifications/message", params: object, bytes: number) {
    this.#bytes += bytes + OVERHEAD;
    if (this.#bytes > MAX_BYTES || this.#context.mcpReq.signal.aborted) return false;
    return this.#context.mcpReq.notify({ method, params } as never).then(
      () => true,
      () => false, // the agent has left
    );
  }
}
