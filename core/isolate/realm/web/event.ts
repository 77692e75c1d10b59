/** Event, CustomEvent and EventTarget, without a tree. https://dom.spec.whatwg.org/#events */
import { apply, rejected } from "../primordials.ts";
import { isObject, need, toDictionary, toText } from "./convert.ts";
import { constants, named, once } from "./define.ts";
import { makeDomException } from "./dom-exception.ts";
import { now } from "./performance.ts";

interface Listener {
  readonly type: string;
  readonly callback: unknown;
  readonly capture: boolean;
  readonly once: boolean;
  readonly passive: boolean;
  removed: boolean;
}

const PHASES: readonly (readonly [string, number])[] = [
  ["NONE", 0],
  ["CAPTURING_PHASE", 1],
  ["AT_TARGET", 2],
  ["BUBBLING_PHASE", 3],
];

interface EventState {
  type: string;
  bubbles: boolean;
  cancelable: boolean;
  readonly composed: boolean;
  readonly time: number;
  trusted: boolean;
  target: object | null;
  current: object | null;
  phase: number;
  stopped: boolean;
  stoppedNow: boolean;
  canceled: boolean;
  passive: boolean;
  dispatching: boolean;
}

let eventBrand: ((value: object) => boolean) | undefined;

/** An Event or an EventTarget, of this realm. */
export function isEventObject(value: object): boolean {
  return eventBrand !== undefined && (eventBrand(value) || targetBrand?.(value) === true);
}
let targetBrand: ((value: object) => boolean) | undefined;

export const events = once(() => {
  let open!: (event: Event) => EventState;
  let isEvent!: (value: unknown) => value is Event;

  class Event {
    readonly #state: EventState;
    constructor(type: unknown, init?: unknown) {
      need(arguments.length, 1, "new Event");
      const { bubbles, cancelable, composed } = toDictionary(init, "new Event");
      this.#state = {
        type: toText(type),
        bubbles: !!bubbles,
        cancelable: !!cancelable,
        composed: !!composed,
        time: now(),
        trusted: false,
        target: null,
        current: null,
        phase: 0,
        stopped: false,
        stoppedNow: false,
        canceled: false,
        passive: false,
        dispatching: false,
      };
    }
    static {
      open = (event) => event.#state;
      eventBrand = (value) => #state in value;
      isEvent = (value): value is Event => isObject(value) && #state in value;
    }
    get type(): string {
      return this.#state.type;
    }
    get target(): object | null {
      return this.#state.target;
    }
    get srcElement(): object | null {
      return this.#state.target;
    }
    get currentTarget(): object | null {
      return this.#state.current;
    }
    get eventPhase(): number {
      return this.#state.phase;
    }
    get bubbles(): boolean {
      return this.#state.bubbles;
    }
    get cancelable(): boolean {
      return this.#state.cancelable;
    }
    get composed(): boolean {
      return this.#state.composed;
    }
    get isTrusted(): boolean {
      return this.#state.trusted;
    }
    get timeStamp(): number {
      return this.#state.time;
    }
    get defaultPrevented(): boolean {
      return this.#state.canceled;
    }
    get returnValue(): boolean {
      return !this.#state.canceled;
    }
    set returnValue(value: unknown) {
      if (!value) this.preventDefault();
    }
    get cancelBubble(): boolean {
      return this.#state.stopped;
    }
    set cancelBubble(value: unknown) {
      if (value) this.#state.stopped = true;
    }
    composedPath(): object[] {
      const { current } = this.#state;
      return current === null ? [] : [current];
    }
    stopPropagation(): void {
      this.#state.stopped = true;
    }
    stopImmediatePropagation(): void {
      this.#state.stopped = this.#state.stoppedNow = true;
    }
    preventDefault(): void {
      const state = this.#state;
      if (state.cancelable && !state.passive) state.canceled = true;
    }
    initEvent(type: unknown, bubbles?: unknown, cancelable?: unknown): void {
      need(arguments.length, 1, "Event.initEvent");
      const state = this.#state;
      if (state.dispatching) return;
      state.type = toText(type);
      state.bubbles = !!bubbles;
      state.cancelable = !!cancelable;
      state.stopped = state.stoppedNow = state.canceled = false;
    }
  }
  constants(named(Event, "Event"), PHASES);

  class CustomEvent extends Event {
    #detail: unknown;
    constructor(type: unknown, init?: unknown) {
      need(arguments.length, 1, "new CustomEvent");
      super(type, init);
      const { detail } = toDictionary(init, "new CustomEvent");
      this.#detail = detail === undefined ? null : detail;
    }
    get detail(): unknown {
      return this.#detail;
    }
  }
  named(CustomEvent, "CustomEvent");

  let fire!: (target: EventTarget, event: Event) => boolean;
  let listen!: (target: EventTarget, type: string, callback: (event: never) => unknown) => void;

  class EventTarget {
    readonly #listeners: Listener[] = [];
    addEventListener(type: unknown, callback: unknown, options?: unknown): void {
      need(arguments.length, 2, "EventTarget.addEventListener");
      const { capture, passive, once, signal } = flatten(options);
      const listener = { type: toText(type), callback: toCallback(callback), capture, passive, once, removed: false };
      if (signal !== undefined && !(isObject(signal) && typeof (signal as AbortSignal).aborted === "boolean")) {
        throw new TypeError("EventTarget.addEventListener: signal is not an AbortSignal");
      }
      const source = signal as AbortSignal | undefined;
      if (listener.callback === null || source?.aborted) return;
      const all = this.#listeners;
      for (let i = 0; i < all.length; i++) if (same(all[i] as Listener, listener)) return;
      all[all.length] = listener;
      source?.addEventListener("abort", () => remove(all, listener));
    }
    removeEventListener(type: unknown, callback: unknown, options?: unknown): void {
      need(arguments.length, 2, "EventTarget.removeEventListener");
      const wanted = { type: toText(type), callback: toCallback(callback), capture: flatten(options).capture };
      const all = this.#listeners;
      for (let i = 0; i < all.length; i++) if (same(all[i] as Listener, wanted)) return remove(all, all[i] as Listener);
    }
    dispatchEvent(event: unknown): boolean {
      need(arguments.length, 1, "EventTarget.dispatchEvent");
      if (!isEvent(event)) throw new TypeError("EventTarget.dispatchEvent: not an Event");
      if (open(event).dispatching) throw makeDomException("The event is being dispatched", "InvalidStateError");
      open(event).trusted = false;
      return fire(this, event);
    }
    static {
      targetBrand = (value) => #listeners in value;
      listen = (target, type, callback) => {
        const all = target.#listeners;
        all[all.length] = { type, callback, capture: false, passive: false, once: false, removed: false };
      };
      fire = (target, event) => {
        const state = open(event);
        const all = target.#listeners;
        state.dispatching = true;
        state.target = state.current = target;
        state.phase = 2;
        const count = all.length;
        const turn: Listener[] = [];
        for (let i = 0; i < count; i++) turn[i] = all[i] as Listener;
        for (let i = 0; i < count && !state.stoppedNow; i++) call(turn[i] as Listener, all, event, state);
        state.dispatching = state.stopped = state.stoppedNow = false;
        state.phase = 0;
        state.current = null;
        return !state.canceled;
      };
    }
  }
  named(EventTarget, "EventTarget");

  return {
    Event,
    CustomEvent,
    EventTarget,
    /** Adds a listener of the engine's own. */
    listen,
    /** Fires an event of the engine's own at a target. */
    send(target: EventTarget, type: string): void {
      const event = new Event(type);
      open(event).trusted = true;
      fire(target, event);
    },
  };
});

function call(listener: Listener, all: Listener[], event: object, state: EventState): void {
  if (listener.removed || listener.type !== state.type) return;
  if (listener.once) remove(all, listener);
  state.passive = listener.passive;
  const { callback } = listener;
  try {
    if (typeof callback === "function") apply(callback, state.current, [event]);
    else apply((callback as EventListenerObject).handleEvent, callback, [event]);
  } catch (error) {
    // A listener's fault must not stop the others: it is reported where unhandled rejections are.
    rejected(error);
  }
  state.passive = false;
}

function flatten(options: unknown) {
  const dictionary = isObject(options) ? (options as AddEventListenerOptions) : undefined;
  return {
    capture: dictionary === undefined ? !!options : !!dictionary.capture,
    passive: !!dictionary?.passive,
    once: !!dictionary?.once,
    signal: dictionary?.signal as unknown,
  };
}

function toCallback(callback: unknown): unknown {
  if (callback === undefined || callback === null) return null;
  if (!isObject(callback)) throw new TypeError("EventTarget: a listener is a function or an object with handleEvent");
  return callback;
}

function same(
  a: Pick<Listener, "type" | "callback" | "capture">,
  b: Pick<Listener, "type" | "callback" | "capture">,
): boolean {
  return a.type === b.type && a.callback === b.callback && a.capture === b.capture;
}

function remove(all: Listener[], listener: Listener): void {
  listener.removed = true;
  let kept = 0;
  for (let i = 0; i < all.length; i++) if (all[i] !== listener) all[kept++] = all[i] as Listener;
  all.length = kept;
}
