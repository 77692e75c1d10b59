/** Every open connection of this engine, by stream. Outlives generations of plugins and versions of scripts. */
import { ProblemError, type PointRegistration } from "../../sdk/plugin.ts";
import { Connection } from "./connection.ts";
import { encodeEvent, encodeId, encodeMarker, encodeOpening, PING } from "./event.ts";
import { fits, type Criteria } from "./filter.ts";
import { Position } from "./position.ts";
import type { Beat, Goodbye, Message } from "./remote.ts";
import { Replay } from "./replay.ts";

export interface Delivery {
  /** Clients that it is on its way to. */
  readonly delivered: number;
  /** Clients of the stream, whatever the filter. */
  readonly connections: number;
  /** Clients that read too slowly, and were dropped. */
  readonly failed: number;
}

export interface Ending {
  /** Clients whose connection ends. */
  readonly closed: number;
  /** Clients of the stream until then, whatever the filter. */
  readonly connections: number;
}

/** The plugin's config, as far as connections need it. */
export interface Bounds {
  readonly maxConnections: number;
  readonly maxPerIp: number;
  readonly queueBytes: number;
  readonly pingSeconds: number;
  readonly retryMs: number;
}

/** A client, however it is reached. */
export interface Listener {
  readonly criteria: Criteria;
  /** What it had of other engines before this one heard of it. */
  readonly ahead: Position | undefined;
  /** How long it may be sent nothing. */
  readonly pingMs: number;
  /** Of `performance.now()`. */
  readonly lastSent: number;
  /** The event as a stream carries it, and its data alone. Answers whether the client can still be reached. */
  send(event: Uint8Array, data: string): boolean;
  /** The goodbye is for those who can be told one. */
  close(goodbye?: Pick<Goodbye, "code" | "reason">): void;
}

interface Channel {
  /** What registered it: another kind of channel at the same path is another channel. */
  readonly fn: string;
  readonly connections: Set<Listener>;
  readonly replay: Replay;
}

const TICK_MS = 1000;

export class Hub {
  /** Tells this engine's messages from another's, and from those before its start. */
  readonly node: string = crypto.randomUUID().slice(0, 8);
  /** Of slow clients that were dropped, once a second. */
  onDropped: (count: number) => void = () => {};
  /** Of a fault that is nobody's script's. */
  onFailure: (error: unknown) => void = () => {};
  readonly #channels = new Map<string, Channel>();
  #streams: readonly PointRegistration[] = [];
  readonly #perIp = new Map<string, number>();
  /** How far this engine has heard of each, itself included. */
  readonly #heard = new Position();
  #places = 0;
  #sent = 0;
  #dropped = 0;
  #timer: ReturnType<typeof setInterval> | null = null;

  get connections(): number {
    return this.#places;
  }

  constructor() {
    this.#heard.advance(this.node, 0);
  }

  /** Numbers what this engine sends. */
  stamp(): Pick<Message, "node" | "place"> {
    return { node: this.node, place: ++this.#sent };
  }

  /** What others are told: a client that comes from this engine to them is not sent what was before it. */
  beat(asks: boolean): Beat {
    return { node: this.node, place: this.#sent, asks };
  }

  /** The registration that serves now in place of one that did. */
  now({ script, path, fn }: PointRegistration): PointRegistration | undefined {
    return this.#streams.find((one) => one.script === script && one.path === path && one.fn === fn);
  }

  /** The streams and sockets that there are now; the connections of others are closed. */
  settle(streams: readonly PointRegistration[], replayBytes: number, replayDefault: number): void {
    this.#streams = streams;
    const kept = new Map(streams.map((stream) => [keyOf(stream), stream.fn]));
    for (const [key, channel] of this.#channels) {
      if (kept.get(key) === channel.fn) continue;
      this.#channels.delete(key);
      closeAll(channel);
    }
    // Who comes back to a WebSocket says nothing of where it was.
    const replayed = streams.filter(({ fn }) => fn === "registerWebStream");
    const perScript = Map.groupBy(replayed, ({ script }) => script);
    for (const stream of replayed) {
      const { replay } = this.#channel(stream);
      const { replay: count = replayDefault } = stream.options as { readonly replay?: number };
      // A script with many streams holds no more than one with few.
      replay.limit(count, replayBytes / (perScript.get(stream.script)?.length ?? 1));
    }
  }

  #channel(stream: PointRegistration): Channel {
    const key = keyOf(stream);
    const known = this.#channels.get(key);
    if (known?.fn === stream.fn) return known;
    const made: Channel = { fn: stream.fn, connections: new Set(), replay: new Replay() };
    this.#channels.set(key, made);
    return made;
  }

  /** Answers what takes the client out again. */
  join(stream: PointRegistration, listener: Listener): () => void {
    const { connections } = this.#channel(stream);
    connections.add(listener);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    return () => void connections.delete(listener);
  }

  /** One that reads too slowly was dropped. */
  dropped(): void {
    this.#dropped++;
  }

  /**
   * Takes a place before anyone is asked whether the client may come, so that those who are asked about count.
   * Answers what gives it back. @throws ProblemError when there is none.
   */
  reserve(ip: string, { maxConnections, maxPerIp }: Bounds): () => void {
    const own = this.#perIp.get(ip) ?? 0;
    if (own >= maxPerIp) {
      const detail = `This address has ${own} open streams; plugins.streams.maxPerIp allows no more.`;
      throw new ProblemError("too_many_requests", detail, { retryAfterSeconds: 10 });
    }
    if (this.#places >= maxConnections) {
      const detail = `The engine has ${this.#places} open streams; plugins.streams.maxConnections allows no more.`;
      throw new ProblemError("overloaded", detail, { retryAfterSeconds: 10 });
    }
    this.#places++;
    this.#perIp.set(ip, own + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#places--;
      const left = (this.#perIp.get(ip) ?? 1) - 1;
      if (left === 0) this.#perIp.delete(ip);
      else this.#perIp.set(ip, left);
    };
  }

  /** `lastEventId`: how far the client has come; null for one that begins. */
  connect(
    stream: PointRegistration,
    client: { readonly ip: string; readonly criteria: Criteria; readonly lastEventId: string | null },
    bounds: Bounds,
    release: () => void,
  ): Connection {
    const channel = this.#channel(stream);
    const had = client.lastEventId === null ? null : Position.read(client.lastEventId);
    const missed = client.lastEventId === null ? [] : channel.replay.after(had);
    const own = missed.filter(({ filter }) => filter === undefined || fits(filter, client.criteria));
    // It may leave again in the middle of them: each says how far this client has come, not how far the engine had.
    let come = had ?? new Position();
    const again = own.flatMap(({ node, place, rest }) => {
      come.advance(node, place);
      return [encodeId(come.toString()), rest];
    });
    come = this.#heard.with(come);
    const first = [encodeOpening(bounds.retryMs), ...again, encodeMarker(come.toString())];
    const connection = new Connection(first, {
      ip: client.ip,
      criteria: client.criteria,
      ahead: had?.aheadOf(this.#heard),
      queueBytes: bounds.queueBytes,
      pingMs: bounds.pingSeconds * 1000,
      onEnd: () => {
        leave();
        release();
      },
    });
    const leave = this.join(stream, connection);
    return connection;
  }

  /** Takes what another engine said, once: two generations of plugins hear it while one takes over from the other. */
  receive(said: Message | Goodbye): void {
    if (said.node === this.node || said.place <= this.#heard.at(said.node)) return;
    if ("data" in said) this.deliver(said);
    else this.end(said);
  }

  /** Answers whether the engine was unknown. */
  hear({ node, place }: Beat): boolean {
    if (node === this.node) return false;
    const unknown = this.#heard.at(node) < 0;
    this.#heard.advance(node, place);
    return unknown;
  }

  /** To the clients of this engine. */
  deliver({ node, place, script, path, event, data, filter }: Message): Delivery {
    this.#heard.advance(node, place);
    const id = encodeId(this.#heard.toString());
    const bytes = Buffer.concat([id, encodeEvent({ event, data })]);
    const sent = { node, place, rest: bytes.subarray(id.length), filter };
    let [delivered, connections, failed] = [0, 0, 0];
    for (const channel of this.#channelsOf(script, path)) {
      channel.replay.add(sent);
      connections += channel.connections.size;
      for (const connection of channel.connections) {
        if (filter !== undefined && !fits(filter, connection.criteria)) continue;
        if (connection.ahead !== undefined && place <= connection.ahead.at(node)) continue;
        if (connection.send(bytes, data)) delivered++;
        else failed++;
      }
    }
    this.#dropped += failed;
    return { delivered, connections, failed };
  }

  /** Those who have a message of the same engine that came later have come back since, and stay. */
  end({ node, place, script, path, filter, ...goodbye }: Goodbye): Ending {
    this.#heard.advance(node, place);
    let [closed, connections] = [0, 0];
    for (const channel of this.#channelsOf(script, path)) {
      connections += channel.connections.size;
      for (const connection of [...channel.connections]) {
        if (filter !== undefined && !fits(filter, connection.criteria)) continue;
        if (connection.ahead !== undefined && place <= connection.ahead.at(node)) continue;
        connection.close(goodbye);
        closed++;
      }
    }
    return { closed, connections };
  }

  #channelsOf(script: string, path: string | undefined): readonly Channel[] {
    if (path === undefined) {
      return [...this.#channels].flatMap(([key, channel]) => (key.startsWith(`${script} `) ? [channel] : []));
    }
    const channel = this.#channels.get(`${script} ${path}`);
    return channel === undefined ? [] : [channel];
  }

  #tick(): void {
    const now = performance.now();
    for (const { connections } of this.#channels.values()) {
      for (const connection of connections) {
        if (now - connection.lastSent < connection.pingMs - TICK_MS / 2) continue;
        if (!connection.send(PING, "")) this.#dropped++;
      }
    }
    if (this.#dropped > 0) this.onDropped(this.#dropped);
    this.#dropped = 0;
    if (this.#places === 0) this.#stopTicking();
  }

  #stopTicking(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Ends all connections; what comes later is none of its affair. */
  close(): void {
    for (const channel of this.#channels.values()) closeAll(channel);
    this.#stopTicking();
  }
}

function keyOf({ script, path }: PointRegistration): string {
  return `${script} ${path}`;
}

function closeAll({ connections }: Channel): void {
  for (const connection of [...connections]) connection.close();
}
