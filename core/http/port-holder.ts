/** Who listens on a port, as far as this machine tells: for the message that the port is taken. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { printable } from "../log/escape.ts";

const LISTEN = "0A";

/** `nginx (pid 123)`, or null when it cannot be known: not Linux, or a process of another user. */
export function portHolder(port: number): string | null {
  const inodes = listeners(port);
  if (inodes.size === 0) return null;
  for (const pid of list("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of list(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? "")?.[1];
      if (inode !== undefined && inodes.has(inode)) {
        const name = quietly(() => readFileSync(`/proc/${pid}/comm`, "utf8").trim());
        return name ? `${printable(name)} (pid ${pid})` : `pid ${pid}`;
      }
    }
  }
  return null;
}

/** Inodes of the sockets that listen on the port. https://docs.kernel.org/networking/proc_net_tcp.html */
function listeners(port: number): Set<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of (quietly(() => readFileSync(table, "utf8")) ?? "").split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(suffix) && fields[3] === LISTEN && fields[9]) inodes.add(fields[9]);
    }
  }
  return inodes;
}

function list(folder: string): string[] {
  return quietly(() => readdirSync(folder)) ?? [];
}

/** Processes come and go and belong to others: what cannot be read is not known, and that is all there is to say. */
function quietly<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
