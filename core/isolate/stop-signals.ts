/** Signals that are meant for the engine. */

/**
 * Ctrl-C reaches every process of a terminal's foreground group, and systemd sends its SIGTERM to all of a service. The engine
 * answers what is under way before it stops, so its children live on until it ends them (SIGKILL) or is gone.
 */
export function ignoreStopSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
}
