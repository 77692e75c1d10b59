/** A builder that lies: the engine believes nothing, ends it, and goes on. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, existsSync } from "node:fs";
import { join } from "node:path";
import { bench } from "./build-bench.ts";

// Each build starts a process; a machine under load takes its time.
setDefaultTimeout(30_000);

const main = join(import.meta.dir, "hostile-builder.ts");
const liars =
  "form reported list order method path missing handler schema deep many escape absolute neighbour nan warning null json order-of-parts twice no-code other-id type no-problem long short huge exit".split(
    " ",
  );

test("whatever a builder says, it becomes one problem that names the script", async () => {
  await using at = await bench(Object.fromEntries(liars.map((name) => [`${name}.ts`, ""])), { main });
  for (const name of liars) {
    const { problems } = (await at.builder.build(at.input(`${name}.ts`))) as { problems?: object[] };
    expect({ name, problems }).toMatchObject({
      name,
      problems: [
        { code: "script_failed", message: expect.stringContaining(`the script "${name}"`), hint: expect.any(String) },
      ],
    });
  }
  expect(existsSync(at.cacheDir) ? readdirSync(at.cacheDir) : []).toEqual([]);
});

test("a builder that says nothing is ended at the limit", async () => {
  await using at = await bench({ "silent.ts": "" }, { main, timeoutMs: 300 });
  expect(await at.problem("silent.ts")).toMatchObject({ code: "deadline_exceeded" });
});

test("what a builder says cannot steer a terminal", async () => {
  await using at = await bench({ "terminal.ts": "" }, { main });
  expect(await at.problem("terminal.ts")).toMatchObject({ message: "?[2Jgone", frame: "a\n?]0;x?" });
});

test("words after the answer end the builder, and the next build starts another", async () => {
  await using at = await bench({ "after.ts": "", "honest.ts": "" }, { main });
  await at.bundle("after.ts");
  await at.bundle("after.ts");
  await at.bundle("honest.ts");
});
