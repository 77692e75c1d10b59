/** Locks the host's own realm inside a child: should anything of it leak, it leads nowhere. */

/** Prototypes whose `constructor` compiles strings. */
const FUNCTION_PROTOTYPES: readonly object[] = [
  Function.prototype,
  Object.getPrototypeOf(async () => {}) as object,
  Object.getPrototypeOf(function* () {}) as object,
  Object.getPrototypeOf(async function* () {}) as object,
];

const INTRINSICS: readonly object[] = [
  Object,
  Array,
  Error,
  TypeError,
  RangeError,
  Promise,
  Map,
  Set,
  Uint8Array,
  ArrayBuffer,
  String,
  Number,
  RegExp,
  Symbol,
];

function powerless(): never {
  throw new TypeError("code cannot be made from strings here");
}

/** Call it before the first realm is opened; nothing of the child's own code may need `new Function` afterwards. */
export function lockHostRealm(): void {
  lockCodeMaking();
  for (const intrinsic of INTRINSICS) {
    Object.freeze(intrinsic);
    const { prototype } = intrinsic as { prototype?: object };
    if (prototype) Object.freeze(prototype);
  }
}

/** The part that a builder can bear: arktype gives its functions a `valueOf`, which frozen intrinsics forbid. */
export function lockCodeMaking(): void {
  for (const prototype of FUNCTION_PROTOTYPES) {
    Object.defineProperty(prototype, "constructor", { value: powerless, writable: false, configurable: false });
  }
  Object.defineProperty(Error, "prepareStackTrace", { value: undefined, writable: false, configurable: false });
}
