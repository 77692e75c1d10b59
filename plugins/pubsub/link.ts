/**
 * The way to the other engines: a channel of Redis. One connection listens, another sends, and what this engine sends to
 * itself shows that both work. Whatever fails, both are opened anew. Nothing is sent twice: a message that may have been
 * lost is lost.
 */
import type { Json } from "../../sdk/plugin.ts";
import type { Address } from "./address.ts";
import { RedisConnection } from "./connection.ts";
import { readEnvelope, type Envelope } from "./envelope.ts";
import { encodeCommand, TOO_LONG, type Reply } from "./replies.ts";

export interface LinkOptions {
  readonly address: Address;
  readonly channel: string;
  /** Bytes of one message in its envelope; longer ones are neither sent nor heard. */
  readonly maxMessageBytes: number;
  /** Bytes that may wait for Redis; the oldest messages go. */
  readonly queueBytes: number;
}

export interface Times {
  /** A sign of its own goes through so often… */
  readonly beatMs: number;
  /** …and when none came back for so long, the way is not open, whatever the sockets say. */
  readonly silenceMs: number;
  /** An event that is late by more is not worth telling. */
  readonly waitMs: number;
}

const TIMES: Times = { beatMs: 5000, silenceMs: 15_000, waitMs: 10_000 };

export interface LinkEvents {
  onMessage(topic: string, message: Json): void;
  /** Once for each time that Redis goes away. */
  onDown(reason: string): void;
  /** `lost`: messages of this engine that others were not sent. */
  onUp(lost: number): void;
  /** At most once a minute: what was in the channel and was no message of an engine. */
  onStrange(count: number): void;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2000;
const STRANGE_MS = 60_000;

interface Waiting {
  readonly command: Buffer;
  readonly since: number;
}

export class Link {
  /** Whoever serves now; generations of plugins come and go. */
  events: LinkEvents | undefined;
  readonly #options: LinkOptions;
  readonly #times: Times;
  readonly #node = crypto.randomUUID();
  readonly #beat: Buffer;
  #queue: Waiting[] = [];
  #queued = 0;
  #lost = 0;
  #listener: RedisConnection | undefined;
  #sender: RedisConnection | undefined;
  #up = false;
  /** What was told last: null while all is well. */
  #reason: string | null | undefined;
  #retryMs = FIRST_RETRY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #beats: ReturnType<typeof setInterval> | undefined;
  #heardSelf = 0;
  #strange = 0;
  #strangeSince = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: LinkOptions, times: Times = TIMES) {
    this.#options = options;
    this.#times = times;
    this.#beat = this.#command({ from: this.#node });
  }

  /** Why Redis is not there, or null. */
  get trouble(): string | null {
    return this.#up ? null : (this.#reason ?? "it has not answered yet");
  }

  #command(envelope: Envelope): Buffer {
    return encodeCommand("PUBLISH", this.#options.channel, JSON.stringify(envelope));
  }

  open(): void {
    if (this.#closed || this.#listener !== undefined) return;
    const { address, channel, maxMessageBytes } = this.#options;
    this.#heardSelf = performance.now();
    this.#listener = new RedisConnection(address, maxMessageBytes, {
      onRoom: () => {},
      onEnd: (reason) => this.#fail(reason),
      onOpen: () => this.#listener?.write(encodeCommand("SUBSCRIBE", channel)),
      onReply: (reply) => this.#hear(reply),
    });
    this.#beats = setInterval(() => this.#check(), this.#times.beatMs);
  }

  #hear(reply: Reply): void {
    const [kind, , payload] = Array.isArray(reply) ? (reply as readonly Reply[]) : [];
    if (kind === "subscribe") return this.#openSender();
    if (kind !== "message") return;
    const told = typeof payload === "string" ? readEnvelope(payload) : undefined;
    if (told === undefined || payload === TOO_LONG) return this.#note();
    // What this engine sends is delivered here before it is sent.
    if (told.from === this.#node) return told.topic === undefined ? this.#hearSelf() : undefined;
    if (told.topic !== undefined) this.events?.onMessage(told.topic, told.message as Json);
  }

  /** Only now: an answer to what is sent before anyone listens would be missed. */
  #openSender(): void {
    this.#sender ??= new RedisConnection(this.#options.address, this.#options.maxMessageBytes, {
      onRoom: () => this.#flush(),
      onEnd: (reason) => this.#fail(reason),
      onOpen: () => this.#sender?.write(this.#beat),
      onReply: () => {},
    });
  }

  #hearSelf(): void {
    this.#heardSelf = performance.now();
    if (this.#up) return;
    this.#up = true;
    this.#retryMs = FIRST_RETRY_MS;
    this.#flush();
    this.events?.onUp(this.#lost);
    this.#lost = 0;
    this.#reason = null;
  }

  #check(): void {
    if (performance.now() - this.#heardSelf > this.#times.silenceMs) return this.#fail("it does not answer");
    if (this.#up) this.#sender?.write(this.#beat);
  }

  #note(): void {
    this.#strange++;
    const now = performance.now();
    if (now - this.#strangeSince < STRANGE_MS) return;
    this.#strangeSince = now;
    this.events?.onStrange(this.#strange);
    this.#strange = 0;
  }

  #fail(reason: string): void {
    if (this.#closed) return;
    this.#letGo();
    if (this.#up || this.#reason === undefined) this.events?.onDown(reason);
    this.#up = false;
    this.#reason = reason;
    // Not all engines at the same moment.
    this.#retry = setTimeout(() => this.open(), this.#retryMs * (0.5 + Math.random()));
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #letGo(): void {
    clearInterval(this.#beats);
    clearTimeout(this.#retry);
    this.#listener?.close();
    this.#sender?.close();
    this.#listener = this.#sender = undefined;
  }

  /** On its way to the others, if Redis is there or comes back soon. Answers false for a message that is too long. */
  publish(topic: string, message: Json): boolean {
    const text = JSON.stringify({ from: this.#node, topic, message } satisfies Envelope);
    if (Buffer.byteLength(text) > this.#options.maxMessageBytes) return false;
    const command = encodeCommand("PUBLISH", this.#options.channel, text);
    this.#queue.push({ command, since: performance.now() });
    this.#queued += command.length;
    this.#flush();
    while (this.#queued > this.#options.queueBytes) this.#dropOldest();
    return true;
  }

  #dropOldest(): void {
    this.#queued -= this.#queue.shift()?.command.length ?? this.#queued;
    this.#lost++;
  }

  #flush(): void {
    if (!this.#up) return;
    const stale = performance.now() - this.#times.waitMs;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (next.since < stale) {
        this.#dropOldest();
        continue;
      }
      if (this.#sender?.hasRoom !== true) return;
      this.#queue.shift();
      this.#queued -= next.command.length;
      this.#sender.write(next.command);
    }
  }

  close(): void {
    this.#closed = true;
    this.#letGo();
    this.#queue = [];
  }
}
