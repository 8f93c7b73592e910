// Explanations: attributions that add up, and the formula of each number.

const MOST_POINTS = 200000;
const MOST_TERMS = 12;

// What each column adds to the prediction for a row, on the way from a baseline: integrated gradients. `of` is its scale, such
// as logit, `member` one of the networks, from 1, where it isn't their mean.
export function attributions(row, { target = TARGETS[0].name, label, of, member, baseline = {}, tolerance = 1e-6 } = {}) {
  const x = encode(readRow(row, COLUMNS));
  const { start, cells } = baselineRow(baseline);
  const nets = member === undefined ? ALL : networkAt(member);
  const scale = of ?? Object.keys(QUANTITIES)[0];
  if (!Object.hasOwn(QUANTITIES, scale)) throw new TypeError(`${scale} is none of ${Object.keys(QUANTITIES).join(", ")}`);
  const { chosen, quantity } = chosenFor(nets.outputs(x), target, label, scale);
  const quantityAt = (inputs) => {
    const outputs = nets.outputs(inputs);
    return QUANTITIES[scale](outputs, scale === "logit" ? nets.firsts?.(inputs) : undefined, chosen);
  };
  const step = x.map((value, i) => value - start[i]);
  const path = integrated((t) => start.map((value, i) => value + t * step[i]), quantityAt, nets.slopes, step, tolerance);
  const ends = [quantityAt(start)[0], quantityAt(x)[0]];
  const columns = COLUMNS.map(({ name: column }, k) => ({
    column,
    cell: row[column] ?? null,
    baseline: cells[k],
    value: sum(path.sums.slice(INPUTS[k], INPUTS[k + 1])),
  }));
  const [total, difference] = [sum(path.sums), ends[1] - ends[0]];
  const allowed = tolerance * path.largest;
  const error = Math.abs(total - difference);
  return {
    quantity, value: ends[1], baselineValue: ends[0], columns, total, difference, error, tolerance: allowed,
    holds: error <= allowed, points: path.points,
  };
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

// The inputs and the cells of a baseline: typical ones, but for cells that are given; null of one is a missing cell.
function baselineRow(given) {
  const wanted = given === "missing" ? Object.fromEntries(COLUMNS.map(({ name }) => [name, null])) : given;
  for (const name of Object.keys(wanted)) {
    if (!COLUMNS.some((column) => column.name === name)) throw new TypeError(`no column ${JSON.stringify(name)}`);
  }
  const own = COLUMNS.map(({ name }) => Object.hasOwn(wanted, name));
  const x = encode(readRow(Object.fromEntries(COLUMNS.map(({ name }) => [name, wanted[name] ?? null])), COLUMNS));
  const column = (i) => INPUTS.findLastIndex((first) => first <= i);
  return {
    start: x.map((value, i) => (own[column(i)] ? value : TYPICAL[i])),
    cells: COLUMNS.map(({ name }, k) => (own[k] ? wanted[name] : TYPICAL_CELLS[k])),
  };
}

// What is explained: a number, or a class, the predicted one if none is named.
function chosenFor(outputs, target, label, scale) {
  const j = TARGETS.findIndex(({ name }) => name === target);
  if (j < 0) throw new TypeError(`no target ${JSON.stringify(target)}`);
  const { name, labels } = TARGETS[j];
  const chosen = outputs.map(() => 0);
  if (!labels) {
    chosen[j] = 1;
    return { chosen, quantity: name };
  }
  const c = label === undefined ? placesOf(outputs)[j] : labels.findIndex((one) => String(one) === String(label));
  if (c < 0) throw new TypeError(`${JSON.stringify(label)} is no class of ${JSON.stringify(name)}`);
  const several = outputs.length > 1 && TARGETS.length === 1;
  chosen[several ? c : j] = several || c ? 1 : -1;
  const word = labels[c] === true ? "True" : labels[c] === false ? "False" : labels[c];
  const share = `P(${name} = ${word})`;
  return { chosen, quantity: { probability: share, logit: `logit ${share}`, output: `output for ${name} = ${word}` }[scale] };
}

// The integral over the path, cut into pieces that are halved where they disagree with their halves.
function integrated(at, quantityAt, slopes, step, tolerance) {
  const sums = step.map(() => 0);
  let points = 0;
  let largest = 0;
  function slopesAt(t) {
    points++;
    const x = at(t);
    return slopes(x, quantityAt(x).slice(1));
  }
  function valueAt(t) {
    const value = quantityAt(at(t))[0];
    if (Math.abs(value) > largest) largest = Math.abs(value);
    return value;
  }
  function pieceOf(left, width, first, last) {
    const [a, b] = [1 - 1 / Math.sqrt(3), 1 + 1 / Math.sqrt(3)].map((node) => slopesAt(left + (width * node) / 2));
    return { left, width, first, last, part: a.map((slope, i) => ((slope + b[i]) / 2) * width * step[i]) };
  }
  const edges = Array.from({ length: 17 }, (_, k) => valueAt(k / 16));
  let pieces = Array.from({ length: 16 }, (_, k) => pieceOf(k / 16, 1 / 16, edges[k], edges[k + 1]));
  while (pieces.length) {
    const judged = pieces.map((piece) => {
      const { left, width, first, last } = piece;
      const [half, middle] = [width / 2, valueAt(left + width / 2)];
      const halves = [pieceOf(left, half, first, middle), pieceOf(left + half, half, middle, last)];
      return { piece, halves, together: halves[0].part.map((share, i) => share + halves[1].part[i]) };
    });
    const allowed = (tolerance * largest) / (2 * pieces.length);
    const ends = points >= MOST_POINTS;
    pieces = [];
    for (const { piece, halves, together } of judged) {
      const apart = sum(piece.part.map((share, i) => Math.abs(share - together[i])));
      const unsure = Math.max(apart, Math.abs(sum(together) - (piece.last - piece.first)));
      if (unsure <= allowed || piece.width <= 1e-13 || ends) together.forEach((share, i) => (sums[i] += share));
      else pieces.push(...halves);
    }
  }
  return { sums, points, largest };
}

// The formula of a number of the calculation for a row, of one of the networks: in symbols, with numbers, and the result.
export function formula(row, address, { member = 1 } = {}) {
  const numbers = numbersOf(row, member);
  return lineOf(numbers, address);
}

// The formulas of all numbers of the calculation, in its order.
export function formulas(row, { member = 1 } = {}) {
  const numbers = numbersOf(row, member);
  return numbers.addresses.map((address) => lineOf(numbers, address));
}

// All numbers of the calculation by their addresses.
export function numbers(row, { member = 1 } = {}) {
  const found = numbersOf(row, member);
  return Object.fromEntries(found.addresses.map((address) => [address, numberAt(found, address)]));
}

// One of the networks, from 1: its parameters, its group, and how it answers.
function networkAt(member) {
  let k = member - 1;
  const group = GROUPS.find(({ members }) => k < members.length || ((k -= members.length), false));
  if (!Number.isInteger(member) || k < 0 || !group) throw new TypeError(`there is no network ${member}`);
  const p = group.members[k];
  const own = { outputs: (x) => group.network(x, p), slopes: (x, y) => group.slopes(x, p, y) };
  return { p, group, ...own, firsts: group.firsts && ((x) => group.firsts(x, p)) };
}

function numbersOf(row, member) {
  const read = readRow(row, COLUMNS);
  const x = encode(read);
  const { p, group } = networkAt(member);
  const record = group.record(x, p);
  const outputs = meanOutputs(x);
  const said = answer(outputs);
  const arrays = { x: [x, 0, [x.length]], mean_a: [outputs, 0, [outputs.length]] };
  for (const [name, [start, shape]] of Object.entries(group.slots)) arrays[name] = [p, start, shape];
  for (const [name, [start, shape]] of Object.entries(group.places)) arrays[name] = [record, start, shape];
  arrays.answer = arrays.probability = [said, 0, [said.length]];
  arrays.prediction = [said, 0, []];
  const others = GROUPS.flatMap((own) => own.members.map((each) => own.network(x, each)));
  const addresses = Object.entries(group.forms).flatMap(([name, { shape }]) =>
    shape.reduce((made, size) => made.flatMap((at) => Array.from({ length: size }, (_, i) => [...at, i + 1])), [[]])
      .map((at) => (at.length ? `${name}[${at.join(",")}]` : name)),
  );
  return { member, forms: group.forms, arrays, addresses, others, v: unscaled(read) };
}

const ADDRESS = /^([a-zA-Z]\w*)((?:\[[0-9,]+\])*)(?:@member=([0-9]+))?$/;

// The number at an address; undefined of what is none.
function numberAt(numbers, address) {
  const found = ADDRESS.exec(address);
  if (!found) return undefined;
  const indices = [...found[2].matchAll(/\[([0-9,]+)\]/g)].map((each) => each[1].split(",").map(Number));
  const own = indices.length ? indices.at(-1) : [];
  if (found[3] !== undefined) return numbers.others[found[3] - 1][own[0] - 1];
  const array = numbers.arrays[found[1] + (indices.length > 1 ? indices[0] : "")];
  if (!array || own.length !== array[2].length) return undefined;
  const at = own.reduce((place, i, k) => place * array[2][k] + i - 1, 0);
  return array[0][array[1] + at];
}

// The form of an address's formula, and the address's place in its array, from 1.
function formOf(numbers, address) {
  const name = Object.keys(numbers.forms).find((each) => address === each || address.startsWith(`${each}[`));
  const found = name === undefined ? undefined : numbers.forms[name];
  const at = found && address !== name ? address.slice(name.length + 1, -1).split(",").map(Number) : [];
  const place = found && at.reduce((whole, i, k) => whole * found.shape[k] + i - 1, 0);
  if (!found || at.length !== found.shape.length || !at.every((i, k) => i >= 1 && i <= found.shape[k])) {
    throw new TypeError(`there is no formula of ${JSON.stringify(address)}`);
  }
  if (found.each) return found.each[place];
  const put = (text) => text.replaceAll("#", place + 1);
  const terms = (sum) => (typeof sum[0] === "number" ? [sum[0], put(sum[1])] : sum.map(put));
  const [text, sums, values, brackets] = found.all;
  return [put(text), sums.map(terms), values, brackets];
}

function lineOf(numbers, address) {
  const [text, sums, given, brackets] = formOf(numbers, address);
  const result = numberAt(numbers, address);
  const own = (word) => word.replaceAll(`@member=${numbers.member}`, "");
  if (text.startsWith("[")) return { address, formula: text, numbers: shown(result), result };
  const values = { ...given };
  if (address.startsWith("x[")) values.v = numbers.v[address.slice(2, -1) - 1];
  const valueOf = (word) => values[word] ?? numberAt(numbers, word);
  const number = (word) => /^[0-9.]/.test(word) ? Number(word) : valueOf(word);
  const worth = (term) => {
    const power = /^exp\((.*)\)$/.exec(term);
    return power ? Math.exp(number(power[1])) : term.split("*").reduce((product, word) => product * number(word), 1);
  };
  const [left, right] = [[], []];
  sums.forEach((sum_, k) => {
    const terms = typeof sum_[0] === "number" ? Array.from({ length: sum_[0] }, (_, i) => sum_[1].replaceAll("%", i + 1)) : sum_;
    const name = k ? `rest_${k + 1}` : "rest";
    const kept = terms.length > MOST_TERMS ? largest(terms, worth, (others) => (values[name] = others)) : terms;
    if (kept.length < terms.length) kept.push(name);
    const closed = (parts) => {
      const inside = parts.join(" + ");
      return brackets[k] && /[ */]/.test(inside) ? `(${inside})` : inside;
    };
    left.push(closed(kept.map(own)));
    right.push(closed(kept.map((term) => filled(term, valueOf))));
  });
  const whole = (parts, made) => made.replace(/Σ_([0-9]+)/g, (_, k) => parts[k - 1]);
  return { address, formula: whole(left, own(text)), numbers: whole(right, filled(text, valueOf)), result };
}

// The terms that add most; the sum of the others is told.
function largest(terms, worth, tell) {
  const sizes = terms.map(worth);
  const order = sizes.map((_, i) => i).sort((i, j) => Math.abs(sizes[j]) - Math.abs(sizes[i]) || i - j);
  const kept = order.slice(0, MOST_TERMS - 2).filter((i) => sizes[i] !== 0);
  const others = new Set(kept);
  tell(sum(sizes.filter((_, i) => !others.has(i))));
  return kept.map((i) => terms[i]);
}

// A formula with numbers in the place of names.
function filled(text, valueOf) {
  return text.replace(/(?<![\w.])[a-zA-Z]\w*(?:\[[0-9,]+\])*(?:@member=[0-9]+)?(?![\w(\[])/g, (word) => {
    const number = valueOf(word);
    return number === undefined ? word : shown(number);
  });
}

function shown(number) {
  const text = Number.isFinite(number) ? String(number).replace("e+", "e") : Number.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
  return text.startsWith("-") ? `(${text})` : text;
}
