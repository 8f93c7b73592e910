// What the page asks of the server: commands one after the other, questions with the newest first.

import { noCurves } from "./store.js";
import { Stream } from "./stream.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").CurveNews} CurveNews */
/** @typedef {Record<string, any> & {do: string}} Command */

const KEPT = "chainrule-studio";
const LOST = { words: "This page has no key to the studio.", remedy: "Open the address that the terminal printed; it works once." };
const GONE = { words: "The studio has ended.", remedy: "Start it again in the terminal: chainrule studio …" };
const JSON_BODY = { "Content-Type": "application/json" };
const MERGED = new Set(["step", "seek"]);

export class Api {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.token = "";
    this.count = 0;
    /** @type {Command[]} */
    this.waiting = [];
    this.busy = false;
    this.stream = new Stream(
      (since, signal) => this.fetch(`/api/stream?client=${this.client}&since=${since}`, { signal }),
      (heard) => this.hear(heard.event, JSON.parse(heard.data)),
      (online) => this.store.change({ online }),
    );
  }

  get client() {
    return this.store.state.client ?? "";
  }

  /**
   * @param {string} path
   * @param {RequestInit} [how]
   */
  fetch(path, how = {}) {
    return fetch(path, { cache: "no-store", ...how, headers: { ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}), ...how.headers } });
  }

  /**
   * Exchange the code of the address, or the key that this browser still has, for a session, and listen.
   * @param {string | null} code
   */
  async open(code) {
    this.token = localStorage.getItem(KEPT) ?? "";
    const client = sessionStorage.getItem(KEPT);
    const body = JSON.stringify({ ...(code ? { code } : {}), ...(client ? { client } : {}) });
    try {
      const response = await this.fetch("/api/session", { method: "POST", body, headers: JSON_BODY });
      if (!response.ok) return this.store.change({ problem: LOST });
      const said = await response.json();
      this.token = said.token;
      localStorage.setItem(KEPT, said.token);
      sessionStorage.setItem(KEPT, said.client);
      this.store.change({ client: said.client });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return this.store.change({ problem: GONE });
    }
    await this.stream.start();
    if (this.stream.ended && this.store.state.problem === null) this.store.change({ problem: LOST });
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
    else if (event === "problem") store.change({ problem: data });
    else if (event === "bye") {
      this.stream.end();
      store.change({ problem: { ...GONE, words: data.words || GONE.words }, online: false });
    }
  }

  /** @param {CurveNews} news */
  grow(news) {
    const { curves, hello } = this.store.state;
    if (news.generation !== hello?.generation || !news.epochs.length) return;
    // What comes again, or was trained again, takes the place of what was there.
    const kept = curves.epochs.findIndex((epoch) => epoch >= news.epochs[0]);
    const count = kept < 0 ? curves.epochs.length : kept;
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
    const body = JSON.stringify({ protocol: 1, client: this.client, n: this.count, ...command });
    try {
      const response = await this.fetch("/api/command", { method: "POST", body, headers: JSON_BODY });
      const said = await response.json();
      if (said.problem) this.store.change({ problem: typeof said.problem === "string" ? { words: said.problem } : said.problem });
      else if (this.store.state.problem && !this.stream.ended) this.store.change({ problem: null });
      return said;
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
      this.store.change({ online: false });
      return null;
    }
  }

  /**
   * Ask for a number's derivation, a picture or something to take along; null where there is no answer.
   * @param {"number" | "picture" | "take"} what
   * @param {Record<string, string | number | null | undefined>} query
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  async ask(what, query, signal) {
    const words = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) if (value !== null && value !== undefined) words.set(key, String(value));
    try {
      const response = await this.fetch(`/api/${what}?${words}`, { signal });
      return await response.json();
    } catch (error) {
      if (error instanceof DOMException || error instanceof TypeError || error instanceof SyntaxError) return null;
      throw error;
    }
  }
}
