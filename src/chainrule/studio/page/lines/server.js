// The line to the studio's server on this machine: commands and questions by fetch, events by a stream that comes back.

import { Stream } from "../stream.js";

/** @typedef {import("../api.js").Line} Line */
/** @typedef {import("../api.js").Listener} Listener */
/** @typedef {import("../api.js").Command} Command */

const KEPT = "chainrule-studio";
const LOST = { words: "This address was used already, or is of a studio that has ended.", remedy: "Go back to the browser in which it was opened first, or start the studio again, which prints a new one." };
const GONE = { words: "The studio has ended.", remedy: "Start it again in the terminal: chainrule studio …" };
const JSON_BODY = { "Content-Type": "application/json" };

/** @implements {Line} */
export class ServerLine {
  constructor() {
    this.ends = true;
    this.addressed = true;
    this.token = "";
    this.client = "";
    /** @type {Listener | null} */
    this.listener = null;
    this.stream = new Stream(
      (since, signal) => this.fetch(`/api/stream?client=${this.client}&since=${since}`, { signal }),
      (heard) => this.listener?.hear(heard.event, JSON.parse(heard.data)),
      (online) => this.listener?.tell({ online }),
    );
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
   * @param {Listener} listener
   */
  async open(code, listener) {
    this.listener = listener;
    this.token = localStorage.getItem(KEPT) ?? "";
    const client = sessionStorage.getItem(KEPT);
    const body = JSON.stringify({ ...(code ? { code } : {}), ...(client ? { client } : {}) });
    try {
      const response = await this.fetch("/api/session", { method: "POST", body, headers: JSON_BODY });
      if (!response.ok) return listener.tell({ problem: LOST });
      const said = await response.json();
      this.token = said.token;
      this.client = said.client;
      localStorage.setItem(KEPT, said.token);
      sessionStorage.setItem(KEPT, said.client);
      listener.tell({ client: said.client });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return listener.tell({ problem: GONE });
    }
    await this.stream.start();
    if (this.stream.ended) listener.lost(LOST);
  }

  end() {
    this.stream.end();
    return GONE;
  }

  /** @param {Command} command */
  async command(command) {
    const body = JSON.stringify({ protocol: 1, client: this.client, ...command });
    try {
      const response = await this.fetch("/api/command", { method: "POST", body, headers: JSON_BODY });
      return await response.json();
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
      this.listener?.tell({ online: false });
      return null;
    }
  }

  /**
   * @param {string} what
   * @param {Record<string, string>} query
   * @param {AbortSignal} [signal]
   */
  async ask(what, query, signal) {
    try {
      const response = await this.fetch(`/api/${what}?${new URLSearchParams(query)}`, { signal });
      return await response.json();
    } catch (error) {
      if (error instanceof DOMException || error instanceof TypeError || error instanceof SyntaxError) return null;
      throw error;
    }
  }
}
