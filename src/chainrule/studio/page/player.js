// Plays lists of moves, each a stretch of time and what is drawn in it. One clock, one picture at a time.

/**
 * @typedef {object} Move
 * @property {number} from seconds after the beginning
 * @property {number} lasts seconds
 * @property {(share: number) => void} draw from 0 to 1
 */

export class Player {
  constructor() {
    /** @type {Move[]} */
    this.moves = [];
    this.held = false;
    this.at = 0;
    this.last = 0;
    this.due = 0;
    this.drawn = 0;
    this.quiet = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /**
   * Play moves from the beginning in the place of those that run, which are brought to their ends.
   * @param {Move[]} moves
   */
  play(moves) {
    this.finish();
    if (this.quiet.matches) {
      for (const move of moves) move.draw(1);
      return;
    }
    this.moves = moves;
    this.at = 0;
    this.last = 0;
    for (const { from, lasts, draw } of moves) draw(ease(Math.min(1, Math.max(0, -from / lasts))));
    this.due ||= requestAnimationFrame((now) => this.tick(now));
  }

  /**
   * Play moves beside those that run.
   * @param {Move[]} moves
   */
  add(moves) {
    const running = this.moves.map((move) => ({ ...move, from: move.from - this.at }));
    this.moves = [];
    this.play([...running, ...moves]);
  }

  /** Bring all that moves to its end at once. */
  finish() {
    const moves = this.moves;
    this.moves = [];
    for (const move of moves) move.draw(1);
    cancelAnimationFrame(this.due);
    this.due = 0;
  }

  /**
   * Stand still, or go on.
   * @param {boolean} held
   */
  hold(held) {
    this.held = held;
    this.last = 0;
    if (!held && this.moves.length) this.due ||= requestAnimationFrame((now) => this.tick(now));
  }

  /** @param {number} now */
  tick(now) {
    this.due = 0;
    if (this.held) return;
    this.at += this.last ? Math.min(0.1, (now - this.last) / 1000) : 0;
    this.last = now;
    this.drawn += 1;
    let end = 0;
    for (const { from, lasts, draw } of this.moves) {
      end = Math.max(end, from + lasts);
      draw(ease(Math.min(1, Math.max(0, (this.at - from) / lasts))));
    }
    if (this.at >= end) this.moves = [];
    else this.due = requestAnimationFrame((again) => this.tick(again));
  }
}

/**
 * Slow at both ends.
 * @param {number} share
 */
function ease(share) {
  return share * share * (3 - 2 * share);
}
