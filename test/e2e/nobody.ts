/** Root may do anything: what another user may not is tried as another user. */

const NOBODY = "65534";

/** What a command starts with, to run without rights. */
export function asNobody(): readonly string[] {
  return process.getuid?.() === 0 ? ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"] : [];
}
