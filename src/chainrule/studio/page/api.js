// What the page asks, and what it hears: commands one after the other, questions with the newest first, over whatever line
// leads to what answers: the server, a recording, or a notebook.

import { noCurves } from "./store.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./types.js").CurveNews} CurveNews */
/** @typedef {import("./types.js").ProblemNews} ProblemNews */
/** @typedef {Record<string, any> & {do: string}} Command */
/** @typedef {{hear: (event: string, data: any) => void, tell: (patch: Partial<State>) => void, lost: (problem: ProblemNews) => void}} Listener */
/**
 * What leads to what answers. `command` and `ask` give null where nobody answers; `end` is told that it ended, and says what to do.
 * @typedef {object} Line
 * @property {boolean} addressed whether the page has an address of its own, which can say how one looks
 * @property {boolean} ends whether what answers can be ended from the page
 * @property {(code: string | null, listener: Listener) => Promise<void>} open
 * @property {(command: Command) => Promise<any>} command
 * @property {(what: string, query: Record<string, string>, signal?: AbortSignal) => Promise<any>} ask
 * @property {() => ProblemNews} end
 */

const MERGED = new Set(["step", "seek"]);

export class Api {
  /**
   * @param {Store} store
   * @param {Line} line
   */
  constructor(store, line) {
    this.store = store;
    this.line = line;
    // From the clock on: a page that is loaded again goes on under its name, and repeats no number.
    this.count = Date.now();
    this.ended = false;
    /** @type {Command[]} */
    this.waiting = [];
    this.busy = false;
  }

  /**
   * Open the line, and listen.
   * @param {string | null} code
   */
  open(code) {
    return this.line.open(code, {
      hear: (event, data) => this.hear(event, data),
      tell: (patch) => this.store.change(patch),
      lost: (problem) => {
        if (this.store.state.problem === null) this.store.change({ problem });
      },
    });
  }

  /**
   * @param {string} event
   * @param {any} data
   */
  hear(event, data) {
    const { store } = this;
    // What was asked for in another network may not be there in this one.
    if (event === "hello" && (store.state.hello?.generation ?? data.generation) !== data.generation) store.look({ pinned: null });
    if (event === "hello") store.change({ hello: data, frame: null, curves: noCurves(), problem: null });
    else if (event === "frame") {
      if (data.generation === store.state.hello?.generation) store.change({ frame: data });
    } else if (event === "curve") this.grow(data);
    else if (event === "status") store.change({ status: data });
    else if (event === "lesson") store.change({ lesson: data });
    else if (event === "problem") store.change({ problem: data });
    else if (event === "bye") {
      this.ended = true;
      const problem = this.line.end();
      store.change({ problem: { ...problem, words: data.words || problem.words }, online: false });
    }
  }

  /** @param {CurveNews} news */
  grow(news) {
    const { curves, hello } = this.store.state;
    if (news.generation !== hello?.generation || !(news.epochs.length || news.whole)) return;
    // What comes again, or was trained again, takes the place of what was there.
    const kept = curves.epochs.findIndex((epoch) => epoch >= news.epochs[0]);
    const count = news.whole ? 0 : kept < 0 ? curves.epochs.length : kept;
    const missing = news.epochs.map(() => null);
    this.store.change({
      curves: {
        epochs: [...curves.epochs.slice(0, count), ...news.epochs],
        training: [...curves.training.slice(0, count), ...news.training],
        validation: [...curves.validation.slice(0, count), ...(news.validation ?? missing)],
        rate: [...curves.rate.slice(0, count), ...news.rate],
        gradient: [...curves.gradient.slice(0, count), ...news.gradient],
      },
    });
  }

  /**
   * Tell the server to do something. Steps that wait are counted together, of places to go to the last counts.
   * @param {Command} command
   */
  send(command) {
    if (!this.store.state.view.begun && command.do !== "row") this.store.look({ begun: true });
    const last = this.waiting.at(-1);
    if (last && MERGED.has(command.do) && last.do === command.do && last.grain === command.grain) {
      if (command.do === "step") last.by += command.by;
      else this.waiting[this.waiting.length - 1] = command;
    } else this.waiting.push(command);
    this.drain();
  }

  async drain() {
    if (this.busy) return;
    this.busy = true;
    while (this.waiting.length) {
      const command = /** @type {Command} */ (this.waiting.shift());
      if (command.do === "step" && !command.by) continue;
      await this.command(command);
    }
    this.busy = false;
  }

  /** @param {Command} command */
  async command(command) {
    this.count += 1;
    const said = await this.line.command({ n: this.count, ...command });
    if (said?.problem) this.store.change({ problem: typeof said.problem === "string" ? { words: said.problem } : said.problem });
    else if (said && this.store.state.problem && !this.ended) this.store.change({ problem: null });
    return said;
  }

  /**
   * Ask for a number's derivation, a picture or something to take along; null where there is no answer.
   * @param {string} what as `/api/WHAT` of the protocol: number, picture, take …
   * @param {Record<string, string | number | null | undefined>} query
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  ask(what, query, signal) {
    const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
    return this.line.ask(what, Object.fromEntries(given.map(([key, value]) => [key, String(value)])), signal);
  }
}
