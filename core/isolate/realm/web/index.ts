/** The web-standard globals of a realm, and the functions by which the engine makes and opens their objects. */
import { onSettled, resolved } from "../primordials.ts";
import { abortParts } from "./abort.ts";
import { base64 } from "./base64.ts";
import { blobParts } from "./blob.ts";
import { toFunction } from "./convert.ts";
import { cryptoParts } from "./crypto.ts";
import { lazyGlobal } from "./define.ts";
import { domException } from "./dom-exception.ts";
import { encodingParts } from "./encoding.ts";
import { encodingStreamParts } from "./encoding-streams.ts";
import { events } from "./event.ts";
import { formDataParts } from "./form-data.ts";
import { headersParts, wrapHeaders } from "./headers.ts";
import { performanceParts } from "./performance.ts";
import { requestParts } from "./request.ts";
import { responseParts } from "./response.ts";
import { STREAM_GLOBALS, streamGlobal } from "./streams.ts";
import { cloning } from "./structured-clone.ts";
import { searchParamsParts } from "./url-search-params.ts";
import { urlParts } from "./url.ts";

export { makeAbort } from "./abort.ts";
export { makeDomException } from "./dom-exception.ts";
export { utf8Decode, utf8DecodeStrict, utf8Encode } from "./encoding.ts";
export { parseForm } from "./multipart.ts";
export { makeFetchArgs, makeRequest, openRequest, type OpenRequest, type WireRequest } from "./request.ts";
export {
  type FetchedResponse,
  isResponse,
  makeResponse,
  newResponse,
  openResponse,
  type OpenResponse,
  reopenResponse,
} from "./response.ts";
export { type BytePipe, type ByteSource, isStream, makeByteStream, type PumpEnd, pumpStream } from "./streams.ts";

const tasks = {
  queueMicrotask(callback: unknown): void {
    const run = toFunction(callback, "queueMicrotask") as () => void;
    // What it throws is nobody's result: it is reported where unhandled rejections are.
    onSettled(resolved(undefined), () => void run(), undefined);
  },
};

/** Each global with what makes it. Nothing of this runs before a script names the global. */
const GLOBALS: readonly (readonly [string, () => unknown])[] = [
  ["AbortController", () => abortParts().AbortController],
  ["AbortSignal", () => abortParts().AbortSignal],
  ["Blob", () => blobParts().Blob],
  ["Crypto", () => cryptoParts().Crypto],
  ["CustomEvent", () => events().CustomEvent],
  ["DOMException", domException],
  ["Event", () => events().Event],
  ["EventTarget", () => events().EventTarget],
  ["File", () => blobParts().File],
  ["FormData", formDataParts],
  ["Headers", headersParts],
  ["Performance", () => performanceParts().Performance],
  ["Request", requestParts],
  ["Response", responseParts],
  ["SubtleCrypto", () => cryptoParts().SubtleCrypto],
  ["TextDecoder", () => encodingParts().TextDecoder],
  ["TextDecoderStream", () => encodingStreamParts().TextDecoderStream],
  ["TextEncoder", () => encodingParts().TextEncoder],
  ["TextEncoderStream", () => encodingStreamParts().TextEncoderStream],
  ["URL", urlParts],
  ["URLSearchParams", () => searchParamsParts().URLSearchParams],
  ["atob", () => base64.atob],
  ["btoa", () => base64.btoa],
  ["crypto", () => cryptoParts().crypto],
  ["performance", () => performanceParts().performance],
  ["queueMicrotask", () => tasks.queueMicrotask],
  ["structuredClone", () => cloning.structuredClone],
];

/** Puts the globals on a realm's global object; cheap, since each comes into being when it is first read. */
export function installWebGlobals(global: object): void {
  for (let i = 0; i < GLOBALS.length; i++) {
    const row = GLOBALS[i] as (typeof GLOBALS)[number];
    lazyGlobal(global, row[0], row[1]);
  }
  for (let i = 0; i < STREAM_GLOBALS.length; i++) {
    const name = STREAM_GLOBALS[i] as (typeof STREAM_GLOBALS)[number];
    lazyGlobal(global, name, () => streamGlobal(name));
  }
}

/** A URL object; the text must be an absolute URL. */
export function makeUrl(href: string): URL {
  return new (urlParts())(href) as unknown as URL;
}

/** Headers over `name, value, name, value, …`: names in lower case, all valid. */
export function makeHeaders(list: readonly string[]): Headers {
  return wrapHeaders(list as string[]);
}
