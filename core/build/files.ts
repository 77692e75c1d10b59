/** What the build writes: only what differs, and formatted where it stands among the sources. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dir, "../..");

/** Below the repository. Written only when it differs, so that a build without changes changes nothing. */
export async function write(path: string, content: string | Uint8Array): Promise<void> {
  const target = join(ROOT, path);
  const file = Bun.file(target);
  if ((await file.exists()) && Buffer.from(content).equals(await file.bytes())) return;
  // A test that runs meanwhile sees the old file or the new one, never half of one.
  const temporary = `${target}.${process.pid}`;
  writeFileSync(temporary, content);
  renameSync(temporary, target);
}

/** A source that the build writes, in the project's format. */
export async function writeSource(path: string, text: string): Promise<void> {
  const format = Bun.spawn([process.execPath, "fmt", `--stdin-filepath=${path}`], {
    cwd: ROOT,
    stdio: [new Blob([text]), "pipe", "inherit"],
  });
  await write(path, await new Response(format.stdout).text());
}
