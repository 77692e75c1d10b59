/** A realm as isolates open it, in this process and without the host's own lock: a leak would lead somewhere, and show. */
import * as F from "../../core/isolate/frames.ts";
import { openRealm, type RealmHost } from "../../core/isolate/realm-host.ts";

export interface RealmAnswer {
  readonly status: number;
  readonly body: string;
}

/** Loads a classic script and calls its first handler. Services answer what `service` says; fetch is always refused. */
export class ScriptInRealm {
  readonly logs: string[] = [];
  readonly #host: RealmHost;
  readonly #waiting = new Map<number, (answer: RealmAnswer) => void>();
  #loaded: (report: string) => void = () => {};
  #next = 0;
  #streamed = "";

  constructor(
    service: (method: string, args: unknown) => { readonly failed: boolean; readonly json: string } = answerKv,
  ) {
    this.#host = openRealm((type, id, a, text, body) => {
      const bytes = typeof body === "string" ? body : body === undefined ? "" : new TextDecoder().decode(body);
      if (type === F.LOADED) this.#loaded(text);
      else if (type === F.RESULT) this.#settle(id, { status: a & 0xffff, body: bytes });
      else if (type === F.FAILURE) this.#settle(id, { status: 500, body: text });
      else if (type === F.RESULT_HEAD) this.#streamed = "";
      else if (type === F.CHUNK) {
        this.#streamed += bytes;
        setTimeout(() => this.#host.credit(id, bytes.length), 0);
      } else if (type === F.END) this.#settle(id, { status: 200, body: this.#streamed });
      else if (type === F.LOG) this.logs.push(text);
      else if (type === F.CALL) {
        const [, method, args] = JSON.parse(text) as [string, string, unknown];
        const { failed, json } = service(method, args);
        // Later, as over a socket: an answer inside the call itself never happens.
        setTimeout(() => this.#host.callResult(id, failed ? 1 : 0, json), 0);
      } else if (type === F.FETCH) {
        const refusal = JSON.stringify({ code: "fetch_blocked", message: "refused by the harness" });
        setTimeout(() => this.#host.callResult(id, 1, refusal), 0);
      }
    });
  }

  /** The report of the load as JSON. */
  load(code: string, name = "fuzz"): Promise<string> {
    const meta = {
      name,
      version: "1",
      form: "module",
      map: "",
      config: { a: 1 },
      services: { kv: ["get", "set", "delete", "list", "increment", "compareAndSet"] },
      points: {},
      limits: { timers: 1000 },
      dev: false,
    };
    return new Promise((resolve) => {
      this.#loaded = resolve;
      const fault = this.#host.load({ name, form: "module", code, meta: JSON.stringify(meta) });
      if (fault !== null) resolve(JSON.stringify({ ok: false, failure: fault }));
    });
  }

  call(query = "", method = "GET", body?: Uint8Array): Promise<RealmAnswer> {
    const id = ++this.#next;
    const head = `${method}\nhttp://localhost/x${query}\n127.0.0.1\nid-${id}\n${JSON.stringify(["name", "x"])}\n${JSON.stringify({ "content-type": "application/json" })}`;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#host.dispatch(id, 0, body === undefined ? F.BODY_NONE : F.BODY_WHOLE, head, body);
    });
  }

  unhandled(error: unknown): void {
    this.#host.unhandled(error);
  }

  close(): void {
    this.#host.close();
  }

  #settle(id: number, answer: RealmAnswer): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }
}

function answerKv(method: string): { failed: boolean; json: string } {
  if (method === "list") return { failed: false, json: '{"keys":["a"],"__proto__":{"polluted":1}}' };
  if (method === "compareAndSet") return { failed: true, json: '{"code":"conflict","message":"changed"}' };
  return { failed: false, json: '{"a":[1,{"__proto__":2}]}' };
}
