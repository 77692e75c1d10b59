/** An isolate made of a test: it sends whatever it is told to, and remembers what it was sent. */
import * as F from "../../../core/isolate/frames.ts";
import { RingReader, RingWriter } from "../../../core/isolate/ring.ts";
import { FrameReader, FrameWriter } from "../../../core/isolate/wire.ts";
import type { SharedBodies } from "../../../core/isolate/jail/page.ts";
import type { Vessel, VesselEvents } from "../../../core/pool/vessel.ts";

export interface SentFrame {
  readonly type: number;
  readonly id: number;
  readonly a: number;
  readonly text: string;
  readonly body: Buffer;
}

export class FakeVessel implements Vessel {
  readonly kind = "process";
  readonly pid: number | null = null;
  readonly words = new Int32Array(16);
  readonly bodies: SharedBodies | null;
  /** Frames that the engine sent, in order. */
  readonly sent: SentFrame[] = [];
  kills = 0;
  /** Says that it is ready as soon as somebody listens. */
  willing = false;
  /** How many bytes a write takes; 0 is an isolate that does not read. */
  takes = Infinity;
  #events: VesselEvents | null = null;
  readonly #out: FrameWriter;
  readonly #reader: FrameReader;

  /** Without `bodies` all goes over its socket. */
  constructor(bodies: SharedBodies | null = null) {
    this.bodies = bodies;
    const send = (bytes: Buffer): number => {
      this.raw(bytes);
      return bytes.length;
    };
    this.#out = new FrameWriter(send, undefined, bodies && new RingWriter(bodies.fromIsolate));
    this.#reader = new FrameReader(256 * 1024 * 1024, undefined, bodies && new RingReader(bodies.toIsolate));
  }

  receive(events: VesselEvents): void {
    this.#events = events;
    if (this.willing) queueMicrotask(() => this.ready());
  }

  send(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.takes);
    this.#reader.push(Buffer.from(bytes.subarray(0, taken)), ({ type, id, a, text, body }) => {
      this.sent.push({ type, id, a, text, body: Buffer.from(body) });
    });
    return taken;
  }

  kill(): void {
    this.kills++;
  }

  /** It reads again. */
  read(): void {
    this.takes = Infinity;
    this.#events?.drain();
  }

  /** Its process ends. */
  end(why = "the isolate's process ended (SIGKILL)"): void {
    this.#events?.gone(why);
  }

  raw(bytes: Uint8Array): void {
    this.#events?.data(Buffer.from(bytes));
  }

  /** Sends one frame to the engine. */
  emit(type: number, id = 0, a = 0, text = "", body?: string | Uint8Array): void {
    this.#out.write(type, id, a, text, body);
    this.#out.flush();
  }

  ready(): void {
    this.emit(F.READY, 0, 0, "{}");
  }

  loaded(): void {
    this.emit(F.LOADED, 0, 0, JSON.stringify({ ok: true, registrations: "[]" }));
  }

  of(type: number): readonly SentFrame[] {
    return this.sent.filter((frame) => frame.type === type);
  }
}

/** One turn of the event loop: what was written is sent then. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
