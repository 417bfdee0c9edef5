/** From so few seeds no interval is drawn, as in ddpg.report.intervals. */
const ENOUGH = 3;
/** With fewer seeds each of them is drawn as well. */
const FEW = 10;

function meanOf(values) {
  let total = 0;
  for (const value of values) total += value;
  return total / values.length;
}

/** The standard deviation of a sample (divided by n - 1). */
function deviationOf(values) {
  const mean = meanOf(values);
  let total = 0;
  for (const value of values) total += (value - mean) ** 2;
  return Math.sqrt(total / (values.length - 1));
}

/** The middle of the values; a value that is infinite (never reached) counts as larger than all others. */
function medianOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * The 97.5 % quantile of Student's t. Between whole degrees of freedom its logarithm is nearly a line over their
 * inverse: from 2 on the quantile is at most 0.5 % too large.
 */
function tQuantile(t, freedom) {
  const inside = Math.min(Math.max(freedom, 1), t.length);
  const below = Math.min(Math.floor(inside), t.length - 1);
  const share = (1 / below - 1 / inside) / (1 / below - 1 / (below + 1));
  return t[below - 1] ** (1 - share) * t[below] ** share;
}

/** The mean with Student's t interval of 95 %; low and high are null with fewer than ENOUGH values. */
function meanInterval(values, t) {
  const n = values.length;
  if (n === 0) return { mean: NaN, low: null, high: null, n };
  const mean = meanOf(values);
  if (n < ENOUGH) return { mean, low: null, high: null, n };
  const half = (tQuantile(t, n - 1) * deviationOf(values)) / Math.sqrt(n);
  return { mean, low: mean - half, high: mean + half, n };
}

/** Welch's 95 % interval of the difference of two means; null with fewer than ENOUGH values on a side. */
function differenceInterval(one, other, t) {
  if (one.length < ENOUGH || other.length < ENOUGH) return null;
  const a = deviationOf(one) ** 2 / one.length;
  const b = deviationOf(other) ** 2 / other.length;
  const difference = meanOf(one) - meanOf(other);
  const freedom = a + b ? (a + b) ** 2 / (a ** 2 / (one.length - 1) + b ** 2 / (other.length - 1)) : 1;
  const half = a + b ? tQuantile(t, freedom) * Math.sqrt(a + b) : 0;
  return { mean: difference, low: difference - half, high: difference + half };
}

/** The value of a curve at x, on the straight line between its points; before its first and after its last, that one. */
function valueAt(curve, x) {
  const after = placeOf(curve.x, x);
  if (curve.x[after] <= x || after === 0) return curve.y[after];
  const share = (x - curve.x[after - 1]) / (curve.x[after] - curve.x[after - 1]);
  return curve.y[after - 1] + share * (curve.y[after] - curve.y[after - 1]);
}

/** The first place whose value is at least x, in ascending values; the last place if there is none. */
function placeOf(ascending, x) {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The place whose value is nearest to x. */
function nearestPlace(ascending, x) {
  const after = placeOf(ascending, x);
  return after > 0 && x - ascending[after - 1] < ascending[after] - x ? after - 1 : after;
}
