/** Every open connection of this engine, by stream. Outlives generations of plugins and versions of scripts. */
import { ProblemError, type PointRegistration } from "../../sdk/plugin.ts";
import { Connection } from "./connection.ts";
import { encodeEvent, encodeMarker, encodeOpening, PING } from "./event.ts";
import { fits, type Criteria, type Filter } from "./filter.ts";
import { Replay } from "./replay.ts";

/** A message on its way, also to other engines. */
export interface Message {
  readonly script: string;
  /** Of the stream; all of the script without it. */
  readonly path?: string | undefined;
  readonly id: string;
  readonly event?: string | undefined;
  readonly data: string;
  readonly filter?: Filter | undefined;
}

export interface Delivery {
  /** Clients that it is on its way to. */
  readonly delivered: number;
  /** Clients of the stream, whatever the filter. */
  readonly connections: number;
  /** Clients that read too slowly, and were dropped. */
  readonly failed: number;
}

/** The plugin's config, as far as connections need it. */
export interface Bounds {
  readonly maxConnections: number;
  readonly maxPerIp: number;
  readonly queueBytes: number;
  readonly pingSeconds: number;
  readonly retryMs: number;
}

interface Channel {
  readonly connections: Set<Connection>;
  readonly replay: Replay;
  lastId: string;
}

const TICK_MS = 1000;

export class Hub {
  /** Tells this engine's messages from another's, and from those before its start. */
  readonly node: string = crypto.randomUUID().slice(0, 8);
  /** Of slow clients that were dropped, once a second. */
  onDropped: (count: number) => void = () => {};
  readonly #channels = new Map<string, Channel>();
  readonly #perIp = new Map<string, number>();
  /** By engine how far it has come. */
  readonly #heard = new Map<string, number>();
  #places = 0;
  #sent = 0;
  #dropped = 0;
  #timer: ReturnType<typeof setInterval> | null = null;

  get connections(): number {
    return this.#places;
  }

  nextId(): string {
    return `${this.node}-${++this.#sent}`;
  }

  /** The streams that there are now; the connections of others are closed. */
  settle(streams: readonly PointRegistration[], replayBytes: number, replayDefault: number): void {
    const kept = new Set(streams.map(keyOf));
    for (const [key, channel] of this.#channels) {
      if (kept.has(key)) continue;
      this.#channels.delete(key);
      closeAll(channel);
    }
    const perScript = Map.groupBy(streams, ({ script }) => script);
    for (const stream of streams) {
      const { replay } = this.#channel(keyOf(stream));
      const { replay: count = replayDefault } = stream.options as { readonly replay?: number };
      // A script with many streams holds no more than one with few.
      replay.limit(count, replayBytes / (perScript.get(stream.script)?.length ?? 1));
    }
  }

  #channel(key: string): Channel {
    const known = this.#channels.get(key);
    if (known) return known;
    const made: Channel = { connections: new Set(), replay: new Replay(), lastId: `${this.node}-0` };
    this.#channels.set(key, made);
    return made;
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

  /** `lastEventId`: what the client has already; null for one that begins. */
  connect(
    stream: PointRegistration,
    client: { readonly ip: string; readonly criteria: Criteria; readonly lastEventId: string | null },
    bounds: Bounds,
    release: () => void,
  ): Connection {
    const channel = this.#channel(keyOf(stream));
    const missed = client.lastEventId === null ? [] : channel.replay.after(client.lastEventId);
    const own = missed.filter(({ filter }) => filter === undefined || fits(filter, client.criteria));
    const first = [encodeOpening(bounds.retryMs), ...own.map(({ bytes }) => bytes), encodeMarker(channel.lastId)];
    const connection = new Connection(first, {
      ip: client.ip,
      criteria: client.criteria,
      queueBytes: bounds.queueBytes,
      pingMs: bounds.pingSeconds * 1000,
      onEnd: (ended) => {
        channel.connections.delete(ended);
        release();
      },
    });
    channel.connections.add(connection);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    return connection;
  }

  /** Takes a message of another engine. Two generations of plugins hear it while one takes over from the other. */
  receive(node: string, message: Message): void {
    const place = Number(message.id.slice(node.length + 1));
    if (node === this.node || place <= (this.#heard.get(node) ?? 0)) return;
    this.#heard.set(node, place);
    this.deliver(message);
  }

  /** To the clients of this engine. */
  deliver({ script, path, id, event, data, filter }: Message): Delivery {
    const bytes = encodeEvent({ id, event, data });
    let [delivered, connections, failed] = [0, 0, 0];
    for (const channel of this.#channelsOf(script, path)) {
      channel.lastId = id;
      channel.replay.add({ id, bytes, filter });
      connections += channel.connections.size;
      for (const connection of channel.connections) {
        if (filter !== undefined && !fits(filter, connection.criteria)) continue;
        if (connection.send(bytes)) delivered++;
        else failed++;
      }
    }
    this.#dropped += failed;
    return { delivered, connections, failed };
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
        if (!connection.send(PING)) this.#dropped++;
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
