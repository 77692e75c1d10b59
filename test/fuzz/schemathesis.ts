/**
 * Schemathesis, a tool that others wrote, on our document and the examples: its generators know what ours do not. It is
 * Python's (`pip install schemathesis`); where it is not on the PATH nothing runs. https://schemathesis.readthedocs.io/
 */
import { startExamples } from "./openapi.ts";

/**
 * What misbehaves on purpose, what reaches outside, what never ends, and what answers any request of any method: of these
 * it expects what they are not.
 */
const NOT_FOR_IT = "^/(spin|proxy|worker|sign)|/events$";

/** Answers its exit code; null where it is not installed. */
export async function runSchemathesis(seconds: number, seed: number): Promise<number | null> {
  const tool = Bun.which("schemathesis");
  if (tool === null) return null;
  await using engine = await startExamples();
  // In a form everything is text: what it takes for a misfit is none.
  const checks = [
    "--exclude-checks",
    "negative_data_rejection",
    "--exclude-path-regex",
    NOT_FOR_IT,
    "--continue-on-failure",
    "--warnings",
    "off",
  ];
  const bounds = ["--max-time", String(seconds), "--seed", String(seed), "--no-color"];
  const command = [tool, "run", `${engine.url}/openapi.json`, ...checks, ...bounds];
  const child = Bun.spawn(command, { cwd: engine.dir, stdio: ["ignore", "inherit", "inherit"] });
  return await child.exited;
}

if (import.meta.main) {
  const code = await runSchemathesis(Number(process.argv[2] ?? 60), Number(process.argv[3] ?? Date.now() % 1_000_000));
  if (code === null) console.log("schemathesis: not installed (pip install schemathesis); left out");
  process.exitCode = code ?? 0;
}
