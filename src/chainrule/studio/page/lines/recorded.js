// The line to a recording in this file: what a studio answered, played again. It moves from stop to stop, and works out nothing; what
// if a cell were another is for `WhatIf`.

import { NodePieces, framesOf, pieceOpened } from "./packed.js";
import { closest, leaps, nearest, noWalk, stepped, updatesNamed } from "./stops.js";
import { WhatIf } from "./whatif.js";

/** @typedef {import("../api.js").Line} Line */
/** @typedef {import("../api.js").Listener} Listener */
/** @typedef {import("../api.js").Command} Command */
/** @typedef {import("../types.js").Frame} Frame */
/** @typedef {import("./stops.js").Stop} Stop */
/** @typedef {{format: number, index: string, frames: string[], nodes: [number, string][]}} Recording */

const FASTEST = 30;

/** @implements {Line} */
export class RecordedLine {
  /** @param {string} text */
  constructor(text) {
    this.ends = false;
    this.addressed = true;
    /** @type {Recording} */
    this.recording = JSON.parse(text);
    this.nodes = new NodePieces(this.recording.nodes);
    /** @type {Map<number, Promise<Frame[]>>} */
    this.opened = new Map();
    /** @type {any} */
    this.index = null;
    /** @type {Stop[]} the stops of the row that is shown, in their order */
    this.stops = [];
    this.at = 0;
    this.seq = 0;
    this.mode = { playing: false, direction: 1, speed: 4, grain: "update" };
    this.due = 0;
    /** @type {WhatIf | null} */
    this.whatif = null;
    /** @type {Listener | null} */
    this.listener = null;
  }

  /**
   * @param {string | null} _code
   * @param {Listener} listener
   */
  async open(_code, listener) {
    this.listener = listener;
    this.index = await pieceOpened(this.recording.index);
    const { hello, curve, start } = this.index;
    await this.prove();
    listener.tell({ client: "reader", online: true });
    listener.hear("hello", hello);
    if (curve.epochs) listener.hear("curve", curve);
    this.choose(this.index.stops[start]);
    await this.show();
  }

  end() {
    return { words: "The file is closed." };
  }

  /** Look at the row of a stop, and stand there. @param {Stop} stop */
  choose(stop) {
    this.stops = this.index.stops.filter((/** @type {Stop} */ one) => one[2] === stop[2]).sort((/** @type {Stop} */ a, /** @type {Stop} */ b) => a[0] - b[0] || a[1] - b[1]);
    this.at = this.stops.indexOf(stop);
  }

  /** Hold the model that the file carries against the frames after the last update. */
  async prove() {
    const { hello, model, stops } = this.index;
    const last = stops.filter((/** @type {Stop} */ stop) => stop[0] === model.t && stop[1] === 0);
    this.whatif = new WhatIf(hello, model);
    this.whatif.prove(await Promise.all(last.map((/** @type {Stop} */ stop) => this.answered(stop))));
  }

  /** @param {Stop} stop */
  async frame(stop) {
    const [piece, place] = this.index.places[stop[4]];
    let frames = this.opened.get(piece);
    if (!frames) this.opened.set(piece, (frames = pieceOpened(this.recording.frames[piece]).then(framesOf)));
    const frame = { ...(await frames)[place] };
    if (frame.stage) {
      const { nodes, curve } = frame.stage;
      frame.stage = { ...frame.stage, nodes: await this.nodes.of(nodes), curve: curve && { nodes: await this.nodes.of(curve.nodes) } };
    }
    return frame;
  }

  /** The frame of a stop after the last update as the model answers: with no output dropped. @param {Stop} stop */
  answered(stop) {
    const [t, place, row, grains, number] = stop;
    return this.frame([t, place, row, grains, this.index.model.undropped[row] ?? number]);
  }

  /** Tell what is to be seen where one stands. */
  async show() {
    const stop = this.stops[this.at];
    const frame = this.whatif?.on ? this.whatif.frame(await this.answered(stop)) : await this.frame(stop);
    this.seq += 1;
    const phase = frame.updates !== null && frame.t >= frame.updates ? "ended" : this.mode.playing ? "training" : "paused";
    this.listener?.hear("frame", { ...frame, ...this.mode, seq: this.seq, phase, driver: null });
  }

  /** @param {string} grain @param {number} by */
  after(grain, by) {
    return stepped(this.stops, this.index.hello.grains.indexOf(grain), this.at, by);
  }

  /** @param {Command} command */
  async command(command) {
    const { hello } = this.index;
    const done = { ok: true, seq: this.seq + 1 };
    const still = { ...this.mode, playing: false };
    const { whatif } = this;
    switch (command.do) {
      case "step":
        this.mode = { ...still, grain: command.grain };
        if (leaps(this.stops, this.at, this.after(command.grain, command.by), { grain: command.grain, by: command.by })) return { problem: `${noWalk(hello.recorded.whole)}${this.live()}` };
        this.at = this.after(command.grain, command.by);
        break;
      case "play":
        this.mode = { playing: true, grain: command.grain, speed: command.speed, direction: command.direction };
        this.play();
        break;
      case "train":
        this.mode = { playing: true, grain: "epoch", speed: 0, direction: 1 };
        this.play();
        break;
      case "pause":
        this.mode = still;
        break;
      case "run_to":
      case "seek":
        this.mode = still;
        this.at = await this.found(command.t ?? command.epoch * hello.steps_per_epoch, command.place);
        break;
      case "reset":
        this.mode = still;
        this.at = 0;
        break;
      case "row": {
        const here = this.stops[this.at];
        const rows = this.index.stops.filter((/** @type {Stop} */ stop) => stop[2] === command.number);
        if (!rows.length) return { problem: `Row ${command.number} isn't in this file, which has rows ${hello.rows.numbers.join(", ")}.${this.live()}` };
        this.choose(closest(rows, here));
        break;
      }
      case "edit": {
        const problem = whatif?.edit(command.edits, this.stops[this.at][2], this.live());
        if (problem) return { problem };
        this.mode = still;
        this.at = nearest(this.stops, this.index.model.t);
        break;
      }
      case "undo":
      case "as_recorded":
        break;
      default:
        return { problem: `This file plays what was recorded.${this.live()}` };
    }
    whatif?.followed(command.do);
    await this.show();
    return done;
  }

  /**
   * The stop at an update, and at a place inside of it where that is recorded.
   * @param {number} t
   * @param {any} place
   */
  async found(t, place) {
    if (place?.pass) {
      for (const [i, stop] of this.stops.entries()) {
        if (stop[0] !== t || !stop[1]) continue;
        const own = /** @type {any} */ ((await this.frame(stop)).place);
        if (["pass", "layer", "neuron", "term"].every((name) => (own[name] || null) === (place[name] || null))) return i;
      }
    }
    return nearest(this.stops, t);
  }

  play() {
    this.due ||= requestAnimationFrame((now) => this.tick(now, now));
  }

  /**
   * Go on by one stop where it is time.
   * @param {number} now
   * @param {number} last
   */
  async tick(now, last) {
    const { playing, speed, grain, direction } = this.mode;
    this.due = 0;
    if (!playing) return;
    const wait = 1000 / Math.min(speed || FASTEST, FASTEST);
    if (now - last >= wait) {
      last = now;
      this.at = this.after(grain, direction);
      if (this.after(grain, direction) === this.at) this.mode = { ...this.mode, playing: false };
      await this.show();
      if (!this.mode.playing) return;
    }
    this.due ||= requestAnimationFrame((then) => this.tick(then, last));
  }

  /**
   * @param {string} what
   * @param {Record<string, string>} query
   */
  async ask(what, query) {
    const { numbers, pictures, pictured, takes, whole } = this.index;
    if (what === "number" && this.whatif?.on) return this.whatif.number(query.address) ?? { problem: `What follows from changed cells is worked out here for the numbers on the way to the answer.${this.live()}` };
    if (what === "number") {
      const key = `${query.address} ${query.t}`;
      const found = numbers[`${key} ${query.row}`] ?? numbers[key];
      if (found && query.form === "short") {
        const [address, title, value, ok, nodes] = found;
        return { address, title, value, ok, forms: ["short"], nodes: await this.nodes.of({ $: nodes }) };
      }
      if (found) return { problem: `Only how it is written as a product is in this file.${this.live()}` };
      const first = this.index.hello.recorded.rows[0];
      return { problem: `Where it comes from is in this file for row ${first}, in ${updatesNamed(whole)}.${this.live()}` };
    }
    if (what === "take") return takes[query.what] ?? { problem: `That isn't in this file.${this.live()}` };
    const words = Object.entries(query).filter(([name]) => name !== "width").sort(([a], [b]) => (a < b ? -1 : 1));
    const asked = [what, ...words.map(([name, value]) => `${name}=${value}`)].join(" ");
    return pictures[asked] ?? { problem: `That picture is in this file after ${pictured.join(" and ")} updates.${this.live()}` };
  }

  /** How to do what this file can't. */
  live() {
    const { command } = this.index.hello.recorded;
    return command ? ` Live: ${command}` : "";
  }
}
