/** The options that a script gives at a plugin's point, held against what the plugin says they are. */
import {
  labelOf,
  type BuildProblem,
  type JsonSchema,
  type PointRegistration,
  type PointTable,
} from "../../script/types.ts";
import { makeValidator } from "../realm/validate.ts";
import { shown } from "./refusal.ts";

type Validate = ReturnType<typeof makeValidator>;

/** Answers null when they fit. Fills in defaults: what the plugin reads has them, whatever the script left out. */
export function makeOptionChecks(
  points: PointTable,
  compile: (definition: unknown) => JsonSchema,
): (registration: PointRegistration) => BuildProblem | null {
  const validators = new Map<string, Validate | null>();

  const validatorOf = (fn: string): Validate | null => {
    const known = validators.get(fn);
    if (known !== undefined) return known;
    const { options, definitions = [] } = points[fn] ?? {};
    // Definitions are read by the compiler itself.
    const own = Object.entries(options ?? {}).filter(([key]) => !definitions.includes(key.replace(/\?$/, "")));
    const made = own.length === 0 ? null : makeValidator(compile(Object.fromEntries(own)));
    validators.set(fn, made);
    return made;
  };

  return (registration) => {
    const label = shown(labelOf(registration));
    let validate: Validate | null;
    try {
      validate = validatorOf(registration.fn);
    } catch (error) {
      const why = shown(error instanceof Error ? error.message : String(error));
      const message = `The plugin that owns the point "${registration.point}" declares options that cannot be checked: ${why}.`;
      return { code: "bad_registration", message, hint: "Correct `options` of the plugin's point." };
    }
    const [error] = validate?.(registration.options) ?? [];
    if (!error) return null;
    const option = error.path.slice(1).split("/").join(".");
    const where = option === "" ? "The options" : `The option "${shown(option)}"`;
    return {
      code: "bad_registration",
      message: `${where} of ${label} ${shown(error.message)}.`,
      hint: "Correct the option; the types in `scripts/.aiwebengine/` say what it takes.",
    };
  };
}
