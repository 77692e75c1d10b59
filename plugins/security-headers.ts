/** Headers that make browsers careful. A header that an answer has already is never changed. https://owasp.org/www-project-secure-headers/ */
import { definePlugin } from "../sdk/plugin.ts";

const CSP = "frame-ancestors 'self'; base-uri 'self'; object-src 'none'";

export default definePlugin({
  name: "security-headers",
  version: "1.0.0",
  before: ["*"], // what any other plugin answers is marked as well
  config: {
    contentTypeOptions: [["string", "@", "`x-content-type-options`, on every answer."], "=", "nosniff"],
    contentSecurityPolicy: [["string", "@", "`content-security-policy`, on HTML."], "=", CSP],
    frameOptions: [["string", "@", "`x-frame-options`, on HTML."], "=", "SAMEORIGIN"],
    referrerPolicy: [["string", "@", "`referrer-policy`, on HTML."], "=", "strict-origin-when-cross-origin"],
    openerPolicy: [["string", "@", "`cross-origin-opener-policy`, on HTML."], "=", "same-origin-allow-popups"],
    transportSecurity: [["string", "@", "`strict-transport-security`, over TLS."], "=", "max-age=31536000"],
  },
  setup({ config, hook }) {
    const onAll = given([["x-content-type-options", config.contentTypeOptions]]);
    const onTls = given([["strict-transport-security", config.transportSecurity]]);
    const onHtml = given([
      ["content-security-policy", config.contentSecurityPolicy],
      ["x-frame-options", config.frameOptions],
      ["referrer-policy", config.referrerPolicy],
      ["cross-origin-opener-policy", config.openerPolicy],
    ]);
    hook("request", (event, next) => {
      const mark = (answer: Response): Response => {
        const { headers } = answer;
        add(onAll, headers);
        if (HTML.test(headers.get("content-type") ?? "")) add(onHtml, headers);
        if (event.secure && !LOCAL.test(event.url.hostname)) add(onTls, headers);
        return answer;
      };
      const answer = next();
      return answer instanceof Response ? mark(answer) : answer.then(mark);
    });
  },
});

const HTML = /^(?:text\/html|application\/xhtml\+xml)/i;
/** A browser would refuse every other program on the developer's machine that speaks plain HTTP. */
const LOCAL = /^(?:.+\.)?localhost$/;

type Entries = readonly (readonly [name: string, value: string])[];

/** @throws TypeError for a value that no header may have. */
function given(entries: Entries): Entries {
  return [
    ...new Headers(entries.filter(([, value]) => value !== "").map(([name, value]): [string, string] => [name, value])),
  ];
}

function add(entries: Entries, headers: Headers): void {
  for (const [name, value] of entries) if (!headers.has(name)) headers.set(name, value);
}
