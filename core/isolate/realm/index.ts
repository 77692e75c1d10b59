/** Entry of what runs inside a realm: called once by the host with its two doors; gives back what the host may call. */
import { bodyChunk, bodyEnd, cancel, credit, dispatch } from "./dispatch.ts";
import { consoleGlobal, inspect, logUnhandled } from "./console.ts";
import { lockStackTraces } from "./errors.ts";
import { bindHost, type Ask, type Emit } from "./host.ts";
import { load } from "./load.ts";
import { removeGlobals } from "./lockdown.ts";
import { Bytes } from "./primordials.ts";
import { installSdk } from "./sdk.ts";
import { callChunk, callEnd, callResult, callTaken, realmFetch } from "./services.ts";
import { fireTimer, timerGlobals } from "./timers.ts";
import { installWebGlobals } from "./web/index.ts";

const defineProperty = Object.defineProperty;
const RealmError = Error;
const RealmTypeError = TypeError;

/** What the host calls; recorded before user code runs. None of them throws. */
export interface RealmDoors {
  readonly load: typeof load;
  readonly dispatch: typeof dispatch;
  readonly bodyChunk: typeof bodyChunk;
  readonly bodyEnd: typeof bodyEnd;
  readonly cancel: typeof cancel;
  readonly credit: typeof credit;
  readonly callResult: typeof callResult;
  readonly callChunk: typeof callChunk;
  readonly callEnd: typeof callEnd;
  readonly callTaken: typeof callTaken;
  readonly fireTimer: (id: number) => void;
  /** What no handler caught, passed on without being touched. */
  readonly unhandled: (error: unknown) => void;
  readonly alloc: (length: number) => Uint8Array;
  readonly refuseImport: () => never;
  /** Names that had to go and did not; empty in a sound realm. */
  readonly left: string;
}

/** A script's mischief (a patched intrinsic, an exhausted stack) must not come out as an exception. */
function safely<A extends unknown[]>(run: (...args: A) => void): (...args: A) => void {
  return (...args: A) => {
    try {
      // By index: a spread would run an iterator that a script may have replaced.
      (run as (...args: unknown[]) => void)(args[0], args[1], args[2], args[3], args[4]);
    } catch {
      // nowhere to report to: reporting is what failed; the invocation runs into its deadline
    }
  };
}

function unhandled(error: unknown): void {
  logUnhandled(error instanceof RealmError && typeof error.stack === "string" ? error.stack : inspect(error));
}

function install(global: object, values: { readonly [name: string]: unknown }): void {
  const names = Object.keys(values);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    defineProperty(global, name, { value: values[name], writable: true, configurable: true, enumerable: false });
  }
}

function boot(emit: Emit, ask: Ask): RealmDoors {
  bindHost(emit, ask);
  lockStackTraces();
  const left = removeGlobals(globalThis);
  installWebGlobals(globalThis);
  install(globalThis, timerGlobals);
  install(globalThis, {
    console: consoleGlobal,
    fetch: (input: unknown, init?: unknown) => realmFetch(input, init),
    self: globalThis,
  });
  installSdk(globalThis);
  return {
    load: safely(load),
    dispatch: safely(dispatch),
    bodyChunk: safely(bodyChunk),
    bodyEnd: safely(bodyEnd),
    cancel: safely(cancel),
    credit: safely(credit),
    callResult: safely(callResult),
    callChunk: safely(callChunk),
    callEnd: safely(callEnd),
    callTaken: safely(callTaken),
    fireTimer: safely((id: number) => fireTimer(id, unhandled)),
    unhandled: safely(unhandled),
    alloc: (length) => new Bytes(length),
    refuseImport() {
      throw new RealmTypeError("import() does not work in a script; import at the top of the file instead.");
    },
    left: left.join(", "),
  };
}

(globalThis as unknown as { __boot: unknown }).__boot = boot;
