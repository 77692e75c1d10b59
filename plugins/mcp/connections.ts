/** The connections of scripts to other servers: each belongs to one invocation, and ends with it. */
import { ProblemError, type Json, type ServiceCall } from "../../sdk/plugin.ts";
import type { Data } from "./arguments.ts";

type Asked = (signal: AbortSignal) => Promise<Json>;

export interface Connection {
  readonly listTools: Asked;
  callTool(signal: AbortSignal, name: string, args: Data): Promise<Json>;
  readonly listResources: Asked;
  readonly listResourceTemplates: Asked;
  readResource(signal: AbortSignal, uri: string): Promise<Json>;
  readonly listPrompts: Asked;
  getPrompt(signal: AbortSignal, name: string, args: { readonly [name: string]: string }): Promise<Json>;
  /** @param politely tells the server; there must be an invocation left to do it in */
  close(politely: boolean): Promise<void>;
}

interface Held {
  readonly invocation: string;
  readonly script: string;
  readonly connection: Connection;
}

/** Open at the same time, of one invocation. */
const MAX_OPEN = 8;

export class Connections {
  readonly #held = new Map<string, Held>();
  /** By invocation, those included that are being made. */
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#held.size;
  }

  /** @returns its key */
  async open(call: ServiceCall, make: () => Promise<Connection>): Promise<string> {
    const { invocation, script, ended } = call;
    const count = this.#counts.get(invocation) ?? 0;
    if (count >= MAX_OPEN) {
      throw new ProblemError(
        "bad_request",
        `mcp: an invocation may have ${MAX_OPEN} connections at a time; close some.`,
      );
    }
    this.#counts.set(invocation, count + 1);
    try {
      const connection = await make();
      const key = crypto.randomUUID();
      this.#held.set(key, { invocation, script, connection });
      if (ended.aborted) await this.#drop(key, false);
      else ended.addEventListener("abort", () => void this.#drop(key, false), { once: true });
      return key;
    } catch (error) {
      this.#release(invocation);
      throw error;
    }
  }

  /** @throws ProblemError for a key that is not one of the caller's */
  of(call: ServiceCall, key: Json | undefined): Connection {
    return this.#find(call, key).connection;
  }

  async close(call: ServiceCall, key: Json | undefined): Promise<void> {
    const held = typeof key === "string" ? this.#held.get(key) : undefined;
    // A second time is no fault: `await using` closes what was closed.
    if (held === undefined) return;
    this.#find(call, key);
    await this.#drop(key as string, true);
  }

  #find({ invocation, script }: ServiceCall, key: Json | undefined): Held {
    const held = typeof key === "string" ? this.#held.get(key) : undefined;
    if (held?.invocation === invocation && held.script === script) return held;
    throw new ProblemError("bad_request", "mcp: this connection is closed; connections end with their invocation.");
  }

  async #drop(key: string, politely: boolean): Promise<void> {
    const held = this.#held.get(key);
    if (!this.#held.delete(key) || held === undefined) return;
    this.#release(held.invocation);
    await held.connection.close(politely);
  }

  #release(invocation: string): void {
    const left = (this.#counts.get(invocation) ?? 0) - 1;
    if (left > 0) this.#counts.set(invocation, left);
    else this.#counts.delete(invocation);
  }
}
