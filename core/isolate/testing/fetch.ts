/** Outgoing requests in a test realm: stubs answer them, and nothing leaves the machine. */
import { realm, requireStep } from "./realm.ts";

interface Stub {
  readonly matches: (request: Request) => boolean;
  readonly answer: (request: Request) => Promise<Response>;
}

const stubs: Stub[] = [];

export function addFetchStub(matches: Stub["matches"], answer: Stub["answer"]): void {
  requireStep("stubFetch()");
  stubs.push({ matches, answer });
}

/** What is answered takes away the stubs that came later. */
export function saveStubs(): () => void {
  const count = stubs.length;
  return () => {
    stubs.length = Math.min(stubs.length, count);
  };
}

/** In place of the realm's own `fetch`, before the script runs. */
export function installFetch(): void {
  const value = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    requireStep("fetch()");
    const request = new Request(input, init);
    const stub = stubs.findLast(({ matches }) => matches(request));
    if (stub) return stub.answer(request);
    const { origin, pathname } = new URL(request.url);
    const asked = `${request.method} ${origin}${pathname}`;
    throw realm.problem(
      "fetch_blocked",
      `In tests nothing is fetched: answer ${asked} with stubFetch("${origin}${pathname}", …).`,
    );
  };
  Object.defineProperty(globalThis, "fetch", { value, writable: true, configurable: true, enumerable: false });
}
