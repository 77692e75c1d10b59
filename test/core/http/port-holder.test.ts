/** The message "port taken" names who holds the port, where the system tells. */
import { expect, test } from "bun:test";
import { portHolder } from "../../../core/http/port-holder.ts";

test.skipIf(process.platform !== "linux")("the process that listens is found, with its id", () => {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  expect(portHolder(server.port)).toContain(`pid ${process.pid}`);
  server.stop(true);
});

test("a port that nobody holds has no name", () => {
  expect(portHolder(1)).toBeNull();
});
