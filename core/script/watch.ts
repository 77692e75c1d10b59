/** Tells when something below the folder of scripts changed: once per save, however an editor writes. */
import { statSync, watch, type FSWatcher } from "node:fs";
import { basename, dirname, resolve } from "node:path";

/** Editors write in bursts: a temporary file, a rename, a touch. One change is told once. */
const SETTLE_MS = 15;
/** A stream of events without a pause (an install of packages) is still told this often. */
const LONGEST_WAIT_MS = 250;

/** What never concerns a script: what the engine itself writes, and an editor's scratch files. */
const NOISE = /(?:^|[\\/])(?:\.aiwebengine|\.git)(?:[\\/]|$)|(?:~|\.sw[a-z]|\.tmp)$/;
const PACKAGES = /^(.*?(?:^|[\\/])node_modules)(?:[\\/]|$)/;

/** The path that is told: a package's files, thousands of them, are one change of `node_modules`. */
function told(path: string): string | undefined {
  if (NOISE.test(path)) return undefined;
  return PACKAGES.exec(path)?.[1] ?? path;
}

/** Collects paths until they settle. */
class Changes {
  private paths = new Set<string>();
  private all = false;
  private since = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly tell: (paths: ReadonlySet<string>) => void) {}

  /** Without a path: what changed is unknown. */
  note(path?: string): void {
    if (path === undefined) this.all = true;
    else this.paths.add(path);
    const now = performance.now();
    if (this.timer === undefined) this.since = now;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.end(), Math.max(0, Math.min(SETTLE_MS, this.since + LONGEST_WAIT_MS - now)));
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private end(): void {
    const paths = this.all ? new Set<string>() : this.paths;
    this.timer = undefined;
    this.paths = new Set();
    this.all = false;
    this.tell(paths);
  }
}

function explain(error: unknown, dir: string): Error {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const hint =
    code === "ENOSPC"
      ? "raise fs.inotify.max_user_watches"
      : code === "EMFILE"
        ? "raise fs.inotify.max_user_instances"
        : "";
  return new Error(`cannot watch ${dir} for changes${hint && `: ${hint}`}`, { cause: error });
}

/**
 * Tells of changes below the folder. `paths` are relative to it; an empty set means that anything may have changed. The
 * folder may be missing, go away, come back or be swapped by a rename, as deployments do: its parent must stay.
 * `onLost` is told when changes may go unnoticed from now on, above all when the system has no watches left.
 */
export function watchScripts(
  scriptsDir: string,
  onChange: (paths: ReadonlySet<string>) => void,
  onLost: (error: Error) => void,
): { close(): void } {
  const dir = resolve(scriptsDir);
  const changes = new Changes(onChange);
  let parent: FSWatcher | undefined;
  let inner: FSWatcher | undefined;
  let inode: number | undefined;

  const inodeNow = (): number | undefined => statSync(dir, { throwIfNoEntry: false })?.ino;
  const lost = (error: unknown): void => {
    onLost(explain(error, dir));
    changes.note();
  };
  const attempt = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      lost(error);
    }
  };

  function open(): void {
    inner?.close();
    inner = undefined;
    inode = inodeNow();
    if (inode === undefined) return;
    inner = watch(dir, { recursive: true }, (_event, file) => {
      // No name: the folder itself was moved or removed. One of the same name may be there by now, of the same inode too.
      if (file === null || file === undefined) return attempt(reopen);
      const path = told(file);
      if (path !== undefined) changes.note(path);
    });
    inner.on("error", lost);
  }

  function reopen(): void {
    open();
    changes.note();
  }

  attempt(() => {
    parent = watch(dirname(dir), (_event, file) => {
      attempt(() => {
        if (file === basename(dir) && (inner === undefined || inodeNow() !== inode)) reopen();
      });
    });
    parent.on("error", lost);
    open();
  });
  return {
    close() {
      changes.close();
      parent?.close();
      inner?.close();
    },
  };
}
