/** The table of attacks. */
import type { Attack } from "../attack.ts";
import { builds, schemas } from "./build.ts";
import { crashes, floods } from "./crashes.ts";
import { errors } from "./errors.ts";
import { messages } from "./messages.ts";
import { outputs } from "./output.ts";
import { pollution } from "./pollution.ts";
import { reach } from "./features.ts";
import { cpus, memories } from "./resources.ts";
import { templates } from "./templates.ts";
import { traps } from "./traps.ts";
import { walks } from "./walks.ts";

export const ATTACKS: readonly Attack[] = [
  ...builds,
  ...schemas,
  ...templates,
  ...walks,
  ...errors,
  ...traps,
  ...pollution,
  ...reach,
  ...cpus,
  ...memories,
  ...outputs,
  ...crashes,
  ...floods,
  ...messages,
];
