/** One script in a realm, as an isolate opens it: what it registers, and what its handlers answer. */
import * as F from "../../../../core/isolate/frames.ts";
import { openRealm, type RealmHost } from "../../../../core/isolate/realm-host.ts";
import type { Failure } from "../../../../core/isolate/realm/errors.ts";
import type { ScriptMeta } from "../../../../core/isolate/realm/script.ts";
import { NO_OFFER, type JsonSchema, type Offer, type Registration } from "../../../../core/script/types.ts";

export interface ScriptedOptions {
  readonly form?: "module" | "classic";
  readonly offer?: Partial<Offer>;
  readonly schemas?: { readonly [id: string]: { readonly [part: string]: JsonSchema } };
  readonly dev?: boolean;
}

export interface Answered {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
  readonly failure?: Failure;
}

type Report = { readonly ok: true; readonly registrations: string } | { readonly ok: false; readonly failure: Failure };

const LINGERS = 0x10000;

export class Scripted {
  readonly logs: string[] = [];
  readonly lines: [message: string, data?: unknown][] = [];
  readonly calls: string[] = [];
  /** Bytes of streamed answers, by the number of the request: 1, 2, … */
  readonly sent = new Map<number, number>();
  /** False for clients that take nothing by themselves. */
  reading = true;
  readonly #host: RealmHost;
  readonly #waiting = new Map<number, (answer: Answered) => void>();
  readonly #streams = new Map<number, { status: number; headers: string; body: string }>();
  #loaded: (report: Report) => void = () => {};
  #last = 0;

  constructor() {
    this.#host = openRealm((type, id, a, text, body) => this.#take(type, id, a, text, body));
  }

  #take(type: number, id: number, a: number, text: string, body: string | Uint8Array | undefined): void {
    const content = typeof body === "string" ? body : body === undefined ? "" : new TextDecoder().decode(body);
    const stream = this.#streams.get(id);
    if (type === F.LOADED) this.#loaded(JSON.parse(text) as Report);
    else if (type === F.LOG) {
      const line = JSON.parse(text) as [string, unknown];
      this.logs.push(line[0]);
      this.lines.push(line);
    } else if (type === F.CALL) {
      this.calls.push(text);
      setTimeout(() => this.#host.callResult(id, 0, JSON.stringify("called")), 0);
    } else if (type === F.RESULT) this.#settle(id, { status: a % LINGERS, headers: text, body: content });
    else if (type === F.FAILURE)
      this.#settle(id, { status: 500, headers: "", body: "", failure: JSON.parse(text) as Failure });
    else if (type === F.RESULT_HEAD) this.#streams.set(id, { status: a, headers: text.split("\n")[0] ?? "", body: "" });
    else if (type === F.CHUNK && stream) {
      stream.body += content;
      const taken = body?.length ?? 0;
      this.sent.set(id, (this.sent.get(id) ?? 0) + taken);
      if (this.reading) setTimeout(() => this.#host.credit(id, taken), 0);
    } else if (type === F.END && stream) this.#settle(id, stream);
  }

  #settle(id: number, answer: Answered): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }

  load(
    code: string,
    { form = "module", offer = {}, schemas = {}, dev = false }: ScriptedOptions = {},
  ): Promise<Report> {
    const limits = { timers: 1000 };
    const meta: ScriptMeta = {
      name: "s",
      version: "1",
      form,
      map: "",
      config: {},
      limits,
      schemas,
      dev,
      ...NO_OFFER,
      ...offer,
    };
    return new Promise((resolve) => {
      this.#loaded = resolve;
      const fault = this.#host.load({ name: "s", form, code, meta: JSON.stringify(meta) });
      if (fault !== null) throw new Error(fault);
    });
  }

  /** What the script registered. Throws with the script's own words when it did not load. */
  async registered(code: string, options: ScriptedOptions = {}): Promise<Registration[]> {
    const report = await this.load(code, options);
    if (!report.ok) throw new Error(`${report.failure.code ?? report.failure.name}: ${report.failure.message}`);
    return JSON.parse(report.registrations) as Registration[];
  }

  #dispatch(registration: number, kind: number, head: string, body?: Uint8Array): Promise<Answered> {
    const id = ++this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#host.dispatch(id, registration, kind, head, body);
    });
  }

  /** The client took that many bytes of a streamed answer. */
  take(id: number, bytes: number): void {
    this.#host.credit(id, bytes);
  }

  /** The client left. */
  leave(id: number): void {
    this.#host.cancel(id, F.CANCEL_CLIENT);
  }

  /** Calls a handler with data. */
  call(registration: number, input: object): Promise<Answered> {
    return this.#dispatch(registration, F.BODY_DATA, JSON.stringify({ id: "an-id", kind: "bells", ...input }));
  }

  /** Calls a handler with a request. */
  request(
    registration: number,
    {
      method = "GET",
      url = "http://h/x",
      params = "",
      type = "application/json",
      body = "" as string | Uint8Array,
    } = {},
  ): Promise<Answered> {
    const head = [method, url, "127.0.0.1", "an-id", params, JSON.stringify({ "content-type": type })].join("\n");
    if (body === "") return this.#dispatch(registration, F.BODY_NONE, head);
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    return this.#dispatch(registration, F.BODY_WHOLE, head, bytes);
  }
}
