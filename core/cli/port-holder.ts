/** "Port in use", with the name of who uses it where the system tells. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { StartError } from "../errors.ts";
import { printable } from "../log/escape.ts";

/** TCP_LISTEN in `/proc/net/tcp`. */
const LISTEN = "0A";

/** Another user's process, one that ended meanwhile, or a system without `/proc`: not known is an answer here. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "code" in error) return otherwise;
    throw error;
  }
}

/** `socket:[inode]` of everything that listens on the port. https://docs.kernel.org/networking/proc_net_tcp.html */
function listeners(port: number): ReadonlySet<string> {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const found = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of attempt(() => readFileSync(table, "utf8"), "").split("\n")) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === LISTEN && local?.endsWith(`:${wanted}`)) found.add(`socket:[${inode}]`);
    }
  }
  return found;
}

function holds(pid: string, sockets: ReadonlySet<string>): boolean {
  const fds = attempt(() => readdirSync(`/proc/${pid}/fd`), []);
  return fds.some((fd) => sockets.has(attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), "")));
}

/** `nginx (process 123)`, when this user may know. */
export function portHolder(port: number): string | undefined {
  const sockets = listeners(port);
  if (sockets.size === 0) return undefined;
  const pids = attempt(() => readdirSync("/proc"), []).filter((name) => /^\d+$/.test(name));
  const pid = pids.find((one) => holds(one, sockets));
  if (pid === undefined) return undefined;
  const name = attempt(() => readFileSync(`/proc/${pid}/comm`, "utf8").trim(), "");
  return name === "" ? `process ${pid}` : `${printable(name)} (process ${pid})`;
}

/** The error for EADDRINUSE. */
export function portInUse(host: string, port: number, cause: unknown): StartError {
  const holder = portHolder(port);
  const who = holder === undefined ? "in use" : `used by ${holder}`;
  return new StartError(
    `Cannot listen on ${host}, port ${port}: it is ${who}. Stop that, or choose another with --port.`,
    { cause },
  );
}
