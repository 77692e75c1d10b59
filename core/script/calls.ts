/** What invocations ask of the engine: service calls and outgoing requests. Everything here came from a hostile side. */
import * as F from "../isolate/frames.ts";
import type { Frame, FrameWriter } from "../isolate/wire.ts";
import { ProtocolError } from "../isolate/wire.ts";
import { ProblemError } from "../../sdk/errors.ts";
import { guardedFetch, NetworkError, type FetchPolicy, type OutboundRequest } from "../service/fetch.ts";
import type { Service } from "../service/service.ts";
import type { Flight } from "./flight.ts";
import type { Json } from "./types.ts";
import type { IsolateScript } from "./isolate.ts";

export interface CallDeps {
  readonly services: ReadonlyMap<string, Service>;
  readonly fetchPolicy: FetchPolicy;
  /** A service failed for a reason that is no fault of the script. */
  onServiceError(script: string, what: string, error: unknown, invocation: string): void;
}

interface Open {
  readonly flight: Flight;
  readonly abort: AbortController;
  /** The outgoing body, while it comes. */
  upload: ReadableStreamDefaultController<Uint8Array> | null;
  wantsUpload: (() => void) | null;
  /** Bytes of the answer that the script has not read. */
  ahead: number;
  resume: (() => void) | null;
}

const METHOD_NAME = /^[a-zA-Z][a-zA-Z0-9]{0,40}$/;

export class CallDesk {
  readonly #open = new Map<number, Open>();
  readonly #deps: CallDeps;
  readonly #writer: FrameWriter;

  /** Ends the isolate: what it sent is not the protocol. */
  readonly #broken: (detail: string) => void;

  constructor(deps: CallDeps, writer: FrameWriter, broken: (detail: string) => void) {
    this.#deps = deps;
    this.#writer = writer;
    this.#broken = broken;
  }

  refuse(id: number, code: string, message: string): void {
    this.#writer.write(F.CALL_RESULT, id, 1, JSON.stringify({ code, message }));
  }

  /** CALL or FETCH. */
  open(frame: Frame, flight: Flight, script: IsolateScript): void {
    const { id } = frame;
    if (this.#open.has(id)) throw new ProtocolError("a call id that is in use");
    if (flight.cancelled) return this.refuse(id, "invocation_ended", "The invocation is over.");
    if (flight.calls >= script.limits.pendingCalls) {
      return this.refuse(id, "overloaded", `${flight.calls} calls of this invocation are under way; limits.pendingCalls allows ${script.limits.pendingCalls}.`);
    }
    const isFetch = frame.type === F.FETCH;
    if (isFetch && flight.subrequests >= script.limits.subrequests) {
      return this.refuse(id, "subrequests_exceeded", `This invocation made ${flight.subrequests} requests; limits.subrequests allows ${script.limits.subrequests}.`);
    }
    const abort = new AbortController();
    const entry: Open = { flight, abort, upload: null, wantsUpload: null, ahead: 0, resume: null };
    this.#open.set(id, entry);
    flight.calls++;
    if (isFetch) flight.subrequests++;
    const work = isFetch ? this.#fetch(id, frame, entry, script) : this.#service(id, frame, entry, script);
    const close = (): void => {
      if (this.#open.delete(id)) flight.calls--;
    };
    work.then(close, (error: unknown) => {
      close();
      if (error instanceof ProtocolError || error instanceof SyntaxError) this.#broken(`the isolate broke the protocol: ${error.message}`);
      else {
        this.#deps.onServiceError(script.name, isFetch ? "fetch" : "a service call", error, flight.invocation.id);
        this.refuse(id, "internal", "The call failed; the engine's log has the reason.");
      }
    });
  }

  async #service(id: number, frame: Frame, entry: Open, script: IsolateScript): Promise<void> {
    const call: unknown = JSON.parse(frame.text);
    if (!Array.isArray(call) || typeof call[0] !== "string" || typeof call[1] !== "string" || !Array.isArray(call[2])) {
      throw new ProtocolError("a call that is none");
    }
    const [name, method, args] = call as [string, string, Json[]];
    const service = this.#deps.services.get(name);
    const run = service && METHOD_NAME.test(method) && Object.hasOwn(service.methods, method) ? service.methods[method] : undefined;
    if (!service || !run) return this.refuse(id, "bad_request", `There is no ${name.slice(0, 40)}.${method.slice(0, 40)}().`);
    if (service.mutates.includes(method)) entry.flight.mutated = true;
    const { id: invocation } = entry.flight.invocation;
    try {
      const value = await run({ invocation, script: script.name, user: null, signal: entry.abort.signal }, ...args);
      this.#writer.write(F.CALL_RESULT, id, 0, value === undefined ? "" : JSON.stringify(value));
    } catch (error) {
      if (error instanceof ProblemError) {
        if (error.code === "internal") this.#deps.onServiceError(script.name, `${name}.${method}`, error, invocation);
        return this.refuse(id, error.code, error.detail);
      }
      this.#deps.onServiceError(script.name, `${name}.${method}`, error, invocation);
      this.refuse(id, "internal", `${name}.${method}() failed; the engine's log has the reason.`);
    }
  }

  async #fetch(id: number, frame: Frame, entry: Open, script: IsolateScript): Promise<void> {
    const head: unknown = JSON.parse(frame.text);
    const request = readRequest(head, frame.body, () => this.#upload(id, entry));
    const { limits } = script;
    try {
      // Safe methods leave nothing behind that a second try would do twice.
      if (request.method !== "GET" && request.method !== "HEAD") entry.flight.mutated = true;
      const answer = await guardedFetch(request, {
        policy: this.#deps.fetchPolicy,
        hosts: script.hosts,
        signal: entry.abort.signal,
        maxResponseBytes: limits.responseBytes,
        timeoutMs: limits.wallMs,
      });
      const { status, statusText, url, redirected, headers } = answer;
      this.#writer.write(F.CALL_RESULT, id, 0, JSON.stringify({ status, statusText, url, redirected, headers, body: answer.body !== null }));
      if (answer.body) await this.#download(id, entry, answer.body);
    } catch (error) {
      this.#refuseFetch(id, error);
    }
  }

  #refuseFetch(id: number, error: unknown): void {
    if (error instanceof ProblemError && error.code !== "internal") return this.refuse(id, error.code, error.detail);
    if (error instanceof NetworkError) return this.refuse(id, "network", error.message);
    throw error;
  }

  async #download(id: number, entry: Open, body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.getReader();
    try {
      while (!entry.abort.signal.aborted) {
        const { done, value } = await reader.read();
        if (done) {
          this.#writer.write(F.CALL_END, id, 0, "");
          return;
        }
        this.#writer.write(F.CALL_CHUNK, id, 0, "", value);
        entry.ahead += value.length;
        if (entry.ahead < F.WINDOW_BYTES) continue;
        await new Promise<void>((resolve) => {
          entry.resume = resolve;
          entry.abort.signal.addEventListener("abort", () => resolve(), { once: true });
        });
        entry.resume = null;
      }
      await reader.cancel();
    } catch (error) {
      const message = error instanceof ProblemError ? error.detail : error instanceof Error ? error.message : "the answer broke off";
      this.#writer.write(F.CALL_END, id, 1, message);
    }
  }

  #upload(id: number, entry: Open): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      start(controller) {
        entry.upload = controller;
      },
      pull() {
        entry.wantsUpload?.();
      },
      cancel: () => {
        entry.upload = null;
        this.#writer.write(F.CALL_TAKEN, id, F.WINDOW_BYTES, "");
      },
    });
  }

  /** FETCH_CHUNK, FETCH_END, CALL_CREDIT, CALL_CANCEL. Late ones are normal: the call may have ended meanwhile. */
  more(frame: Frame): void {
    const entry = this.#open.get(frame.id);
    if (!entry) return;
    if (frame.type === F.CALL_CANCEL) entry.abort.abort(new ProblemError("invocation_ended", "The script gave the request up."));
    else if (frame.type === F.CALL_CREDIT) {
      entry.ahead -= frame.a;
      if (entry.ahead < F.WINDOW_BYTES) entry.resume?.();
    } else if (frame.type === F.FETCH_CHUNK) this.#uploadChunk(frame, entry);
    else this.#uploadEnd(frame, entry);
  }

  #uploadChunk(frame: Frame, entry: Open): void {
    const controller = entry.upload;
    if (!controller) return;
    const bytes = new Uint8Array(frame.body);
    controller.enqueue(bytes);
    const { id } = frame;
    const taken = (): void => {
      entry.wantsUpload = null;
      this.#writer.write(F.CALL_TAKEN, id, bytes.length, "");
    };
    if ((controller.desiredSize ?? 0) > 0) taken();
    else {
      const before = entry.wantsUpload;
      entry.wantsUpload = () => {
        before?.();
        taken();
      };
    }
  }

  #uploadEnd(frame: Frame, entry: Open): void {
    const controller = entry.upload;
    entry.upload = null;
    if (!controller) return;
    if (frame.a === 0) controller.close();
    else controller.error(new ProblemError("invocation_ended", "The script's request body broke off."));
  }

  /** The flight is over: nothing of it goes on. */
  endOf(flight: Flight): void {
    if (flight.calls === 0) return;
    for (const entry of this.#open.values()) {
      if (entry.flight === flight) entry.abort.abort(new ProblemError("invocation_ended", "The invocation ended."));
    }
  }

  close(): void {
    for (const entry of this.#open.values()) entry.abort.abort(new ProblemError("invocation_ended", "The isolate ended."));
  }
}

function readRequest(head: unknown, body: Uint8Array, upload: () => ReadableStream<Uint8Array>): OutboundRequest {
  const raw = (typeof head === "object" && head !== null ? head : {}) as { [key: string]: unknown };
  const { method, url, headers, redirect } = raw;
  if (typeof method !== "string" || typeof url !== "string" || !Array.isArray(headers) || !headers.every((item) => typeof item === "string")) {
    throw new ProtocolError("an outgoing request that is none");
  }
  return {
    method,
    url,
    headers: headers as string[],
    redirect: redirect === "error" || redirect === "manual" ? redirect : "follow",
    body: raw["body"] === 1 ? new Uint8Array(body) : raw["body"] === 2 ? upload() : null,
  };
}
