/** What plugins give back, at once or later, and what undoes it. */

export type Awaitable<T> = T | PromiseLike<T>;

/** What ends a contribution when its plugin goes. */
export type Dispose = () => Awaitable<void>;
