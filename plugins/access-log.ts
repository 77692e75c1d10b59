/** One line in the log for each request. */
import { definePlugin, type RequestEvent } from "../sdk/plugin.ts";

export default definePlugin({
  name: "access-log",
  version: "1.0.0",
  requires: ["request-log"],
  before: ["*"], // what others answer, refuse or break is a request, too
  config: {
    skip: [
      [
        "string[]",
        "@",
        "Paths without a line: `/health/live`, or all below one: `/assets/*`. Failures (5xx) have one.",
      ],
      "=",
      () => [],
    ],
    minStatus: [
      ["100 <= number.integer <= 599", "@", "Answers below have no line: 400 leaves failures only."],
      "=",
      100,
    ],
  },
  setup({ config: { skip, minStatus }, hook, use }) {
    const log = use("request-log");
    const exact = new Set(skip.filter((path) => !path.endsWith("*")));
    const below = skip.filter((path) => path.endsWith("*")).map((path) => path.slice(0, -1));
    const told =
      skip.length === 0 ? null : (path: string) => !exact.has(path) && !below.some((p) => path.startsWith(p));

    function tell(event: RequestEvent, answer: Response, since: number): Response {
      const { status } = answer;
      const { id, method, path, ip, script, route, clientRequestId } = event;
      if (status < minStatus || (told !== null && status < 500 && !told(path))) return answer;
      const ms = performance.now() - since;
      log.write({ id, method, path, status, ms, ip, script, route: route?.path, clientRequestId });
      return answer;
    }

    hook("request", (event, next) => {
      const since = performance.now();
      const answer = next();
      // An answer that is there at once shall not wait for a turn of promises.
      if (answer instanceof Response) return tell(event, answer, since);
      return answer.then((given) => tell(event, given, since));
    });
  },
});
