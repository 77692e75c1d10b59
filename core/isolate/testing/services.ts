/** Calls of services in a test realm: stubs answer them before they leave it. */
import { requireStep } from "./realm.ts";

interface Stub {
  readonly service: string;
  readonly method: string;
  readonly answer: (args: readonly unknown[]) => Promise<unknown>;
}

const stubs: Stub[] = [];

export function addServiceStub(service: string, method: string, answer: Stub["answer"]): void {
  requireStep("stubService()");
  stubs.push({ service, method, answer });
}

/** What is answered takes away the stubs that came later. */
export function saveServiceStubs(): () => void {
  const count = stubs.length;
  return () => {
    stubs.length = Math.min(stubs.length, count);
  };
}

/** The answer of the stub that came last; undefined where there is none. */
export function stubbed(service: string, method: string, args: readonly unknown[]): Promise<unknown> | undefined {
  return stubs.findLast((one) => one.service === service && one.method === method)?.answer(args);
}
