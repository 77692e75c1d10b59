/** What a removed script leaves behind: its data moves to `data/.trash` after a while, and is deleted a week later. */
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface TrashOptions {
  /** The engine's `data/`. */
  readonly dataDir: string;
  /** Called before a script's folder is moved: whoever holds something of the script lets go. */
  readonly release: (script: string) => void;
  /** `path` is where the data lies now; null when the script had none. */
  readonly onMoved: (script: string, path: string | null) => void;
  /** Something could not be moved or deleted; it is tried again later. */
  readonly onError: (path: string, error: unknown) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly graceMs?: number;
}

export interface Trash {
  /** The names of all scripts that are in the folder of scripts now, those that do not load included. */
  seen(names: ReadonlySet<string>): void;
  close(): void;
}

/** A rename, a checkout of another branch or an editor's delete and write must not cost a script its data. */
const GRACE_MS = 60_000;
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

/** What else lies in `data/scripts` is somebody's own. */
const SCRIPT_NAME = /^[a-z0-9][a-z0-9-]*$/;

/** `shop-20260102T030405067Z`: the name, and when it was moved. */
const STAMP = /-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/;

export function createTrash(options: TrashOptions): Trash {
  const { dataDir, release, onMoved, onError, now = Date.now, graceMs = GRACE_MS } = options;
  const trashDir = join(dataDir, ".trash");
  const dataOf = (script: string): string => join(dataDir, "scripts", script);
  /** When a script was missed first. */
  const missed = new Map<string, number>();
  let present: ReadonlySet<string> | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const attempt = (path: string, action: () => void): boolean => {
    try {
      action();
      return true;
    } catch (error) {
      onError(path, error);
      return false;
    }
  };

  const move = (script: string): boolean => {
    release(script);
    const from = dataOf(script);
    const stamp = new Date(now()).toISOString().replace(/[-:.]/g, "");
    const to = join(trashDir, `${script}-${stamp}`);
    let found = true;
    const done = attempt(from, () => {
      mkdirSync(trashDir, { recursive: true, mode: 0o700 });
      try {
        renameSync(from, to);
      } catch (error) {
        if (!isMissing(error)) throw error;
        found = false;
      }
    });
    if (done) onMoved(script, found ? to : null);
    return done;
  };

  /** A folder that is not there yet is empty. */
  const list = (folder: string): readonly string[] => {
    try {
      return readdirSync(folder);
    } catch (error) {
      if (!isMissing(error)) onError(folder, error);
      return [];
    }
  };

  const purge = (): void => {
    for (const name of list(trashDir)) {
      const at = movedAt(name);
      if (at === null || now() - at < KEPT_MS) continue;
      const path = join(trashDir, name);
      attempt(path, () => rmSync(path, { recursive: true, force: true }));
    }
  };

  const check = (): void => {
    clearTimeout(timer);
    // No script at all is a folder that is not mounted, or is being replaced, rather than a wish to lose all data.
    if (present === null || present.size === 0) return missed.clear();
    const absent = new Set([
      ...missed.keys(),
      ...list(join(dataDir, "scripts")).filter((name) => SCRIPT_NAME.test(name)),
    ]);
    for (const script of absent) {
      const since = missed.get(script);
      if (present.has(script)) missed.delete(script);
      else if (since === undefined) missed.set(script, now());
      else if (now() - since >= graceMs && move(script)) missed.delete(script);
    }
    if (missed.size === 0) return;
    timer = setTimeout(check, graceMs);
    timer.unref();
  };

  return {
    seen(names) {
      if (present === null) purge();
      for (const script of present ?? []) if (!names.has(script)) missed.set(script, missed.get(script) ?? now());
      present = names;
      check();
    },
    close: () => clearTimeout(timer),
  };
}

function movedAt(name: string): number | null {
  const [, ...parts] = STAMP.exec(name) ?? [];
  const [year, month, day, hour, minute, second, ms] = parts.map(Number);
  if (year === undefined || month === undefined) return null;
  return Date.UTC(year, month - 1, day, hour, minute, second, ms);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
