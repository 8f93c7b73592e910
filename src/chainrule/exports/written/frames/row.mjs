// Cells of a row as numbers: an export begins with these functions, and nothing else is imported.

const PLAIN_NUMBER = /^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)$/;

function readRow(row, columns) {
  const values = [];
  for (const column of columns) {
    if (!Object.hasOwn(row, column.name)) {
      throw new TypeError(`the row has no column ${JSON.stringify(column.name)}`);
    }
    const cell = typeof row[column.name] === "string" ? trimmed(row[column.name], column) : row[column.name];
    values.push(...READERS[column.kind](cell, column));
  }
  return values;
}

// Missing is nothing, a missing word, or a number that is infinite or none.
function isGap(cell, column) {
  if (typeof cell === "string") return column.missing.includes(cell);
  return cell === null || cell === undefined || (typeof cell === "number" && !Number.isFinite(cell));
}

function trimmed(text, column) {
  let start = 0;
  let end = text.length;
  while (start < end && column.blanks.includes(text[start])) start++;
  while (start < end && column.blanks.includes(text[end - 1])) end--;
  return text.slice(start, end);
}

function refused(cell, column, what) {
  return new TypeError(`column ${JSON.stringify(column.name)}: ${JSON.stringify(cell)} is not ${what}`);
}

// A number as a program writes it; those beyond all floats are infinite.
function plainNumber(text) {
  const lower = text.toLowerCase();
  if (lower.includes("inf")) return lower.startsWith("-") ? -Infinity : Infinity;
  return Number(text);
}

function readNumber(cell, column) {
  if (isGap(cell, column)) return [NaN];
  let number = null;
  if (typeof cell === "number" || typeof cell === "boolean") {
    number = Number(cell);
  } else if (typeof cell === "string") {
    if (PLAIN_NUMBER.test(cell) && (column.decimal === "." || !cell.includes("."))) {
      number = plainNumber(cell);
    } else {
      const found = column.pattern.exec(asciiSigns(cell, column.signs));
      if (found) number = undressed(found.groups, column);
    }
  }
  if (number === null) throw refused(cell, column, "a number");
  return [Number.isFinite(number) ? number : NaN];
}

function undressed(parts, column) {
  const body = column.thousands ? parts.body.replaceAll(column.thousands, "") : parts.body;
  const signs = [parts.a, parts.b, parts.c].filter((sign) => sign);
  const closed = (parts.close ?? "") + (parts.closes ?? "");
  if (signs.length > 1 || closed !== (parts.open ? ")" : "") || (parts.open && signs.length)) return null;
  const number = Number(body.replace(column.decimal, "."));
  return parts.open || signs[0] === "-" ? -number : number;
}

// A text with the signs and digits of numbers as ASCII has them.
function asciiSigns(text, signs) {
  let made = "";
  for (const sign of text) {
    if (sign.codePointAt(0) < 128) {
      made += sign;
    } else if (/\p{Nd}/u.test(sign)) {
      // The decimal digits of a script stand together, in order, and from a multiple of ten behind the first of them.
      let zero = sign.codePointAt(0);
      while (zero > 0 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
      made += (sign.codePointAt(0) - zero) % 10;
    } else {
      made += signs[sign] ?? sign;
    }
  }
  return made;
}

function readTruth(cell, column) {
  if (isGap(cell, column)) return [NaN];
  let number = null;
  if (typeof cell === "string") {
    const word = cell.toLowerCase();
    if (column.true.includes(word)) number = 1;
    else if (column.false.includes(word)) number = 0;
    else if (PLAIN_NUMBER.test(cell)) number = plainNumber(cell);
  } else if (typeof cell === "number" || typeof cell === "boolean") {
    number = Number(cell);
  }
  if (number !== 0 && number !== 1) throw refused(cell, column, "a truth value");
  return [number];
}

function readPlace(cell, column) {
  if (isGap(cell, column)) return [column.gap];
  let number = typeof cell === "boolean" ? String(cell) : cell;
  if (typeof number === "string") {
    const place = column.levels.get(number);
    if (place !== undefined) return [place];
    if (!PLAIN_NUMBER.test(number)) return [column.other];
    number = plainNumber(number);
  }
  // A number is also compared in its plain form, so that 1.0 is 1.
  return [column.numbers.get(number) ?? column.other];
}

// The signs of a text, letters as small ones, in words.
function wordsIn(text, column) {
  const words = [[]];
  for (const sign of text) {
    if (column.separators.includes(sign)) {
      words.push([]);
      continue;
    }
    const code = sign.codePointAt(0);
    const found = column.cases.find(([first, last, step]) => first <= code && code <= last && (code - first) % step === 0);
    words.at(-1).push(found ? String.fromCodePoint(code + found[3]) : sign);
  }
  return words.filter((word) => word.length);
}

// The 32-bit FNV-1a hash of a text in UTF-8.
function fnv(text) {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

// What a word counts as: itself between < and >, and each piece of so many signs of that, unless it is no longer.
function tokensOf(word, piece) {
  const framed = ["<", ...word, ">"];
  const pieces = framed.length > piece ? framed.length - piece + 1 : 0;
  return [framed.join(""), ...Array.from({ length: pieces }, (_, i) => framed.slice(i, i + piece).join(""))];
}

// How many of a text's words and pieces of words lie in each kept bucket, and if that is told NaN where it is missing.
function readWords(cell, column) {
  const counts = column.kept.map(() => 0);
  const gap = isGap(cell, column);
  if (!gap && typeof cell !== "string") throw refused(cell, column, "a text");
  if (!gap) {
    column.places ??= new Map(column.kept.map((bucket, place) => [bucket, place]));
    for (const word of wordsIn(cell, column)) {
      for (const token of tokensOf(word, column.piece)) {
        const place = column.places.get(fnv(token) % column.buckets);
        if (place !== undefined) counts[place]++;
      }
    }
  }
  if (column.tellsMissing) counts.push(gap ? NaN : 0);
  return counts;
}

// The days since 1970-01-01 of a date of the proleptic Gregorian calendar, NaN where there is no such date.
function daysOf(year, month, day) {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const last = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > last[month - 1]) return NaN;
  const y = month > 2 ? year : year - 1;
  const ofYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + ofYear - 719468;
}

function readDate(cell, column) {
  if (isGap(cell, column)) return column.parts.map(() => NaN);
  let text = cell;
  if (cell instanceof Date) text = column.timeOnly ? cell.toISOString().slice(11, 23) : cell.toISOString().slice(0, 23);
  if (typeof text === "string") {
    for (const pattern of column.patterns) {
      const parts = spelled(text, pattern, column);
      if (parts) return column.parts.map((name) => parts[name]);
    }
  }
  throw refused(cell, column, "a date or time that is spelled as they were");
}

function spelled(text, pattern, column) {
  const found = pattern.exec(text);
  if (!found) return null;
  const part = found.groups ?? {};
  let hour = Number(part.H ?? 0);
  if (part.I !== undefined) {
    hour = Number(part.I);
    if (hour < 1 || hour > 12) return null;
    hour = (hour % 12) + (part.p === "p" || part.p === "P" ? 12 : 0);
  }
  if (hour > 23) return null;
  const micro = Number((part.f ?? ".0").slice(1, 7).padEnd(6, "0"));
  const clock = ((hour * 60 + Number(part.M ?? 0)) * 60 + Number(part.S ?? 0)) * 1e6 + micro;
  const parts = { hour: (clock * 1000) / 3.6e12 };
  if (column.timeOnly) return parts;
  const year = Number(part.Y ?? (part.y < "70" ? "20" : "19") + part.y);
  const month = Number(part.m ?? column.months[part.b.toLowerCase()] ?? 0);
  const day = Number(part.d ?? 1);
  const days = daysOf(year, month, day);
  if (Number.isNaN(days)) return null;
  const weekday = ((((days + 3) % 7) + 7) % 7) + 1;
  return { ...parts, year, month, day, weekday, days: (days * 86400000000 + clock) / 8.64e10 };
}

const READERS = { number: readNumber, truth: readTruth, place: readPlace, date: readDate, words: readWords };

// Numbers that lie as little-endian floats in text.
function unpacked(text, size) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const numbers = new Float64Array(bytes.length / size);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = size === 4 ? view.getFloat32(4 * i, true) : view.getFloat64(8 * i, true);
  }
  return numbers;
}
