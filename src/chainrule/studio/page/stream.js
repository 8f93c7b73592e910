// The server's events, read with fetch so that the key can go in a header; taken up again where they broke off.

/** @typedef {{id: string, event: string, data: string}} Heard */

/**
 * The events in a stream of text.
 * @param {ReadableStream<Uint8Array>} body
 * @param {(heard: Heard) => void} hear
 */
export async function readEvents(body, hear) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += decoder.decode(value, { stream: true });
    let end;
    while ((end = rest.indexOf("\n\n")) >= 0) {
      const heard = eventOf(rest.slice(0, end));
      rest = rest.slice(end + 2);
      if (heard) hear(heard);
    }
  }
}

/**
 * @param {string} text
 * @returns {Heard | null}
 */
function eventOf(text) {
  const heard = { id: "", event: "message", data: "" };
  for (const line of text.split("\n")) {
    const cut = line.indexOf(":");
    if (cut <= 0) continue; // a comment keeps the line open
    const value = line.slice(cut + 1).replace(/^ /, "");
    if (line.startsWith("data")) heard.data += value;
    else if (line.startsWith("event")) heard.event = value;
    else if (line.startsWith("id")) heard.id = value;
  }
  return heard.data ? heard : null;
}

/** A stream that comes back by itself, and rests while nobody sees the page. */
export class Stream {
  /**
   * @param {(since: string, signal: AbortSignal) => Promise<Response>} open
   * @param {(heard: Heard) => void} hear
   * @param {(online: boolean) => void} tell
   */
  constructor(open, hear, tell) {
    this.open = open;
    this.hear = hear;
    this.tell = tell;
    this.since = "0";
    this.ended = true; // until `start`
    /** @type {AbortController | null} */
    this.running = null;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.run()));
    addEventListener("pagehide", () => this.rest());
    addEventListener("pageshow", () => this.run());
  }

  start() {
    this.ended = false;
    return this.run();
  }

  rest() {
    this.running?.abort();
    this.running = null;
  }

  end() {
    this.ended = true;
    this.rest();
  }

  async run() {
    if (this.running || this.ended || document.hidden) return;
    const own = (this.running = new AbortController());
    for (let tries = 0; this.running === own && !this.ended; tries += 1) {
      try {
        const response = await this.open(this.since, own.signal);
        if (response.status === 401 || response.status === 403) return this.end();
        if (response.ok && response.body) {
          this.tell(true);
          tries = 0;
          await readEvents(response.body, (heard) => {
            if (heard.id) this.since = heard.id;
            this.hear(heard);
          });
        }
      } catch (error) {
        if (own.signal.aborted) return;
        if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
      }
      if (this.running !== own || this.ended) return;
      this.tell(false);
      await new Promise((go) => setTimeout(go, Math.min(4000, 250 * 2 ** tries)));
    }
  }
}
