/** What the npm package offers, as a table. */

export interface Entry {
  /** Below `@aiwebengine/sdk`. */
  readonly path: string;
  /** The source that declares it, below `sdk/`. */
  readonly declaration: string;
  /** The source that implements it, where the declaration has no code of its own. */
  readonly source?: string;
}

/** `jsx-runtime` has no source here: the package carries the realm's own (core/isolate/realm/jsx.ts). */
export const ENTRIES: readonly Entry[] = [
  { path: ".", declaration: "script", source: "outside" },
  { path: "./jsx-runtime", declaration: "jsx-runtime" },
  { path: "./plugin", declaration: "plugin" },
  { path: "./client", declaration: "client" },
  { path: "./testing", declaration: "testing" },
];
