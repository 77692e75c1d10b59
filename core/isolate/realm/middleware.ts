/** `registerMiddleware`: what a script runs around its own web handlers. */
import { toResponse } from "./answer-response.ts";
import type { Context } from "./context.ts";
import type { Handler } from "./register.ts";

/**
 * The first registered is the outermost. `next()` gives the answer of what is inside as a Response whose headers can
 * be changed, or rejects with what was thrown there. A middleware that gives back nothing passes that Response on.
 */
export function around(
  list: readonly Handler[],
  context: Context,
  innermost: () => Promise<unknown>,
): Promise<unknown> {
  const step = async (index: number): Promise<unknown> => {
    const handler = list[index];
    if (!handler) return innermost();
    let called = false;
    let inner: Response | undefined;
    const next = async (): Promise<Response> => {
      if (called) throw new TypeError("A middleware calls next() once.");
      called = true;
      inner = toResponse(await step(index + 1), context);
      return inner;
    };
    const value: unknown = await handler(context, next);
    return value === undefined ? inner : value;
  };
  return step(0);
}
