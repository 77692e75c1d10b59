/** The parts of the jail, by the names that config, `doctor` and the log have for them. */
export const JAIL_PARTS = [
  "seccomp",
  "landlock",
  "no_new_privs",
  "uid",
  "pdeathsig",
  "rlimits",
  "no_exec_memory",
  "sched_idle",
] as const;
export type JailPart = (typeof JAIL_PARTS)[number];
