/** The parts of a call as they come at run time, where no type is left. */
export interface CallParts {
  readonly params?: { readonly [name: string]: unknown } | undefined;
  readonly query?: { readonly [name: string]: unknown } | undefined;
  readonly headers?: { readonly [name: string]: unknown } | undefined;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}
