/** What the harness puts into a context: the web globals, and the engine's own functions under one name for the tests. */
import { type Ask, bindHost, type Emit } from "../../../../../core/isolate/realm/host.ts";
import { removeGlobals } from "../../../../../core/isolate/realm/lockdown.ts";
import { addLive } from "../../../../../core/isolate/realm/state.ts";
import { fireTimer, limitTimers } from "../../../../../core/isolate/realm/timers.ts";
import * as web from "../../../../../core/isolate/realm/web/index.ts";

const Bytes = Uint8Array;

(globalThis as unknown as { boot: unknown }).boot = (emit: Emit, ask: Ask, exposed: boolean) => {
  bindHost(emit, ask);
  removeGlobals(globalThis);
  web.installWebGlobals(globalThis);
  addLive(1);
  limitTimers(1000);
  if (exposed) (globalThis as unknown as { engine: unknown }).engine = { ...web };
  return { alloc: (length: number) => new Bytes(length), fireTimer };
};
