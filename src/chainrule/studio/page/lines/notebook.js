// The line to a studio in a notebook's kernel: the page stands in a frame, and the widget around it passes messages on.

/** @typedef {import("../api.js").Line} Line */
/** @typedef {import("../api.js").Listener} Listener */
/** @typedef {import("../api.js").Command} Command */

const GONE = { words: "The kernel does not answer.", remedy: "Run the cell again." };
const SLOW = [60, 150, 400, 1200];
const PATIENCE = 20000;

/** @implements {Line} */
export class NotebookLine {
  constructor() {
    this.ends = false;
    this.addressed = false;
    this.view = Array.from(crypto.getRandomValues(new Uint32Array(2)), (one) => one.toString(36)).join("");
    this.count = 0;
    this.since = 0;
    this.due = 0;
    this.idle = 0;
    /** @type {Map<number, (data: any) => void>} */
    this.waiting = new Map();
    /** @type {Listener | null} */
    this.listener = null;
    addEventListener("message", (event) => {
      if (event.source !== parent || event.data?.view !== this.view) return;
      const { n, data } = event.data;
      this.waiting.get(n)?.(data);
      this.waiting.delete(n);
    });
  }

  /**
   * @param {string} what
   * @param {any} asked
   * @returns {Promise<any>}
   */
  send(what, asked) {
    this.count += 1;
    const n = this.count;
    return new Promise((answer) => {
      this.waiting.set(n, answer);
      setTimeout(() => {
        if (!this.waiting.delete(n)) return;
        this.listener?.tell({ online: false });
        answer(null);
      }, PATIENCE);
      parent.postMessage({ chainrule: 1, view: this.view, n, what, asked }, "*");
    });
  }

  /**
   * @param {string | null} _code
   * @param {Listener} listener
   */
  async open(_code, listener) {
    this.listener = listener;
    listener.tell({ client: this.view });
    await this.news();
  }

  end() {
    clearTimeout(this.due);
    return GONE;
  }

  /** Hear what happened since, and ask again while something goes on. */
  async news() {
    clearTimeout(this.due);
    const found = await this.send("news", { since: this.since });
    if (!found) return;
    this.listener?.tell({ online: true });
    this.since = found.seq;
    for (const [event, data] of found.news) this.listener?.hear(event, data);
    this.idle = found.busy || found.news.length ? 0 : this.idle + 1;
    clearTimeout(this.due);
    if (this.idle < SLOW.length && !document.hidden) this.due = setTimeout(() => this.news(), SLOW[this.idle]);
  }

  /** @param {Command} command */
  async command(command) {
    const said = await this.send("command", { protocol: 1, client: this.view, ...command });
    this.idle = 0;
    await this.news();
    return said;
  }

  /**
   * @param {string} what
   * @param {Record<string, string>} query
   */
  ask(what, query) {
    return this.send(what, query);
  }
}
