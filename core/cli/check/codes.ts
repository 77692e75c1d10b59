/** The codes of `check` that no request ever gets; the others are the problem codes of `sdk/errors.ts`. */

export interface CheckCode {
  /** One sentence: what was found. */
  readonly meaning: string;
  /** One sentence: what to do next. */
  readonly fix: string;
}

/** Codes are stable: programs may key on them. docs/cli.md is generated from it. */
export const CHECK_CODES = {
  type_error: {
    meaning: "The type checker refuses a line; `rule` is its own number for it (`TS2322`).",
    fix: "Correct the line as the message says; the types of the SDK lie in `scripts/.aiwebengine/`.",
  },
  unused_schema: {
    meaning:
      "A schema describes what the route never gets: a body of GET or HEAD, a parameter that the path does not have.",
    fix: "Remove it, or correct the method or the path. With a required part no request fits: it is an error, else a warning.",
  },
  plugin_failed: {
    meaning: "A plugin of the project cannot be loaded or set up, so scripts were checked without what it gives.",
    fix: "Correct the plugin as the message says, or leave it out with `plugins.<name>.enabled = false`.",
  },
  no_registration: {
    meaning: "The script loads and registers nothing, so nobody can reach it.",
    fix: "Register a handler at the top level or in `init()`; put code that scripts share into `scripts/_shared/`.",
  },
  no_entry: {
    meaning: "A folder has code and no `index.*`, so it is no script.",
    fix: "Call the file that is to be loaded `index.ts`; put code that scripts share into `scripts/_shared/`.",
  },
  types_unwritten: {
    meaning: "The types beside the scripts could not be written, so types were not checked.",
    fix: "Give this user the right to write `scripts/`.",
  },
  checker_failed: {
    meaning: "The type checker ended without an answer that can be read.",
    fix: "Look at what it said; correct `scripts/tsconfig.json` if it names it.",
  },
} as const satisfies Readonly<Record<string, CheckCode>>;
