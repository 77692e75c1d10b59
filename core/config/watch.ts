/** Tells when config files changed: written, replaced by a rename or behind a link, made, removed. */
import { statSync, watch, type FSWatcher } from "node:fs";
import { dirname, resolve } from "node:path";

/** Editors write in bursts: a temporary file, a rename, a touch. One change is told once. */
const SETTLE_MS = 15;
/** A file that is empty or gone is mostly one that is being written: an engine must not run on the defaults meanwhile. */
const ABSENT_MS = 200;

/**
 * What a file is, its content aside; empty when there is nothing in it, or no file, or none that this user may reach: who
 * reads it says so. A link counts as what it leads to.
 */
function stateOf(file: string): string {
  try {
    const stat = statSync(file, { bigint: true });
    return stat.size === 0n ? "" : `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
  } catch {
    return "";
  }
}

/** What the files are now, to compare with later: taken before they are read, so that no change in between is lost. */
export function configStates(files: readonly string[]): readonly string[] {
  return files.map((file) => stateOf(resolve(file)));
}

/**
 * Tells of changes of any of these files, which need not exist; their folders must. Folders are watched, since a watch of
 * a file goes blind when another is renamed over it, and since a mounted ConfigMap changes behind a link.
 * `onLost` is told when changes may go unnoticed from now on. A change after `since` is told, too.
 *
 * @example const watcher = watchConfig(configFiles(dir), reload, (error) => log.warn("…", { error }));
 */
export function watchConfig(
  files: readonly string[],
  onChange: () => void,
  onLost: (error: Error) => void,
  since: readonly string[] = configStates(files),
): { close(): void } {
  const paths = files.map((file) => resolve(file));
  const watchers: FSWatcher[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let told = since;

  const lost = (dir: string, error: unknown): void =>
    onLost(new Error(`cannot watch ${dir} for changes of the config`, { cause: error }));
  const look = (): void => {
    const states = configStates(paths);
    if (states.every((state, index) => state === told[index])) return;
    told = states;
    onChange();
  };
  const wait = (): void => {
    const vanished = configStates(paths).some((state, index) => state === "" && told[index] !== "");
    clearTimeout(timer);
    timer = setTimeout(look, vanished ? ABSENT_MS : SETTLE_MS);
  };
  for (const dir of new Set(paths.map(dirname))) {
    try {
      watchers.push(watch(dir, wait).on("error", (error) => lost(dir, error)));
    } catch (error) {
      lost(dir, error);
    }
  }
  wait();
  return {
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
