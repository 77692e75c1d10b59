/** Root may do anything: what another user may not is tried as another user. */

const NOBODY = "65534";

/** False where a command cannot be run as somebody else: not Linux, root without util-linux, or a checkout that only root can look into. */
export const canBeNobody =
  process.platform === "linux" &&
  (process.getuid?.() !== 0 ||
    (Bun.which("setpriv") !== null && Bun.spawnSync([...asNobody(), "test", "-r", import.meta.path]).exitCode === 0));

/** What a command starts with, to run without rights. */
export function asNobody(): readonly string[] {
  return process.getuid?.() === 0 ? ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"] : [];
}
