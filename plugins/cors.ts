/** Cross-Origin Resource Sharing: pages of which other origins may read answers. https://fetch.spec.whatwg.org/#http-cors-protocol */
import { definePlugin } from "../sdk/plugin.ts";

export interface Cors {
  /** Whether pages of that origin may come with the user's cookies: it is listed by name, and `credentials` is on. */
  trusts(origin: string): boolean;
}

declare module "../sdk/plugin.ts" {
  interface Capabilities {
    cors: Cors;
  }
}

export default definePlugin({
  name: "cors",
  version: "1.1.0",
  before: ["rate-limit", "auth"], // a preflight carries no credentials and must not be counted
  config: {
    origins: [["string[]", "@", "Whose pages may read answers: `https://app.example`, or `*` for all."], "=", () => []],
    methods: [["string[]", "@", "What they may send."], "=", () => ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]],
    allowHeaders: [["string[]", "@", "Headers that they may send."], "=", () => ["authorization", "content-type"]],
    exposeHeaders: [["string[]", "@", "Headers that they may read."], "=", () => ["x-request-id"]],
    credentials: [["boolean", "@", "Whether they may send cookies."], "=", false],
    maxAgeSeconds: [["number.integer >= 0", "@", "How long a browser remembers a preflight."], "=", 600],
  },
  setup({ config: { origins, credentials, ...lists }, hook, provide }) {
    provide("cors", { trusts: (origin) => credentials && origins.includes(origin) });
    if (origins.length === 0) return;
    const any = origins.includes("*");
    const unsent = origins.find((one) => one !== "*" && !isOrigin(one));
    if (unsent !== undefined) throw new Error(`origins holds "${unsent}", which no browser sends; ${HOW_THEY_LOOK}`);
    if (credentials && [origins, lists.methods, lists.allowHeaders, lists.exposeHeaders].flat().includes("*"))
      throw new Error('a browser takes no "*" together with credentials; name each origin, method and header');
    const onPreflight = new Headers({
      "access-control-allow-methods": lists.methods.join(", "),
      "access-control-allow-headers": lists.allowHeaders.join(", "),
      "access-control-max-age": String(lists.maxAgeSeconds),
    });
    const onAnswer = new Headers({ "access-control-expose-headers": lists.exposeHeaders.join(", ") });
    const grant = (answer: Response, origin: string | null, more: Headers): Response => {
      const { headers } = answer;
      if (!any) headers.append("vary", "Origin");
      if (!any && (origin === null || !origins.includes(origin))) return answer;
      // A script that says by itself who may read its answer has the last word.
      if (headers.has("access-control-allow-origin")) return answer;
      headers.set("access-control-allow-origin", any ? "*" : (origin ?? ""));
      if (credentials) headers.set("access-control-allow-credentials", "true");
      for (const [name, value] of more) headers.set(name, value);
      return answer;
    };
    hook("request", ({ method, request: { headers } }, next) => {
      const origin = headers.get("origin");
      if (method === "OPTIONS" && origin !== null && headers.has("access-control-request-method"))
        return grant(new Response(null, { status: 204 }), origin, onPreflight);
      const answer = next();
      if (answer instanceof Response) return grant(answer, origin, onAnswer);
      return answer.then((given) => grant(given, origin, onAnswer));
    });
  },
});

const HOW_THEY_LOOK = 'write scheme, host and, where it is not the scheme\'s own, port: "https://app.example"';

/** `null` is what every sandboxed frame and local file sends: it names nobody. */
function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && !text.includes("*") && `${url.protocol}//${url.host}` === text;
}
