/** Every open subscription of this engine, by the field that it is of. Outlives generations of plugins and versions of scripts. */
import type { GraphQLSchema } from "graphql";
import { fits, ProblemError, type Criteria, type PointRegistration, type RouteEvent } from "../../../sdk/plugin.ts";
import type { Finish, Queue } from "./queue.ts";
import type { Message } from "./remote.ts";

/** Who subscribes. */
export interface Client {
  readonly ip: string;
  /** Breaks the connection, without a word: it does not read. */
  drop(): void;
  /** Ends it as it should end, so that the client comes back when it may. */
  close(): void;
}

export interface Subscription {
  /** As it was when the subscription began. */
  readonly registration: PointRegistration;
  /** `Subscription.noteAdded` */
  readonly coordinate: string;
  readonly client: Client;
  readonly finish: Finish;
  /** Undefined where a generator of the script gives the events. */
  readonly waits: { readonly criteria: Criteria; readonly queue: Queue } | undefined;
}

export interface Delivery {
  /** Subscriptions that it is on its way to. */
  readonly delivered: number;
  /** Subscriptions of the field, whatever the filter. */
  readonly connections: number;
  /** Clients that read too slowly, and were dropped. */
  readonly failed: number;
}

/** The plugin's config, as far as subscriptions need it. */
export interface Bounds {
  readonly maxSubscriptions: number;
  readonly maxSubscriptionsPerIp: number;
  readonly maxMessageBytes: number;
  readonly queueBytes: number;
}

export interface Carrier {
  /** @param body of a POST */
  answer(event: RouteEvent, body: string | null): Promise<Response>;
}

/** What serves in one generation of the plugin. */
export interface Serving {
  live(coordinate: string): PointRegistration | undefined;
  schema(): GraphQLSchema | undefined;
  /** Has registrations: one that is being set up, or was refused, has none. */
  readonly filled: boolean;
}

/** Other engines that are remembered: those that spoke last. */
const MAX_NODES = 1000;

export class Hub {
  /** Tells this engine's messages from another's, and from those before its start. */
  readonly node: string = crypto.randomUUID().slice(0, 8);
  /** Who answers for a connection that carries several operations, by its token: a generation that was replaced, perhaps. */
  readonly carriers = new Map<string, Carrier>();
  readonly #fields = new Map<string, Set<Subscription>>();
  readonly #connections = new Set<Client>();
  readonly #perIp = new Map<string, number>();
  /** By engine how far it has come. */
  readonly #heard = new Map<string, number>();
  /** The newest is the last. */
  readonly #generations: Serving[] = [];
  #places = 0;
  #sent = 0;

  get places(): number {
    return this.#places;
  }

  /** The generation whose handlers and schema count. */
  get serving(): Serving | undefined {
    return this.#generations.findLast(({ filled }) => filled) ?? this.#generations.at(-1);
  }

  /** Gives back what takes it away. */
  enter(generation: Serving): () => void {
    this.#generations.push(generation);
    return () => {
      this.#generations.splice(this.#generations.indexOf(generation), 1);
      this.settle();
    };
  }

  /**
   * Takes a place, before anyone is asked whether the client may come. Answers what gives it back.
   *
   * @throws ProblemError when there is none
   */
  reserve(ip: string, { maxSubscriptions, maxSubscriptionsPerIp }: Bounds): () => void {
    const own = this.#perIp.get(ip) ?? 0;
    if (own >= maxSubscriptionsPerIp) {
      const detail = `This address has ${own} open subscriptions; plugins.graphql.maxSubscriptionsPerIp allows no more.`;
      throw new ProblemError("too_many_requests", detail, { retryAfterSeconds: 10 });
    }
    if (this.#places >= maxSubscriptions) {
      const detail = `The engine has ${this.#places} open subscriptions; plugins.graphql.maxSubscriptions allows no more.`;
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

  /** A connection that is ended when the engine stops, also one without a subscription. Answers what forgets it. */
  connect(client: Client): () => void {
    this.#connections.add(client);
    return () => void this.#connections.delete(client);
  }

  /** Answers what takes it away. */
  add(subscription: Subscription): () => void {
    const key = keyOf(subscription.registration.script, subscription.coordinate);
    const all = this.#fields.get(key) ?? new Set();
    this.#fields.set(key, all.add(subscription));
    return () => {
      all.delete(subscription);
      if (all.size === 0 && this.#fields.get(key) === all) this.#fields.delete(key);
    };
  }

  /** Numbers a message of this engine. */
  stamp(message: Omit<Message, "node" | "place">): Message {
    return { node: this.node, place: ++this.#sent, ...message };
  }

  /** Takes a message of another engine, once: two generations of plugins hear it while one takes over from the other. */
  receive(message: Message): void {
    const { node, place } = message;
    if (node === this.node || place <= (this.#heard.get(node) ?? 0)) return;
    this.#heard.delete(node);
    this.#heard.set(node, place);
    if (this.#heard.size > MAX_NODES) this.#heard.delete(this.#heard.keys().next().value ?? "");
    this.deliver(message);
  }

  /** To the clients of this engine. */
  deliver({ script, field, payload, bytes, filter }: Message): Delivery {
    let [delivered, connections, failed] = [0, 0, 0];
    for (const { waits, client } of [...(this.#fields.get(keyOf(script, `Subscription.${field}`)) ?? [])]) {
      if (waits === undefined) continue;
      connections++;
      if (filter !== undefined && !fits(filter, waits.criteria)) continue;
      if (waits.queue.push(payload, bytes)) delivered++;
      else {
        failed++;
        void waits.queue.return();
        client.drop();
      }
    }
    return { delivered, connections, failed };
  }

  /**
   * A subscription goes on while its script has the field, as an answer that began does: a generator in the version of its
   * script that it is of.
   */
  settle(): void {
    const serving = this.serving;
    for (const subscription of [...this.#fields.values()].flatMap((all) => [...all])) {
      const { registration, coordinate, waits, finish } = subscription;
      const now = serving?.live(coordinate);
      if (now?.script !== registration.script) {
        finish(new ProblemError("not_found", "The script of the subscription took its field back."));
      } else if (waits !== undefined && (now.invoke === undefined) !== (registration.invoke === undefined)) {
        // Whom nobody asked was let in, and now there is someone who is to be asked.
        finish(new ProblemError("conflict", "The script of the subscription has changed; subscribe again."));
      }
    }
  }

  /** Ends all connections; what comes later is none of its affair. */
  close(): void {
    const own = [...this.#fields.values()].flatMap((all) => [...all]).map(({ client }) => client);
    for (const client of new Set([...this.#connections, ...own])) client.close();
  }
}

function keyOf(script: string, coordinate: string): string {
  return `${script} ${coordinate}`;
}
