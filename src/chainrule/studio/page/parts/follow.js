// Asks for pictures of what is shown now, one at a time, so that a fast training is followed as fast as pictures come.

export class Follower {
  constructor() {
    this.busy = false;
    this.asked = "";
  }

  /** Ask again, whatever was asked. */
  forget() {
    this.asked = "";
  }

  /**
   * Ask as long as something else is to be seen than what was asked for.
   * @param {() => {key: string, ask: () => Promise<any>} | null} next
   * @param {(found: any) => void} take
   */
  async follow(next, take) {
    if (this.busy) return;
    this.busy = true;
    for (let now = next(); now && now.key !== this.asked; now = next()) {
      const { key } = now;
      this.asked = key;
      const found = await now.ask();
      if (found) take(found);
      else if (this.asked === key) break;
    }
    this.busy = false;
  }
}

/**
 * Offer choices in a select, where they aren't there already.
 * @param {HTMLSelectElement} select
 * @param {{name: string, title: string}[]} list
 * @param {string} value
 */
export function offer(select, list, value) {
  const key = list.map((one) => `${one.name}=${one.title}`).join("|");
  if (select.getAttribute("data-list") !== key) {
    select.replaceChildren(
      ...list.map(({ name, title }) => {
        const made = document.createElement("option");
        made.value = name;
        made.textContent = title;
        return made;
      }),
    );
    select.setAttribute("data-list", key);
  }
  if (select.value !== value) select.value = value;
}

/**
 * Show one of some choices as pressed.
 * @param {Element} group of buttons with `data-value`
 * @param {string} value
 */
export function press(group, value) {
  for (const each of group.children) each.setAttribute("aria-pressed", String(each.getAttribute("data-value") === value));
}
