/** DOMException. https://webidl.spec.whatwg.org/#idl-DOMException */
import { ErrorCtor } from "../primordials.ts";
import { constants, named, once } from "./define.ts";
import { toText } from "./convert.ts";

/** The names with a legacy code, at the index of their code. */
const CODES = [
  "",
  "IndexSizeError",
  "",
  "HierarchyRequestError",
  "WrongDocumentError",
  "InvalidCharacterError",
  "",
  "NoModificationAllowedError",
  "NotFoundError",
  "NotSupportedError",
  "InUseAttributeError",
  "InvalidStateError",
  "SyntaxError",
  "InvalidModificationError",
  "NamespaceError",
  "InvalidAccessError",
  "",
  "TypeMismatchError",
  "SecurityError",
  "NetworkError",
  "AbortError",
  "URLMismatchError",
  "QuotaExceededError",
  "TimeoutError",
  "InvalidNodeTypeError",
  "DataCloneError",
] as const;

const CONSTANTS: readonly (readonly [string, number])[] = [
  ["INDEX_SIZE_ERR", 1],
  ["DOMSTRING_SIZE_ERR", 2],
  ["HIERARCHY_REQUEST_ERR", 3],
  ["WRONG_DOCUMENT_ERR", 4],
  ["INVALID_CHARACTER_ERR", 5],
  ["NO_DATA_ALLOWED_ERR", 6],
  ["NO_MODIFICATION_ALLOWED_ERR", 7],
  ["NOT_FOUND_ERR", 8],
  ["NOT_SUPPORTED_ERR", 9],
  ["INUSE_ATTRIBUTE_ERR", 10],
  ["INVALID_STATE_ERR", 11],
  ["SYNTAX_ERR", 12],
  ["INVALID_MODIFICATION_ERR", 13],
  ["NAMESPACE_ERR", 14],
  ["INVALID_ACCESS_ERR", 15],
  ["VALIDATION_ERR", 16],
  ["TYPE_MISMATCH_ERR", 17],
  ["SECURITY_ERR", 18],
  ["NETWORK_ERR", 19],
  ["ABORT_ERR", 20],
  ["URL_MISMATCH_ERR", 21],
  ["QUOTA_EXCEEDED_ERR", 22],
  ["TIMEOUT_ERR", 23],
  ["INVALID_NODE_TYPE_ERR", 24],
  ["DATA_CLONE_ERR", 25],
];

let branded: ((value: object) => boolean) | undefined;

export const domException = once(() => {
  class DOMException extends ErrorCtor {
    readonly #name: string;
    constructor(message: unknown = "", options: unknown = "Error") {
      super(toText(message));
      if (typeof options === "object" && options !== null) {
        // The dictionary form is a cause beside the name, as Node and Deno take it.
        const { name, cause } = options as { name?: unknown; cause?: unknown };
        this.#name = name === undefined ? "Error" : toText(name);
        if ("cause" in options) this.cause = cause;
      } else this.#name = toText(options);
    }
    override get name(): string {
      return this.#name;
    }
    get code(): number {
      for (let code = 1; code < CODES.length; code++) if (CODES[code] === this.#name) return code;
      return 0;
    }
    static {
      branded = (value) => #name in value;
    }
  }
  constants(DOMException, CONSTANTS);
  return named(DOMException, "DOMException");
});

export function makeDomException(message: string, name: string): DOMException {
  return new (domException())(message, name) as unknown as DOMException;
}

export function isDomException(value: object): value is DOMException {
  return branded !== undefined && branded(value);
}
