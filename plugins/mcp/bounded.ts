/** Streams of the protocol's library keep whatever a client does not take: here is what one may have waiting. */

/** What listens for changes is told little; who leaves this much lying does not read. */
const MAX_WAITING_BYTES = 262_144;
/** A server may keep the head of an answer until its body begins, and the client would not know that it is listened to. */
const FIRST = new TextEncoder().encode(": listening\n\n");

/** The same response; its body breaks off where the client reads too slowly. */
export function bounded(response: Response): Response {
  const source = response.body?.getReader();
  if (source === undefined) return response;
  let waiting: Uint8Array[] = [FIRST];
  let bytes = 0;
  let ended = false;
  let failure: unknown;
  let wake: (() => void) | null = null;
  const more = (): void => {
    wake?.();
    wake = null;
  };
  const end = (error?: unknown): void => {
    ended = true;
    failure = error;
    more();
  };
  const read = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await source.read();
      if (done) return end();
      bytes += value.length;
      if (bytes > MAX_WAITING_BYTES) throw new Error("the client reads too slowly");
      waiting.push(value);
      more();
    }
  };
  read().catch((error: unknown) => {
    waiting = [];
    end(error);
    void source.cancel(error).catch(() => {}); // broken already
  });
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (waiting.length === 0 && !ended) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        if (waiting.length > 0) controller.enqueue(Buffer.concat(waiting));
        else if (failure === undefined) controller.close();
        else controller.error(failure);
        waiting = [];
        bytes = 0;
      },
      cancel: (reason) => source.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { status: response.status, headers: response.headers });
}
