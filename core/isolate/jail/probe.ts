/** Finds out what this machine's jail holds, by locking down a child that has no other work. */
import { startSpawner, type Spawner } from "../../process/spawner.ts";
import { PROBE_FLAG, type JailReport } from "./lockdown.ts";
import { JAIL_PARTS } from "./parts.ts";
import { isEmbedded } from "./startup-paths.ts";

const cache = new Map<string, Promise<JailReport>>();

/** `command` starts this program, as for the spawner. Asked once per command: a kernel does not change its mind. */
export function probeJail(command: readonly string[] = ownCommand()): Promise<JailReport> {
  const key = command.join("\0");
  const known = cache.get(key) ?? askChild(command);
  cache.set(key, known);
  return known;
}

/**
 * A binary starts itself; from source it is Bun that starts the main file. On Linux by a name that follows the running
 * file: an upgrade may have put another one in its place, which would speak another protocol, or have removed it.
 */
export function ownCommand(): readonly string[] {
  if (!isEmbedded(Bun.main)) return [process.execPath, Bun.main];
  return [process.platform === "linux" ? "/proc/self/exe" : process.execPath];
}

async function askChild(command: readonly string[]): Promise<JailReport> {
  if (process.platform === "win32") return lackingAll("children are not jailed on Windows");
  const spawner = await startSpawner({ command, jail: true });
  try {
    return await readReport(spawner);
  } finally {
    await spawner.dispose();
  }
}

async function readReport(spawner: Spawner): Promise<JailReport> {
  const child = await spawner.spawn("isolate", [PROBE_FLAG]);
  let text = "";
  const closed = Promise.withResolvers<void>();
  const socket = {
    data: (_: unknown, bytes: Buffer) => void (text += bytes.toString()),
    close: () => closed.resolve(),
  };
  await Bun.connect({ fd: child.fd, socket } as unknown as Bun.TCPSocketConnectOptions<undefined>);
  await closed.promise;
  const { code, signal } = await child.exited;
  if (code === 0 && text.endsWith("\n")) return JSON.parse(text) as JailReport;
  return lackingAll(
    `a jailed child does not run here: it ended with ${signal ?? `code ${code}`}: ${child.stderr().trim()}`,
  );
}

function lackingAll(reason: string): JailReport {
  return { held: [], lacking: JAIL_PARTS.map((part) => ({ part, reason })) };
}
