/** What a test host needs of the realm; it is put on the global where tests are loaded, and nowhere else. */
import type { TestRealm } from "../testing/seam.ts";
import { tapLog, tapUnhandled } from "./console.ts";
import { ScriptError } from "./errors.ts";
import { tapCalls } from "./services.ts";
import { current } from "./state.ts";

const defineProperty = Object.defineProperty;
const freeze = Object.freeze;
const symbolFor = Symbol.for;

export function installTestRealm(script: string, names: TestRealm["names"]): void {
  const realm: TestRealm = freeze({
    script,
    names,
    currentId: () => (current()?.context as { readonly id?: string } | null | undefined)?.id,
    problem: (code: string, message: string) => new ScriptError(code, message),
    tapLog,
    tapUnhandled,
    tapCalls,
  });
  defineProperty(globalThis, symbolFor("aiwebengine.testing.realm"), { value: realm });
}
