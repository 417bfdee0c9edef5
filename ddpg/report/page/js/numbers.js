/** Writes a number of steps briefly, as ddpg.record.series.short_number: 20000 -> 20k, 1500000 -> 1.5M. */
function shortNumber(value) {
  for (const [unit, letter] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ]) {
    if (Math.abs(value) >= unit) return `${trimmed(value / unit, 4)}${letter}`;
  }
  return trimmed(value, 4);
}

/** Writes a number with at most so many significant digits and no zeros at its end. */
function trimmed(value, digits) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e15) return exponential(value, Math.min(digits, 3) - 1).replace(/\.?0+e/, "e");
  return String(Number(halfToEven((some) => value.toPrecision(some), digits)));
}

/** Writes a power of ten with two digits, as Python does: 1.235e+07. */
function exponential(value, digits) {
  return halfToEven((some) => value.toExponential(some), digits).replace(/(?<=e[-+])(?=\d$)/, "0");
}

/** Writes a number with so many digits: halfway between two, the one whose last digit is even, as Python does. */
function halfToEven(write, digits) {
  const even = /^(.*[02468])50{19}(e.*)?$/.exec(write(digits + 20));
  return even ? even[1] + (even[2] ?? "") : write(digits);
}

/** Writes steps that ascend: 1k, 2k and 3k; of more than three the ends: 1k to 9k. */
function stepWords(steps) {
  return steps.length > 3
    ? `${shortNumber(steps[0])} to ${shortNumber(steps.at(-1))}`
    : listed(steps.map(shortNumber));
}

/** Writes a score with as many digits as it needs, as ddpg.report.text.number: 1.235e+07, 1234.5, 12.34, 0.00123. */
function scoreNumber(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e7) return exponential(value, 3);
  const fixed = (some) => value.toFixed(some);
  if (size >= 100) return halfToEven(fixed, 1);
  return size >= 1 || size === 0 ? halfToEven(fixed, 2) : trimmed(value, 3);
}

/** Writes a mean with the half width of its interval: 9110.4 ± 300.2; the mean alone where there is no interval. */
function withInterval({ mean, low, high }) {
  if (low === null) return scoreNumber(mean);
  if (low === high) return `${scoreNumber(mean)} (all equal)`;
  return `${scoreNumber(mean)} ± ${scoreNumber((high - low) / 2)}`;
}

/** Writes hours: 0.71 h, or minutes and seconds where that is less than one: 12 min, 35 s. */
function duration(hours) {
  if (hours === null || hours === undefined) return "–";
  if (hours >= 1) return `${trimmed(hours, 3)} h`;
  return hours * 60 >= 1 ? `${trimmed(hours * 60, 2)} min` : `${trimmed(hours * 3600, 2)} s`;
}

/** Writes a number with its noun: 2 seeds, 1 seed. */
function count(number, noun) {
  return `${number} ${number === 1 ? noun.replace(/s$/, "") : noun}`;
}

/** Joins words as in a sentence: a, b and c. */
function listed(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** Cuts a text that is longer than `most` characters. */
function shortened(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** Splits a text so that numbers are at odd places; a minus belongs to one after a = alone. */
const NUMBERS = /((?:(?<==)-)?\d+(?:\.\d+)?(?:e[-+]?\d+)?)/;

/** Orders texts so that numbers inside them count as numbers: lr=0.0003 before lr=0.001, and by sign. */
function byNature(one, other) {
  const [a, b] = [Number(one), Number(other)];
  if (one !== "" && other !== "" && Number.isFinite(a) && Number.isFinite(b)) return a - b;
  const [own, others] = [one.split(NUMBERS), other.split(NUMBERS)];
  for (let place = 0; place < Math.min(own.length, others.length); place += 1) {
    const order = place % 2 ? own[place] - others[place] : own[place].localeCompare(others[place], "en");
    if (order) return order;
  }
  return own.length - others.length;
}

/** Returns the known word that is nearest to one that is unknown, by the number of edits; null if none is near. */
function nearest(word, known) {
  const ranked = known.map((one) => [edits(word, one), one]).sort((a, b) => a[0] - b[0]);
  return ranked.length && ranked[0][0] <= Math.max(2, word.length / 2) ? ranked[0][1] : null;
}

function edits(one, other) {
  let row = Array.from({ length: other.length + 1 }, (_, place) => place);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[other.length];
}
