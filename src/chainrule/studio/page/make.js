// Elements made from code and from nested lists, never from text that a browser parses.

/** @typedef {import("./types.js").Nested} Nested */

/** The names of the namespaces, read off the two elements that studio.html carries. */
const SPACES = {
  svg: /** @type {Element} */ (document.querySelector("svg")).namespaceURI,
  math: /** @type {Element} */ (document.querySelector("math")).namespaceURI,
};

const HTML_TAGS = new Set(
  "a article b br button caption code dd details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 i kbd li ol p pre section small span strong sub summary sup table tbody td tfoot th thead tr ul var wbr".split(" "),
);
const SVG_TAGS = new Set("circle clipPath defs desc ellipse g line linearGradient path pattern polygon polyline rect stop svg symbol text title tspan use".split(" "));
const MATH_TAGS = new Set(
  "math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none".split(" "),
);
const ATTRIBUTES = new Set(
  (
    "accent accentunder class clip-path clip-rule colspan columnalign columnlines columnspacing cx cy d dir display displaystyle dominant-baseline dx dy " +
    "encoding fence fill fill-opacity fill-rule font-family font-size font-style font-weight frame gradientTransform gradientUnits height id " +
    "intent lang largeop letter-spacing linethickness lspace mathsize mathvariant maxsize minsize movablelimits offset opacity open paint-order " +
    "patternTransform patternUnits points preserveAspectRatio r role rowalign rowlines rowspacing rowspan rspace rx ry scope separator side " +
    "stop-color stop-opacity stretchy stroke stroke-dasharray stroke-linecap stroke-linejoin stroke-opacity stroke-width summary symmetric " +
    "tabindex text-anchor title transform vector-effect viewBox width x x1 x2 y y1 y2"
  ).split(" "),
);

/**
 * An HTML element with attributes (true: present, false or null: absent) and children.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  setAll(made, attributes);
  for (const child of children) if (child !== null && child !== undefined) made.append(child);
  return made;
}

/** How small a formula may become to fit where it stands; what is wider still can be scrolled. */
const SMALLEST = 0.72;

/** Make formulas that are wider than their place smaller. @param {Element} box */
export function fitted(box) {
  const lines = /** @type {HTMLElement[]} */ ([...box.querySelectorAll(".equation .right, .formula")]);
  for (const { style } of lines) style.fontSize = "";
  // All is measured before anything is changed, so that the page is laid out once.
  const shares = lines.map((line) => line.clientWidth / Math.max(1, line.scrollWidth));
  lines.forEach(({ style }, i) => {
    if (shares[i] > 0 && shares[i] < 1) style.fontSize = `${Math.max(SMALLEST, 0.99 * shares[i])}em`;
  });
}

/** A name, which may be broken after each underscore. @param {string} name */
export function breakable(name) {
  return name.split(/(?<=_)(?=.)/).flatMap((part, k) => (k ? [h("wbr"), part] : [part]));
}

/**
 * An SVG element.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {SVGElement}
 */
export function s(tag, attributes = {}, ...children) {
  const made = /** @type {SVGElement} */ (document.createElementNS(SPACES.svg, tag));
  setAll(made, attributes);
  for (const child of children) if (child !== null && child !== undefined) made.append(child);
  return made;
}

/**
 * @param {Element} element
 * @param {Record<string, any>} attributes
 */
export function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on") && typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * One of the icons that studio.html carries.
 * @param {string} name
 */
export function icon(name) {
  return s("svg", { class: "icon", "aria-hidden": "true", viewBox: "0 0 20 20" }, s("use", { href: `#icon-${name}` }));
}

/**
 * A button with an icon and words; the words are its name where only the icon is seen.
 * @param {string} words
 * @param {(event: Event) => void} act
 * @param {{icon?: string, kind?: string, key?: string, hint?: string}} [more]
 */
export function button(words, act, more = {}) {
  const hint = more.hint ?? (more.key ? `${words} (${more.key})` : more.icon ? words : null);
  const label = more.icon ? h("span", { class: "words" }, words) : words;
  return /** @type {HTMLButtonElement} */ (
    h("button", { type: "button", class: more.kind ?? "", title: hint, onclick: act }, more.icon ? icon(more.icon) : null, label)
  );
}

/**
 * The nodes of nested lists `["tag", {attributes}, child, …]`; what is on no list here is left out.
 * @param {Nested[]} list
 * @param {string} [space] of what they stand in
 * @returns {DocumentFragment}
 */
export function nodesOf(list, space = "html") {
  const made = document.createDocumentFragment();
  for (const item of list) {
    const node = nodeOf(item, space);
    if (node) made.append(node);
  }
  return made;
}

/**
 * @param {Nested} item
 * @param {string} space
 * @returns {Node | null}
 */
function nodeOf(item, space) {
  if (typeof item === "string") return document.createTextNode(item);
  const [tag, attributes, ...children] = item;
  const inside = tag === "svg" || tag === "math" ? tag : space;
  const allowed = inside === "svg" ? SVG_TAGS : inside === "math" ? MATH_TAGS : HTML_TAGS;
  if (!allowed.has(tag)) return null;
  const made = inside === "html" ? document.createElement(tag) : document.createElementNS(SPACES[inside === "svg" ? "svg" : "math"], tag);
  for (const [name, value] of Object.entries(attributes)) {
    const anchor = name === "href" && String(value).startsWith("#");
    if (ATTRIBUTES.has(name) || anchor || /^(aria|data)-[a-z-]+$/.test(name)) made.setAttribute(name, String(value));
  }
  made.append(nodesOf(children, inside));
  return made;
}

/**
 * Replace what stands in an element, unless it is the same text already.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  const only = element.childNodes.length === 1 ? element.firstChild : null;
  if (only instanceof Text) {
    if (only.data !== text) only.data = text;
  } else if (element.textContent !== text) element.textContent = text;
}

/**
 * Hide an element or show it; nothing is touched where it is so already.
 * @param {HTMLElement} element
 * @param {boolean} hidden
 */
export function hide(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}
