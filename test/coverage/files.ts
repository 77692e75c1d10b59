/** Which files of core and sdk the coverage of the tests is measured over, and why the others are not. */
import { join } from "node:path";

export const ROOT = join(import.meta.dir, "../..");

/** A folder ends with a slash. Everything that is not here counts. */
export const NOT_MEASURED: Readonly<Record<string, string>> = {
  "core/isolate/realm/": "runs in the realm of a jailed child: held by the realm's tests, its fuzzer and the attacks",
  "core/isolate/jail/":
    "locks a child down, which no test's own process may be: held by the jail's tests and the attacks",
  "core/isolate/build/": "runs in the builder, a jailed child: held by the tests of builds",
  "core/isolate/testing/": "runs in the realm of a test: held by the tests of `aiwebengine test`",
  "core/isolate/builder.ts": "entry of the builder child",
  "core/isolate/child.ts": "entry of the isolate child",
  "core/isolate/host-lock.ts": "takes the globals of an isolate's process away",
  "core/isolate/realm-host.ts": "runs in the isolate child",
  "core/isolate/runtime.ts": "runs in the isolate child",
  "core/isolate/self-test.ts": "runs in the isolate child",
  "core/isolate/spawner-worker.ts": "entry of a thread",
  "core/isolate/thread.ts": "entry of a thread",
  "core/plugin/bundler.ts": "entry of the plugin builder child",
  "core/process/spawner-thread.ts": "runs in a thread",
  "core/cli/serve.ts": "holds the process's signals, faults and exit: the tests of the binary start and stop it",
  "core/main.ts": "entry of the binary",
  "core/script/typings/generate.ts": "part of the build: what it gathered is what the tests of typings read",
  "core/build.ts": "builds the binary; every run of the tests begins with it",
  "core/build/": "the same",
  "sdk/package/": "builds the npm package; its tests are the package's",
};

export function reasonFor(file: string): string | undefined {
  const found = Object.keys(NOT_MEASURED).find((one) => (one.endsWith("/") ? file.startsWith(one) : file === one));
  return found === undefined ? undefined : NOT_MEASURED[found];
}

/** Relative to the repository, sorted. */
export function measuredFiles(): readonly string[] {
  return [...new Bun.Glob("{core,sdk}/**/*.{ts,tsx}").scanSync({ cwd: ROOT })]
    .filter((file) => !file.endsWith(".d.ts") && reasonFor(file) === undefined)
    .sort();
}
