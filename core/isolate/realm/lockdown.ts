/** What a realm must not have (docs/sandbox.md, I8): removed before user code runs. */
const REMOVED = [
  "ShadowRealm",
  "WebAssembly",
  "SharedArrayBuffer",
  "Atomics",
  "FinalizationRegistry",
  "WeakRef",
  "console",
  "eval",
] as const;

const deleteProperty = Reflect.deleteProperty;

/** @returns the names that could not be removed; the self-test refuses to serve when there are any. */
export function removeGlobals(global: object): string[] {
  const left: string[] = [];
  for (let i = 0; i < REMOVED.length; i++) {
    const name = REMOVED[i] as string;
    if (!deleteProperty(global, name) || name in global) left[left.length] = name;
  }
  return left;
}
