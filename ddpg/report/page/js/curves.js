/** Points of a curve whose runs share no steps, and of a chart whose lines share none. */
const GRID = 200;
const MOST = 3000;

/**
 * The mean of a group's counted runs over an axis: {x, y, low, high, n, between}. As in ddpg.report.samples it is taken at
 * the places that all runs have; where these are fewer than half of a run's, at evenly spaced ones that all runs span,
 * on the lines between their points (`between`). low and high are null with fewer than 3 runs. Null without values.
 */
function groupCurve(group, metric, axis, t) {
  const key = `${metric} ${axis}`;
  if (!group.cache.has(key)) group.cache.set(key, computedCurve(group.counted, metric, axis, t));
  return group.cache.get(key);
}

function computedCurve(runs, metric, axis, t) {
  const curves = runs.map((run) => curveOf(run, metric, axis)).filter(Boolean);
  if (!curves.length) return null;
  const shared = sharedPlaces(curves);
  const between = shared.length < Math.min(...curves.map((curve) => curve.x.length)) / 2;
  const x = between ? commonGrid(curves) : shared;
  const columns = curves.map((curve) => Float64Array.from(x, (place) => valueAt(curve, place)));
  const rows = Array.from(x, (_, place) =>
    meanInterval(
      columns.map((column) => column[place]),
      t,
    ),
  );
  const bounded = curves.length >= ENOUGH;
  return {
    x,
    n: curves.length,
    between,
    y: rows.map((row) => row.mean),
    low: bounded ? rows.map((row) => row.low) : null,
    high: bounded ? rows.map((row) => row.high) : null,
  };
}

/** The places on the axis that all curves have, ascending. */
function sharedPlaces(curves) {
  let shared = [...curves[0].x];
  for (const curve of curves.slice(1)) {
    const own = new Set(curve.x);
    shared = shared.filter((place) => own.has(place));
  }
  return shared;
}

/** Evenly spaced places between where the last curve begins and the first one ends; none if there is no such span. */
function commonGrid(curves) {
  return evenly(
    Math.max(...curves.map((curve) => curve.x[0])),
    Math.min(...curves.map((curve) => curve.x.at(-1))),
    GRID,
  );
}

function evenly(first, last, points) {
  if (last < first) return [];
  if (last === first) return [first];
  return Array.from({ length: points }, (_, place) => first + ((last - first) * place) / (points - 1));
}

/** The places of a chart: all that its lines have, or evenly spaced ones where these are too many to draw. */
function chartPlaces(lines) {
  const every = new Set();
  for (const line of lines) for (const place of line.x) every.add(place);
  const places = Float64Array.from(every).sort();
  return places.length <= MOST ? places : Float64Array.from(evenly(places[0], places.at(-1), MOST / 3));
}

/** A line's values at the places of the chart, on the lines between its points; null before its first and after its last. */
function columnAt(places, x, y) {
  const curve = { x, y };
  return Array.from(places, (place) =>
    place >= x[0] && place <= x[x.length - 1] ? valueAt(curve, place) : null,
  );
}
