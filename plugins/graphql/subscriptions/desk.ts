/** Lets clients subscribe: asks the field's handler, and gives them what follows. */
import { ProblemError, readCriteria, type Criteria, type Json, type RouteEvent } from "../../../sdk/plugin.ts";
import { argumentsOf, type Operation } from "../resolve.ts";
import { Generated } from "./generated.ts";
import type { Bounds, Client, Hub } from "./hub.ts";
import { Queue } from "./queue.ts";

/** The request of an operation, or of its connection. */
export interface Asking {
  readonly client: Client;
  readonly request: RouteEvent;
  /** What a client of a socket says of itself when it begins. */
  readonly payload?: Json | undefined;
}

export class Desk {
  constructor(
    readonly hub: Hub,
    readonly bounds: Bounds,
    private readonly isReady: () => boolean,
  ) {}

  refuseAtEnd(): void {
    if (!this.isReady()) throw new ProblemError("not_ready", "The engine stops.", { retryAfterSeconds: 1 });
  }

  /** What follows. @throws ProblemError when the client may not have it. */
  async subscribe(
    coordinate: string,
    given: Json,
    operation: Operation,
    { client, request, payload }: Asking,
  ): Promise<Queue> {
    this.refuseAtEnd();
    const { hub, bounds } = this;
    const { id: parentId, user, signal } = operation;
    const registration = hub.serving?.live(coordinate);
    if (registration === undefined) throw tookBack();
    const release = hub.reserve(client.ip, bounds);
    let remove = release;
    const end = (): void => {
      remove();
      release();
      signal.removeEventListener("abort", leave);
    };
    const leave = (): void => void events?.return();
    let events: Queue | undefined;
    try {
      const args = argumentsOf(registration, given);
      const asked = { args, user, parentId, signal, request, ...(payload === undefined ? {} : { payload }) };
      const values = await registration.stream?.(asked);
      if (values !== undefined && !values.single) events = new Generated(values, end);
      const criteria = events ? undefined : await criteriaOf(args, values);
      this.refuseAtEnd();
      if (signal.aborted) throw new ProblemError("invocation_ended", "The client left.");
      // While it was asked, its script may have been saved without the field, or with a generator of another version.
      const now = hub.serving?.live(coordinate);
      if (now?.script !== registration.script) throw tookBack();
      const queue = (events ??= new Queue(bounds.queueBytes, end));
      const waits = criteria === undefined ? undefined : { criteria, queue };
      remove = hub.add({ registration, coordinate, client, finish: (reason) => queue.finish(reason), waits });
      signal.addEventListener("abort", leave, { once: true });
      if (waits === undefined && now !== registration) hub.settle();
      return events;
    } catch (error) {
      void events?.return();
      release();
      throw error;
    }
  }
}

function tookBack(): ProblemError {
  return new ProblemError("not_found", "Its script took the field back meanwhile.");
}

/** What the handler gave back; where there is none, the arguments that can be criteria. */
async function criteriaOf(args: Json, values: AsyncIterator<Json> | undefined): Promise<Criteria> {
  if (values !== undefined) {
    const { done, value } = await values.next();
    return readCriteria(done ? null : value, "The subscription");
  }
  const plain = Object.entries(args as { readonly [name: string]: Json }).filter(([, value]) => isPlain(value));
  try {
    return readCriteria(Object.fromEntries(plain), "The subscription");
  } catch (cause) {
    throw new ProblemError("bad_request", "The arguments are too many, or too long.", { cause });
  }
}

function isPlain(value: Json): boolean {
  return Array.isArray(value) ? value.every((one) => typeof one !== "object") : typeof value !== "object";
}
