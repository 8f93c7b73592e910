// What the page knows: what the server said, and how it is looked at. Parts are told once a picture, of all that changed.

/** @typedef {import("./types.js").Hello} Hello */
/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").ProblemNews} ProblemNews */
/** @typedef {import("./types.js").LessonNews} LessonNews */
/** @typedef {import("./types.js").PlaneHeats} PlaneHeats */
/** @typedef {import("./types.js").StatusNews} StatusNews */
/** @typedef {{epochs: number[], training: (number|null)[], validation: (number|null)[], rate: (number|null)[], gradient: (number|null)[]}} Curves */
/**
 * What is seen of the plane: its columns, what is shown, where the rest is held, whose answer; of none what is there by itself.
 * @typedef {{x?: string, y?: string, show?: string, held?: string, whose?: string}} PlaneView
 */
/**
 * How it is looked at; what of it belongs into the address is in `hash.js`.
 * @typedef {{color: "weight" | "gradient" | "change" | "activation", pinned: string | null, form: string, tab: string, grain: string | null, speed: number | null, pointed: string | null, focused: string | null, keys: boolean, begun: boolean, heat: boolean, plane: PlaneView, hill: Record<string, string>}} View
 */
/** @typedef {{client: string | null, online: boolean, hello: Hello | null, frame: Frame | null, curves: Curves, status: StatusNews | null, lesson: LessonNews | null, problem: ProblemNews | null, heats: PlaneHeats | null, view: View}} State */
/** @typedef {(changed: Set<string>) => void} Listener */

/** @returns {Curves} */
export function noCurves() {
  return { epochs: [], training: [], validation: [], rate: [], gradient: [] };
}

export class Store {
  constructor() {
    /** @type {State} */
    this.state = {
      client: null,
      online: false,
      hello: null,
      frame: null,
      curves: noCurves(),
      status: null,
      lesson: null,
      problem: null,
      heats: null,
      view: { color: "weight", pinned: null, form: "short", tab: "curves", grain: null, speed: null, pointed: null, focused: null, keys: true, begun: false, heat: true, plane: {}, hill: {} },
    };
    /** @type {Set<Listener>} */
    this.listeners = new Set();
    /** @type {Set<string>} */
    this.changed = new Set();
    this.due = 0;
  }

  /**
   * Change some of the state; listeners hear of it before the next picture.
   * @param {Partial<State>} patch
   */
  change(patch) {
    Object.assign(this.state, patch);
    for (const key of Object.keys(patch)) this.changed.add(key);
    this.due ||= requestAnimationFrame(() => this.flush());
  }

  /**
   * Change how it is looked at.
   * @param {Partial<View>} patch
   */
  look(patch) {
    const view = /** @type {Record<string, any>} */ (this.state.view);
    if (Object.entries(patch).every(([key, value]) => view[key] === value)) return;
    this.change({ view: { ...this.state.view, ...patch } });
    for (const key of Object.keys(patch)) this.changed.add(`view.${key}`);
  }

  /** Tell the listeners now what changed. */
  flush() {
    cancelAnimationFrame(this.due);
    this.due = 0;
    const changed = this.changed;
    this.changed = new Set();
    if (changed.size) for (const listener of this.listeners) listener(changed);
  }

  /** @param {Listener} listener */
  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
