/** How much of streamed answers is on its way: a window for each, and one that many must share. */
import { expect, test } from "bun:test";
import { turn } from "../../pool/fake-vessel.ts";
import { Scripted } from "./scripted.ts";

const MIB = 1024 * 1024;
const PIECE = 65_536;
const CODE = `
const piece = new Uint8Array(${PIECE});
registerWebHandler("GET /values", async function* () { for (;;) yield piece; });
registerWebHandler("GET /whole", () => new Uint8Array(${4 * MIB}));
registerWebHandler("GET /body", () => new Response(new ReadableStream({ pull(controller) { controller.enqueue(piece.slice()); } })));
`;

/** Bytes on their way when nothing more comes. */
async function settled(scripted: Scripted): Promise<number> {
  const total = (): number => scripted.sent.values().reduce((sum, bytes) => sum + bytes, 0);
  for (let last = -1; last < total();) {
    last = total();
    for (let i = 0; i < 30; i++) await turn();
  }
  return total();
}

for (const [registration, what] of ["values", "a whole answer", "a body"].entries()) {
  test(`of ${what} that nobody reads a megabyte is sent, and of very many a share of sixteen`, async () => {
    const scripted = new Scripted();
    scripted.reading = false;
    await scripted.registered(CODE, { form: "classic" });
    const open = (count: number): void => {
      for (let i = 0; i < count; i++) void scripted.request(registration);
    };
    open(1);
    expect(await settled(scripted)).toBe(MIB);
    open(15);
    expect(await settled(scripted)).toBe(16 * MIB);
    open(112);
    await settled(scripted);
    const last = (): number => scripted.sent.get(128) ?? 0;
    expect(last()).toBeGreaterThanOrEqual(PIECE);
    expect(last()).toBeLessThanOrEqual((16 * MIB) / 128 + PIECE);
    // What is taken is sent again, and no more.
    const share = last();
    scripted.take(128, share);
    await settled(scripted);
    expect(last()).toBe(2 * share);
    // Those that leave give their share back.
    for (let id = 1; id < 128; id++) scripted.leave(id);
    scripted.take(128, share);
    await settled(scripted);
    expect(last()).toBe(2 * share + MIB);
    scripted.leave(128);
  });
}
