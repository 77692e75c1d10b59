/** What plugins see of a request. Made where a plugin looks; everything in it is made when it is asked for. */
import type { RouteEvent, RouteInfo, UpgradeOptions } from "../../sdk/plugin.ts";
import type { PluginRoute, ScriptRoute } from "./dispatch.ts";
import type { Exchange } from "./exchange.ts";
import { checkHandshake, wantsWebSocket } from "./handshake.ts";

export class PluginEvent implements RouteEvent {
  readonly request: Request;
  readonly #exchange: Exchange;
  readonly #target: ScriptRoute | PluginRoute | null;
  #url: URL | undefined;

  /** @param target null where nothing matched */
  constructor(exchange: Exchange, request: Request, target: ScriptRoute | PluginRoute | null) {
    this.#exchange = exchange;
    this.request = request;
    this.#target = target;
  }

  get id(): string {
    return this.#exchange.id;
  }
  get method(): string {
    return this.#exchange.method;
  }
  get path(): string {
    return this.#exchange.path;
  }
  get url(): URL {
    return (this.#url ??= new URL(this.#exchange.url));
  }
  get secure(): boolean {
    return this.#exchange.url.startsWith("https:");
  }
  get ip(): string {
    return this.#exchange.ip;
  }
  get clientRequestId(): string | undefined {
    return this.#exchange.clientRequestId;
  }
  get params(): Readonly<Record<string, string>> {
    return this.#exchange.params;
  }
  get signal(): AbortSignal {
    return this.#exchange.signal;
  }
  get state(): Map<string, unknown> {
    return this.#exchange.state;
  }
  get script(): string | undefined {
    return this.#target?.script;
  }
  get route(): RouteInfo | undefined {
    return this.#target === null ? undefined : routeInfo(this.#target);
  }
  get wantsWebSocket(): boolean {
    return wantsWebSocket(this.request.headers);
  }

  checkUpgrade({ allowOrigin }: Pick<UpgradeOptions, "allowOrigin">): void {
    checkHandshake(this.request, this.url.host, allowOrigin);
  }

  upgrade(options: UpgradeOptions): Response {
    this.checkUpgrade(options);
    this.#exchange.upgradeTo(options);
    return new Response(null, { status: 101 });
  }
}

export function routeInfo(target: ScriptRoute | PluginRoute): RouteInfo {
  if ("info" in target) return target.info;
  return scriptRouteInfo(target.registration, target.script);
}

export function scriptRouteInfo(
  { method, path, options, schemas }: Omit<ScriptRoute["registration"], "definitions">,
  script: string,
): RouteInfo {
  return { method, path, owner: script, ofPlugin: false, options, schemas };
}
