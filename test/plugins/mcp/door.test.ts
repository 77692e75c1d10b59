/** Who may reach the server: pages of other origins and names that were bound to this machine may not. */
import { describe, expect, test } from "bun:test";
import { refusal } from "../../../plugins/mcp/door.ts";

const OPEN = { allowedHosts: ["Inn.example"], allowedOrigins: ["https://app.example"] };

function ask(host: string | undefined, origin?: string): string | null {
  const headers = new Headers();
  if (host !== undefined) headers.set("host", host);
  if (origin !== undefined) headers.set("origin", origin);
  return refusal(headers, OPEN);
}

describe("let in", () => {
  test.each([
    "localhost",
    "localhost:8080",
    "127.0.0.1:1",
    "[::1]:8080",
    "10.1.2.3",
    "inn.example",
    "inn.example:443",
    "INN.example",
  ])("the host %s", (host) => expect(ask(host)).toBeNull());
  test.each([
    "http://localhost:3000",
    "http://127.0.0.1",
    "http://[::1]:9",
    "https://app.example",
    "https://inn.example",
  ])("the origin %s", (origin) => expect(ask("inn.example", origin)).toBeNull());
});

describe("turned away", () => {
  test.each([undefined, "", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "@", "a b"])(
    "the host %s",
    (host) => expect(ask(host)).toContain("allowedHosts"),
  );
  test.each(["null", "https://evil.example", "http://localhost.evil.example", "http://app.example", "file://", "x"])(
    "the origin %s",
    (origin) => expect(ask("inn.example", origin)).toContain("allowedOrigins"),
  );
});
