/** What the plugins that own points say of the registrations at them, as when they are taken into service. */
import { ProblemError } from "../../../sdk/errors.ts";
import type { PointRegistration, PointSpec, Remote } from "../../../sdk/plugin.ts";
import { isPoint, labelOf, type BuiltPointRegistration } from "../../script/types.ts";
import { filesOf, type BuiltScript } from "./project.ts";
import { counter, placeOfText, type CheckProblem, type ReadSource } from "./problem.ts";

interface Placed {
  readonly point: string;
  readonly registration: PointRegistration;
  readonly script: BuiltScript;
  /** How many of the same the script has before it. */
  readonly nth: number;
}

export function findPointProblems(
  built: readonly BuiltScript[],
  points: readonly { readonly name: string; readonly spec: PointSpec }[],
  read: ReadSource,
): CheckProblem[] {
  const all = built.flatMap((script): Placed[] => {
    const { result, source } = script;
    if (!result.ok) return [];
    const nth = counter();
    return result.bundle.registrations.filter(isPoint).map((one) => ({
      point: one.point,
      registration: registrationOf(one, source.name),
      script,
      nth: nth(labelOf(one)),
    }));
  });
  return points.flatMap(({ name, spec }) => {
    const mine = all.filter(({ point }) => point === name);
    const registrations = mine.map(({ registration }) => registration);
    return mine.flatMap((placed) => {
      try {
        spec.validate?.(placed.registration, registrations);
        return [];
      } catch (error) {
        return [problemOf(error, placed, read)];
      }
    });
  });
}

/** As its point is given it. */
export function registrationOf(built: BuiltPointRegistration, script: string): PointRegistration {
  const { id, fn, name, path, options, data, schemas, callable, handlers } = built;
  // Nothing runs while it is only checked.
  const remote: Remote = () => Promise.reject(new ProblemError("not_ready", "no engine runs"));
  return {
    script,
    id,
    fn,
    ...(name === undefined ? {} : { name }),
    ...(path === undefined ? {} : { path }),
    options,
    ...(data === undefined ? {} : { data }),
    schemas,
    ...(callable ? { invoke: remote } : {}),
    ...(handlers ? { handlers: Object.fromEntries(handlers.map((option) => [option, remote])) } : {}),
  };
}

function problemOf(error: unknown, { registration, script, nth }: Placed, read: ReadSource): CheckProblem {
  const { fn, name, path } = registration;
  const { source, result } = script;
  const files = filesOf(source, result);
  const text = name ?? path;
  const place = text === undefined ? undefined : placeOfText(text, files, read, nth);
  const known = error instanceof ProblemError;
  const what = `${fn}(${text === undefined ? "" : JSON.stringify(text)})`;
  return {
    severity: "error",
    script: source.name,
    code: known ? error.code : "internal",
    message: `${what}: ${known ? error.detail : `its plugin failed: ${String(error)}`}`,
    ...(place ?? (files[0] === undefined ? {} : { file: files[0] })),
    hint: "Correct the registration.",
  };
}
