/** What a child writes to standard error: its end is kept for the report of a crash. */

/** What a crash report keeps. */
const KEPT_BYTES = 4096;
/** A child that writes more than this is flooding: its end is closed, and it writes to nobody. */
const READ_BYTES = 1 << 20;

export interface LastWords {
  /** Settles when the child has closed its end, as it does when it ends. */
  readonly complete: Promise<void>;
  text(): string;
  close(): void;
}

/** `fd` is our end of a socket pair, and from now on the reader's. */
export async function readLastWords(fd: number): Promise<LastWords> {
  const { promise: complete, resolve: end } = Promise.withResolvers<void>();
  let tail: Uint8Array = new Uint8Array(0);
  let total = 0;
  const socket = await Bun.connect({
    fd,
    socket: {
      data(from: { terminate(): void }, chunk: Buffer) {
        tail = Buffer.concat([tail, chunk]).subarray(-KEPT_BYTES);
        total += chunk.length;
        if (total > READ_BYTES) from.terminate();
      },
      close: () => end(),
      error: () => end(),
    },
  } as unknown as Bun.TCPSocketConnectOptions<undefined>);
  return {
    complete,
    text: () => new TextDecoder().decode(tail),
    close: () => socket.terminate(),
  };
}
