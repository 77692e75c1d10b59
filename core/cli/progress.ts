/** One line that says how far long work is: on a terminal only, after a second, and gone when the work is done. */
import type { Io } from "./command.ts";

const PATIENCE_MS = 1000;
const REFRESH_MS = 200;
/** Back to the line's beginning, and the line emptied. */
const CLEAR = "\r\x1b[2K";

/** `say` is asked again and again: `checking: 12 of 40 scripts`. */
export async function withProgress<T>(io: Io, say: () => string, work: () => Promise<T>): Promise<T> {
  if (!io.live) return work();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shown = false;
  const show = (): void => {
    shown = true;
    io.stderr(`${CLEAR}${io.errorPaint.dim(say())}`);
    timer = setTimeout(show, REFRESH_MS);
  };
  timer = setTimeout(show, PATIENCE_MS);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    if (shown) io.stderr(CLEAR);
  }
}
