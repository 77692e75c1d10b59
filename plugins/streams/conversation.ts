/** What a client and a script say to each other over one WebSocket: one message at a time, in order, and each answered. */
import { problemBody, ProblemError, type Json } from "../../sdk/plugin.ts";

export type Turn = "open" | "message" | "close";

export interface TurnInput {
  /** Of the invocation. */
  readonly id: string;
  readonly payload?: Json;
}

export interface ConversationParts {
  /** Calls the script's function of that name; undefined where it has none. */
  call(turn: Turn, input: TurnInput): Promise<Json | undefined> | undefined;
  /** The script takes JSON; else text. */
  takesJson(): boolean;
  reply(text: string): void;
  /** Details of problems may be shown. */
  readonly dev: boolean;
  /** What is no problem, but a fault of the engine or of a plugin. */
  onFailure(error: unknown): void;
}

/** Messages that may wait for the one before them. */
export const MAX_WAITING = 16;
/** Deeper JSON is nobody's message, and expensive to look at. */
const MAX_DEPTH = 64;

export class Conversation {
  readonly #parts: ConversationParts;
  readonly #waiting: (() => Promise<void>)[] = [];
  #busy = false;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  open(): void {
    this.#add(() => this.#turn("open", () => undefined));
  }

  /** Answers false for one too many. */
  message(text: string): boolean {
    if (this.#waiting.length >= MAX_WAITING) return false;
    this.#add(() => this.#turn("message", () => (this.#parts.takesJson() ? readJson(text) : text)));
    return true;
  }

  /** After all that the client has said. */
  close(code: number, reason: string): void {
    this.#add(() => this.#turn("close", () => ({ code, reason })));
  }

  #add(turn: () => Promise<void>): void {
    this.#waiting.push(turn);
    if (!this.#busy) void this.#run();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) await next();
    this.#busy = false;
  }

  /** Never rejects: what went wrong is told to the client, and to nobody else. */
  async #turn(turn: Turn, read: () => Json | undefined): Promise<void> {
    const id = Bun.randomUUIDv7();
    try {
      const payload = read();
      const value = await this.#parts.call(turn, { id, ...(payload === undefined ? {} : { payload }) });
      if (value !== undefined) this.#parts.reply(typeof value === "string" ? value : JSON.stringify(value));
    } catch (error) {
      this.#parts.reply(JSON.stringify({ problem: this.#told(error, id) }));
    }
  }

  #told(error: unknown, id: string): object {
    if (error instanceof ProblemError) {
      const body = problemBody(error, id, this.#parts.dev);
      return error.given === undefined ? body : { ...body, code: error.given };
    }
    this.#parts.onFailure(error);
    return problemBody(new ProblemError("internal", "The engine failed to answer; the log has the cause."), id);
  }
}

/** @throws ProblemError for what is no JSON, or nested too deeply. */
function readJson(text: string): Json {
  if (depthOf(text) > MAX_DEPTH) {
    throw new ProblemError("bad_request", `The message is nested deeper than ${MAX_DEPTH} levels.`);
  }
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new ProblemError("bad_request", "The message is not JSON.", { cause });
  }
}

/** Before it is parsed: brackets outside of texts. */
function depthOf(text: string): number {
  let [depth, most, inText] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') inText = !inText;
    else if (char === "\\") at++;
    else if (inText) continue;
    else if (char === "{" || char === "[") most = Math.max(most, ++depth);
    else if (char === "}" || char === "]") depth--;
  }
  return most;
}
