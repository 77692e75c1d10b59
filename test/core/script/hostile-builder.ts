/** A builder that lies. How is chosen by the name of the script that it is asked to build. */
import * as M from "../../../core/isolate/build/messages.ts";
import { FrameReader, FrameWriter } from "../../../core/isolate/wire.ts";

const registration = {
  id: 0,
  fn: "registerWebHandler",
  method: "GET",
  path: "/x",
  options: {},
  definitions: {},
  schemas: {},
};
const built = { form: "module", reported: "[]", registrations: [registration], inputs: [], warnings: [] };
const problem = { code: "script_failed", message: "m" };

let deep: unknown = 1;
for (let i = 0; i < 200; i++) deep = [deep];

/** Answers BUILT with these fields changed. */
const lies: { readonly [name: string]: unknown } = {
  form: { ...built, form: "native" },
  reported: { ...built, reported: 5 },
  list: { ...built, registrations: { length: 1 } },
  order: { ...built, registrations: [{ ...registration, id: 7 }] },
  method: { ...built, registrations: [{ ...registration, method: "GET\r\n" }] },
  path: { ...built, registrations: [{ ...registration, path: "x" }] },
  missing: { ...built, registrations: [{ id: 0 }] },
  handler: { ...built, registrations: [{ ...registration, handler: {} }] },
  schema: { ...built, registrations: [{ ...registration, schemas: { body: "x" } }] },
  deep: { ...built, registrations: [{ ...registration, options: { deep } }] },
  many: { ...built, registrations: Array.from({ length: 10_001 }, (_, id) => ({ ...registration, id })) },
  escape: { ...built, inputs: [{ path: "../../etc/passwd", size: 1, mtimeMs: 1, hash: "" }] },
  absolute: { ...built, inputs: [{ path: "/etc/passwd", size: 1, mtimeMs: 1, hash: "" }] },
  neighbour: { ...built, inputs: [{ path: "other.ts", size: 1, mtimeMs: 1, hash: "" }] },
  nan: { ...built, inputs: [{ path: "nan.ts", size: null, mtimeMs: 1, hash: "" }] },
  warning: { ...built, warnings: [{ code: "no_such_code", message: "m" }] },
  null: null,
};

const reader = new FrameReader(64 * 1024 * 1024);
const socket = await Bun.connect({
  fd: 0,
  socket: {
    data(_socket: unknown, bytes: Buffer) {
      reader.push(bytes, ({ id, text }) => misbehave(id, (JSON.parse(text) as M.BuildRequest).scope.name));
    },
    drain() {
      writer.drain();
    },
    close() {
      process.exit(0);
    },
  },
} as unknown as Bun.TCPSocketConnectOptions<undefined>);
const writer = new FrameWriter((bytes) => socket.write(bytes));

function misbehave(id: number, name: string): void {
  const code = (): void => writer.write(M.CODE, id, 0, "", "code");
  const map = (): void => writer.write(M.MAP, id, 0, "", "");
  if (Object.hasOwn(lies, name)) {
    code();
    map();
    return writer.write(M.BUILT, id, 0, JSON.stringify(lies[name]));
  }
  switch (name) {
    case "honest":
      code();
      map();
      return writer.write(M.BUILT, id, 0, JSON.stringify(built));
    case "json":
      code();
      map();
      return writer.write(M.BUILT, id, 0, "{");
    case "order-of-parts":
      return map();
    case "twice":
      code();
      return code();
    case "no-code":
      return writer.write(M.BUILT, id, 0, JSON.stringify(built));
    case "other-id":
      return writer.write(M.CODE, id + 1, 0, "", "code");
    case "type":
      return writer.write(99, id, 0, "");
    case "no-problem":
      return writer.write(M.FAILED, id, 0, JSON.stringify({ problems: [] }));
    case "terminal":
      return writer.write(
        M.FAILED,
        id,
        0,
        JSON.stringify({ problems: [{ ...problem, message: "\u001b[2Jgone", frame: "a\n\u001b]0;x\u0007" }] }),
      );
    case "long":
      return void socket.write(new Uint8Array([0xff, 0xff, 0xff, 0xff]));
    case "short":
      return void socket.write(new Uint8Array([1, 0, 0, 0, 0]));
    case "huge":
      writer.write(M.FAILED, id, 0, JSON.stringify({ problems: [{ ...problem, message: "x".repeat(5_000_000) }] }));
      return;
    case "exit":
      return process.exit(3);
    case "after":
      code();
      map();
      writer.write(M.BUILT, id, 0, JSON.stringify(built));
      return writer.write(M.CODE, id, 0, "", "more");
    default:
      return; // says nothing at all
  }
}

writer.write(M.STAGE, 0, M.STAGE_READY, "");
