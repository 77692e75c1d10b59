/** docs/cli.md is what the table of commands says now. */
import { expect, test } from "bun:test";
import { CLI_PAGE, withCommands } from "./cli-page.ts";

test("the page of the command line is current (else: bun test/docs/generate.ts)", async () => {
  const page = await Bun.file(CLI_PAGE).text();
  expect(page).toBe(withCommands(page));
});
