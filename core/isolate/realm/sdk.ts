/** `@aiwebengine/sdk` inside a realm: the exports, the classic globals, and the services as they are at hand. */
import type { Offer } from "../../script/types.ts";
import { log } from "./console.ts";
import { HttpError } from "./errors.ts";
import { Fragment, jsx, jsxs, raw } from "./jsx.ts";
import { Context } from "./context.ts";
import { jsonStringify, keysOf } from "./primordials.ts";
import { makePointFunctions } from "./points.ts";
import { registerMiddleware, registerWebHandler } from "./register.ts";
import { scriptConfig, scriptLimits } from "./script.ts";
import { SDK_NAMES } from "./sdk-names.ts";
import { makeService } from "./services.ts";
import { requireInvocation } from "./state.ts";
import { defineTemplates, render, template } from "./templates.ts";
import { hold } from "./wait-until.ts";
import { newResponse } from "./web/index.ts";

const defineProperty = Object.defineProperty;
const freeze = Object.freeze;

interface Init {
  readonly status?: number;
  readonly headers?: HeadersInit;
}

function typed(body: string, type: string, init: Init | undefined): Response {
  return newResponse(body, init, type);
}

const sdk: Record<string, unknown> = {
  registerWebHandler,
  register: registerWebHandler,
  registerMiddleware,
  HttpError,
  json: (value: unknown, init?: Init) => typed(jsonStringify(value) ?? "null", "application/json", init),
  text: (body: unknown, init?: Init) => typed(`${body as string}`, "text/plain;charset=utf-8", init),
  html: (body: unknown, init?: Init) => typed(`${body as string}`, "text/html;charset=utf-8", init),
  redirect(url: unknown, status = 302): Response {
    if (status !== 301 && status !== 302 && status !== 303 && status !== 307 && status !== 308) {
      throw new RangeError("redirect(url, status): status must be 301, 302, 303, 307 or 308.");
    }
    return newResponse(null, { status, headers: { location: `${url as string}` } });
  },
  log,
  render,
  template,
  defineTemplates,
  waitUntil: (promise: unknown) => hold(requireInvocation("waitUntil()"), promise),
  jsx,
  jsxs,
  Fragment,
  raw,
};
defineProperty(sdk, "config", { get: scriptConfig, enumerable: true });
defineProperty(sdk, "limits", { get: scriptLimits, enumerable: true });

/** Makes the SDK reachable: for modules under a symbol, for classic scripts on the global. */
export function installSdk(global: object): void {
  defineProperty(global, Symbol.for("aiwebengine.sdk"), {
    value: sdk,
    writable: false,
    configurable: false,
    enumerable: false,
  });
  for (let i = 0; i < SDK_NAMES.length; i++) {
    const name = SDK_NAMES[i] as string;
    defineProperty(global, name, {
      get: () => sdk[name],
      set(value: unknown) {
        redefine(global, name, value);
      },
      configurable: true,
      enumerable: false,
    });
  }
}

function redefine(global: object, name: string, value: unknown): void {
  defineProperty(global, name, { value, writable: true, configurable: true, enumerable: true });
}

/** Gives scripts what the engine's plugins offer: in the SDK and as classic globals; services in the context, too. */
export function installPlugins({ services, points, objects }: Offer): void {
  const functions = makePointFunctions(points);
  const fns = keysOf(functions);
  for (let i = 0; i < fns.length; i++) {
    const fn = fns[i] as string;
    sdk[fn] = functions[fn];
    redefine(globalThis, fn, functions[fn]);
  }
  const names = keysOf(services);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const service = makeService(name, services[name] as readonly string[], objects?.[name]);
    sdk[name] = service;
    defineProperty(Context.prototype, name, { get: () => service, configurable: false });
    redefine(globalThis, name, service);
  }
  freeze(sdk);
}
