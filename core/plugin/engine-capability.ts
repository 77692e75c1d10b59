/** The capability `engine`: what plugins may know of the engine and its scripts. */
import type { EngineCapability, PluginInfo, RouteInfo, ScriptInfo } from "../../sdk/plugin.ts";
import type { Generation } from "./generation.ts";

export interface EngineFacts {
  readonly version: string;
  readonly dev: boolean;
  readonly mode: "process" | "thread";
  readonly ready: () => boolean;
  readonly jail: () => EngineCapability["jail"];
  readonly paused: () => readonly string[];
  readonly scripts: () => readonly ScriptInfo[];
  readonly routes: () => readonly RouteInfo[];
  readonly plugins: () => readonly PluginInfo[];
  readonly generation: () => Generation;
}

/** One object for all generations: who keeps it sees the engine as it is now. */
export class EngineView implements EngineCapability {
  readonly version: string;
  readonly dev: boolean;
  readonly mode: "process" | "thread";
  readonly #facts: EngineFacts;
  readonly #listeners = new Set<() => void>();

  constructor(facts: EngineFacts) {
    this.#facts = facts;
    this.version = facts.version;
    this.dev = facts.dev;
    this.mode = facts.mode;
  }

  get ready(): boolean {
    return this.#facts.ready();
  }
  get jail(): EngineCapability["jail"] {
    return this.#facts.jail();
  }
  get paused(): readonly string[] {
    return this.#facts.paused();
  }
  scripts(): readonly ScriptInfo[] {
    return this.#facts.scripts();
  }
  routes(): readonly RouteInfo[] {
    return this.#facts.routes();
  }
  endpoints(): ReturnType<EngineCapability["endpoints"]> {
    return this.#facts.generation().endpoints();
  }
  plugins(): readonly PluginInfo[] {
    return this.#facts.plugins();
  }
  checks(): ReturnType<EngineCapability["checks"]> {
    return this.#facts.generation().checks();
  }
  onChange(listener: () => void): () => void {
    // A listener twice is two listeners, and each is taken back by itself.
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Scripts or plugins changed, or the engine began to serve, or to stop. */
  changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
