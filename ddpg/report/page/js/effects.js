/** With more different numbers than this a key is drawn over a continuous axis, and its means are of quarters. */
const LEVELS = 8;

/** The level of a run's value: the value itself, or its quarter where a key has many different numbers. */
function levelsOf(runs, key) {
  const values = [...new Set(runs.map((run) => run.keys[key] ?? "-"))].sort(byNature);
  if (!isContinuous(values)) return { names: values, of: (run) => run.keys[key] ?? "-" };
  const numbers = runs.map((run) => Number(run.keys[key])).sort((a, b) => a - b);
  const edges = [0.25, 0.5, 0.75].map((share) => numbers[Math.floor(share * numbers.length)]);
  const bounds = [numbers[0], ...edges, numbers.at(-1)];
  const names = edges
    .concat(NaN)
    .map((_, place) => `${shortNumber(bounds[place])} to ${shortNumber(bounds[place + 1])}`);
  return { names, of: (run) => names[edges.filter((edge) => Number(run.keys[key]) >= edge).length] };
}

function isContinuous(values) {
  return values.length > LEVELS && values.every((value) => value !== "" && Number.isFinite(Number(value)));
}

/** A key's main effect: the means of its levels over all other keys, and the share of the scores' variance between them. */
function effectOf(runs, key) {
  const levels = levelsOf(runs, key);
  const total = sumOfSquares(runs.map(chosenScore));
  const groups = levels.names
    .map((name) => ({ name, scores: runs.filter((run) => levels.of(run) === name).map(chosenScore) }))
    .filter(({ scores }) => scores.length);
  const within = groups.reduce((sum, { scores }) => sum + sumOfSquares(scores), 0);
  const ranked = [...groups].sort((a, b) => meanOf(b.scores) - meanOf(a.scores));
  return { groups, best: ranked[0], worst: ranked.at(-1), share: total > 0 ? 1 - within / total : 0 };
}

function chosenScore(run) {
  return run.scores[state.view.score];
}

function sumOfSquares(values) {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

function effectTable(effects) {
  return el(
    "details",
    { "data-key": "effects", open: true },
    el("summary", {}, "Main effects"),
    el(
      "p",
      { class: "note" },
      "Each key alone, averaged over all others: what the mean of its best value gains over its worst, and the share of the differences between all runs that it explains. Chance explains something too: with few runs a level, a small share means nothing.",
    ),
    tableOf(
      "Main effects",
      ["key", "best value", "mean", "worst value", "mean", "difference", "share explained"],
      effects.slice(0, 20).map(effectRow),
    ),
  );
}

function effectRow({ key, best, worst, share }) {
  return el(
    "tr",
    {},
    el("th", { scope: "row", class: "name" }, el("code", {}, key)),
    [best, worst].flatMap(({ name, scores }) => [
      el("td", {}, name),
      el("td", { class: "number" }, `${scoreNumber(meanOf(scores))} (n = ${scores.length})`),
    ]),
    el("td", { class: "number" }, scoreNumber(meanOf(best.scores) - meanOf(worst.scores))),
    el(
      "td",
      { class: "number" },
      el("span", { class: "bar", style: `--share:${share.toFixed(3)}` }),
      `${Math.round(100 * share)} %`,
    ),
  );
}
