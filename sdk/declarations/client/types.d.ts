/** How a client is typed by a script's exports. */
import type { Method, Registration } from "../script.js";
import type { Simplify } from "../schema.js";
type CallMethod<M extends string> = M extends "ANY" ? Method : M;
type NameOf<Value> =
  Value extends Registration<infer M, infer Path, unknown, unknown> ? `${CallMethod<M>} ${Path}` : never;
/** The routes of a script's module by name: `"POST /notes/:id"`. */
type Routes<Scripts> = {
  readonly [K in keyof Scripts as NameOf<Scripts[K]>]: Scripts[K];
};
/** What can be called: `"POST /notes/:id"`. */
export type RouteOf<Scripts> = keyof Routes<Scripts> & string;
type In<Value> = Value extends Registration<string, string, infer I, unknown> ? I : never;
type Out<Value> = Value extends Registration<string, string, unknown, infer O> ? O : never;
/** The answer of a route: `OutputOf<typeof import("./scripts/notes"), "POST /notes/:id">`. */
export type OutputOf<Scripts, Route extends RouteOf<Scripts>> = Out<Routes<Scripts>[Route]>;
/** A part that may be left out where an empty one would do. */
type Part<Name extends string, Value> = {} extends Value
  ? {
      readonly [K in Name]?: Value;
    }
  : {
      readonly [K in Name]: Value;
    };
type QueryValue = string | number | boolean | bigint | Date;
/** For parts that the route did not declare. */
interface Loose {
  readonly query?: {
    readonly [name: string]: QueryValue | readonly QueryValue[] | undefined;
  };
  readonly headers?: {
    readonly [name: string]: string | undefined;
  };
  readonly body?: unknown;
}
type Declared<Input, Name extends "params" | "query" | "body"> = Input extends {
  readonly [K in Name]: infer Value;
}
  ? Part<Name, Value>
  : Name extends keyof Loose
    ? Pick<Loose, Name>
    : {};
type Headers<Input> = Input extends {
  readonly headers: infer Value;
}
  ? Part<
      "headers",
      Value & {
        readonly [name: string]: unknown;
      }
    >
  : Pick<Loose, "headers">;
type Body<Input, Route extends string> = Route extends `${"GET" | "HEAD"} ${string}` ? {} : Declared<Input, "body">;
/** What a call of a route takes. */
export type InputOf<Scripts, Route extends RouteOf<Scripts>> = Call<In<Routes<Scripts>[Route]>, Route>;
type Call<Input, Route extends string> = Simplify<
  Declared<Input, "params"> &
    Declared<Input, "query"> &
    Headers<Input> &
    Body<Input, Route> & {
      readonly signal?: AbortSignal | undefined;
    }
>;
type Arguments<Input> = {} extends Input ? [input?: Input] : [input: Input];
export interface Client<Scripts> {
  <Route extends RouteOf<Scripts>>(
    route: Route,
    ...input: Arguments<InputOf<Scripts, Route>>
  ): Promise<OutputOf<Scripts, Route>>;
  /** The same call, and the answer unread: for streams and headers. */
  response<Route extends RouteOf<Scripts>>(
    route: Route,
    ...input: Arguments<InputOf<Scripts, Route>>
  ): Promise<Response>;
}
export {};
