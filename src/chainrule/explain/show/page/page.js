// Lights an address wherever it stands, and moves the focus from number to number. It computes nothing.
"use strict";
{
  const words = JSON.parse(document.getElementById("words").textContent);
  const stops = "[data-address], [data-name]";
  // An address is one thing on the whole page; another name is one thing in its part of it.
  const keyOf = ({ dataset }) => dataset.address ?? `${dataset.name} ${dataset.in}`;
  const places = new Map();
  for (const element of document.querySelectorAll(stops)) {
    const list = places.get(keyOf(element));
    if (list) list.push(element);
    else places.set(keyOf(element), [element]);
  }
  const inspector = document.querySelector(".inspector");
  // The lines that work an address out, in their order.
  const lines = new Map();
  for (const line of document.querySelectorAll("li.line[data-line]")) {
    const list = lines.get(line.dataset.line);
    if (list) list.push(line);
    else lines.set(line.dataset.line, [line]);
  }
  let lit = null;
  let held = null;

  const nameOf = (address) => address.split(/[[@]/)[0];
  // Of several lines the one in the same step, or else the last before it.
  function lineOf(element) {
    const found = lines.get(element.dataset.address) ?? [];
    const step = element.closest("section.section");
    const before = (line) => line.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING;
    return found.find((line) => step && step.contains(line)) ?? found.findLast(before) ?? found[0];
  }

  function mark(address, names, on) {
    for (const element of places.get(address) ?? []) element.classList.toggle(names, on);
  }

  function show(element) {
    const key = keyOf(element);
    const address = element.dataset.address ?? element.dataset.name;
    inspector.hidden = false;
    inspector.querySelector(".what").textContent = element.dataset.address ? words[nameOf(address)] ?? "" : "";
    inspector.querySelector(".where").textContent = address;
    inspector.querySelector(".is").hidden = element.dataset.value === undefined;
    inspector.querySelector(".value").textContent = element.dataset.value ?? "";
    // Of the drawings for wide and narrow pages one is seen.
    const count = places.get(key).filter((place) => !place.closest("svg") || place.getClientRects().length).length;
    const told = count === 1 ? "in one place" : `in ${count} places`;
    const line = element.dataset.address ? lineOf(element) : null;
    inspector.querySelector(".places").replaceChildren(told);
    if (line) {
      const link = document.createElement("a");
      link.href = `#${encodeURIComponent(line.id)}`;
      link.textContent = "the line that works it out";
      inspector.querySelector(".places").append(" · ", link);
    }
  }

  function light(element) {
    const address = element ? keyOf(element) : held;
    if (lit !== address) {
      if (lit !== null) mark(lit, "lit", false);
      lit = address;
      if (lit !== null) mark(lit, "lit", true);
    }
    if (element) show(element);
    else if (held === null) inspector.hidden = true;
    else show(places.get(held)[0]);
  }

  function hold(address) {
    if (held !== null) mark(held, "held", false);
    held = held === address ? null : address;
    if (held !== null) mark(held, "held", true);
  }

  function goToLine(line) {
    if (!line) return;
    for (let part = line.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    line.scrollIntoView({ block: "center" });
    const there = line.querySelector(".result [data-address]");
    if (there) focusOn(there);
  }

  // One tab stop for each group of numbers; within it the arrow keys move.
  function membersOf(group) {
    return [...group.querySelectorAll(stops)].filter((element) => element.closest(".moves") === group);
  }

  function focusOn(element) {
    const group = element.closest(".moves");
    if (group) {
      for (const stop of group.querySelectorAll(":is([data-address], [data-name])[tabindex]")) stop.removeAttribute("tabindex");
    }
    element.setAttribute("tabindex", "0");
    element.focus();
  }

  function rowsOf(members) {
    // The visual row of each: where its top is lower than the bottom of the one before, a new one begins.
    const rows = [];
    let bottom = -Infinity;
    for (const element of members) {
      const box = element.getBoundingClientRect();
      if (!rows.length || box.top >= bottom - 2) {
        rows.push([]);
        bottom = box.bottom;
      }
      rows.at(-1).push({ element, x: box.left + box.width / 2 });
      bottom = Math.max(bottom, box.bottom);
    }
    return rows;
  }

  function next(element, key) {
    const members = membersOf(element.closest(".moves"));
    const index = members.indexOf(element);
    if (key === "ArrowRight") return members[index + 1];
    if (key === "ArrowLeft") return members[index - 1];
    if (key === "Home") return members[0];
    if (key === "End") return members.at(-1);
    const rows = rowsOf(members);
    const at = rows.findIndex((row) => row.some((place) => place.element === element));
    const row = rows[at + (key === "ArrowDown" ? 1 : -1)];
    if (!row) return undefined;
    const x = rows[at].find((place) => place.element === element).x;
    return row.reduce((best, place) => (Math.abs(place.x - x) < Math.abs(best.x - x) ? place : best)).element;
  }

  const pointed = (event) => event.target.closest?.(stops) ?? null;
  const keys = new Set(["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "Home", "End"]);

  for (const group of document.querySelectorAll(".moves")) {
    membersOf(group)[0]?.setAttribute("tabindex", "0");
  }
  document.addEventListener("pointerover", (event) => {
    const element = pointed(event);
    if (element || lit !== held) light(element ?? (document.activeElement?.matches(stops) ? document.activeElement : null));
  });
  document.addEventListener("focusin", (event) => light(pointed(event)));
  document.addEventListener("focusout", (event) => {
    if (!event.relatedTarget) light(null);
  });
  document.addEventListener("click", (event) => {
    const element = pointed(event);
    if (!element) return;
    hold(keyOf(element));
    focusOn(element);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const element = pointed(event);
    if (event.key === "Escape") {
      if (held !== null) hold(held);
      light(null);
    } else if (element && event.key === "Enter") {
      goToLine(lineOf(element));
    } else if (element && keys.has(event.key)) {
      const other = next(element, event.key);
      if (other) focusOn(other);
      event.preventDefault();
    } else if (!element && (event.key === "ArrowRight" || event.key === "ArrowLeft") && !event.target.closest(".table, .scroll, .right, .formula, svg")) {
      goToStep(event.key === "ArrowRight" ? 1 : -1);
    }
  });

  // From step to step: the one being read is the last whose heading is above the middle of the window.
  const headings = [...document.querySelectorAll("section.section > :is(h2, h3)[id^='step-']")];
  const isRead = (heading) => heading.getBoundingClientRect().top < innerHeight / 3;

  function goToStep(by) {
    const at = headings.findLastIndex(isRead);
    const heading = headings[at + by];
    if (!heading) return;
    heading.setAttribute("tabindex", "-1");
    heading.focus({ preventScroll: true });
    history.replaceState(null, "", `#${heading.id}`);
    heading.scrollIntoView({ block: "start", behavior: "instant" });
  }

  const contents = document.querySelector("nav.contents details");
  if (contents) {
    const wide = matchMedia("(min-width: 72rem)");
    const fold = () => { contents.open = wide.matches; };
    fold();
    wide.addEventListener("change", fold);
    const links = new Map([...contents.querySelectorAll("a")].map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
    const targets = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
    let current = null;
    const mark = () => {
      const link = links.get((targets.findLast(isRead) ?? targets[0])?.id) ?? null;
      if (link === current) return;
      current?.removeAttribute("aria-current");
      current = link;
      current?.setAttribute("aria-current", "true");
      if (wide.matches) current?.scrollIntoView({ block: "nearest" });
    };
    addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
    mark();
  }

  addEventListener("beforeprint", () => {
    // That all came out as expected is printed in one line.
    for (const part of document.querySelectorAll("details:not(.found)")) part.open = true;
  });
  addEventListener("hashchange", () => {
    const line = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (line?.matches("details")) line.open = true;
    if (line?.matches("li.line")) goToLine(line);
  });
}
