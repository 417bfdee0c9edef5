/** Draws, for each environment, what the swept keys do to the score: each key, two keys together, main effects. */
function renderSwept(element) {
  const drawn = state.model.rated
    .map((environment) => ({ environment, keys: sweptIn(environment) }))
    .filter(({ keys }) => keys.length);
  byId("swept-section").hidden = !drawn.length;
  replace(
    element,
    drawn.map(({ environment, keys }) => sweptPanels(environment, keys)),
  );
}

/** The keys that differ between the counted runs of an environment and have a score, the one with most effect first. */
function sweptIn(environment) {
  const runs = scoredRuns(environment);
  return sweptKeys(runs)
    .map((key) => ({ key, ...effectOf(runs, key) }))
    .sort((a, b) => b.share - a.share || byNature(a.key, b.key));
}

/** The counted runs of an environment that have a score by the chosen convention. */
function scoredRuns(environment) {
  return environment.groups
    .flatMap((group) => group.counted)
    .filter((run) => Number.isFinite(run.scores[state.view.score]));
}

function sweptPanels(environment, effects) {
  const runs = scoredRuns(environment);
  const why = whyUnlike(runs, state.view.score);
  const shown = effects.slice(0, 12);
  return el(
    "article",
    { "data-environment": environment.name, class: effects.length > 1 ? "wide" : "" },
    el("h3", {}, environment.name),
    why
      ? el(
          "p",
          { class: "warn" },
          `These runs are ${why}: their means, and what differs between these, reflect that too.`,
        )
      : null,
    effects.length > 1 ? effectTable(effects) : null,
    el(
      "div",
      { class: "panels small" },
      shown.map((effect) =>
        el(
          "figure",
          { class: "panel" },
          el("figcaption", {}, el("code", {}, effect.key)),
          keyChart(environment.name, runs, effect),
        ),
      ),
      effects.length > 1 ? gridPanel(environment.name, runs, effects) : null,
    ),
    effects.length > shown.length
      ? el("p", { class: "note" }, `The ${shown.length} keys with the largest effects of ${effects.length}.`)
      : null,
  );
}

/** The score of every run over the values of one key, with the mean and its interval at each value. */
function keyChart(name, runs, { key, groups }) {
  const scores = runs.map(chosenScore);
  const values = [...new Set(runs.map((run) => run.keys[key] ?? "-"))].sort(byNature);
  const continuous = isContinuous(values);
  const numbers = continuous ? values.map(Number) : [];
  const kind = continuous && spansPowers(numbers) ? "log" : continuous ? "linear" : "category";
  const x = {
    label: kind === "log" ? `${key} (log axis)` : key,
    kind,
    values,
    domain: continuous ? domainOf(numbers, kind) : null,
  };
  const means = continuous ? [] : groups;
  const bounds = means.flatMap((group) => boundsOf(group.scores));
  const chart = frame({
    width: 380,
    height: 260,
    label: `${name}: score over ${key}`,
    x,
    y: { label: conventionTitle(state.view.score), kind: "linear", domain: domainOf([...scores, ...bounds]) },
  });
  chart.plot.append(
    ...runs.map((run, place) =>
      scorePoint(
        chart,
        run,
        continuous ? Number(run.keys[key]) : (run.keys[key] ?? "-"),
        continuous ? 0 : jitter(place),
      ),
    ),
  );
  chart.plot.append(...means.flatMap(({ name: value, scores: own }) => meanMark(chart, value, own)));
  return chart.svg;
}

/** The ends of the interval of a mean, none where there is no interval. */
function boundsOf(scores) {
  const { low, high } = meanInterval(scores, state.payload.t);
  return low === null ? [] : [low, high];
}

/** A shift to the side that is the same at every drawing, so that equal scores do not hide each other. */
function jitter(place) {
  return (((place * 0.618034) % 1) - 0.5) * 16;
}

function scorePoint(chart, run, value, shift) {
  const look = state.model.looks.get(groupLabel(run, state.view.groupBy));
  return svg(
    "circle",
    {
      cx: chart.x(value) + shift,
      cy: chart.y(chosenScore(run)),
      r: 3.2,
      class: "point",
      style: `fill:${look.color}`,
      onclick: () => openRun(run.id),
    },
    svg("title", {}, `${run.configuration}, seed ${run.seed}: ${scoreNumber(chosenScore(run))}`),
  );
}

function meanMark(chart, value, scores) {
  const { mean, low, high, n } = meanInterval(scores, state.payload.t);
  const at = chart.x(value) + 14;
  const words = svg("title", {}, `mean ${withInterval({ mean, low, high })}, n = ${n}`);
  return [
    low === null
      ? null
      : svg("line", { x1: at, x2: at, y1: chart.y(low), y2: chart.y(high), class: "interval" }),
    svg(
      "rect",
      {
        x: at - 4,
        y: chart.y(mean) - 4,
        width: 8,
        height: 8,
        class: "mean",
        transform: `rotate(45 ${at} ${chart.y(mean)})`,
      },
      words,
    ),
  ].filter(Boolean);
}

/** The means over two keys as a grid of coloured cells; the two are chosen by the reader, at first those of most effect. */
function gridPanel(name, runs, effects) {
  const keys = effects.map(({ key }) => key);
  const chosen = state.view.grid.filter((key) => keys.includes(key));
  const [across, down] = [...new Set([...chosen, ...keys])];
  const pick = (label, value, other, place) =>
    field(
      label,
      select(
        `grid ${place} ${name}`,
        keys.filter((key) => key !== other).map((key) => [key, key]),
        value,
        (key) => choose({ grid: place === 0 ? [key, down] : [across, key] }),
      ),
    );
  return el(
    "figure",
    { class: "panel grid-of-two" },
    el("figcaption", {}, "Two keys together: means"),
    el("div", { class: "row" }, pick("across", across, down, 0), pick("down", down, across, 1)),
    heatTable(runs, across, down),
  );
}

function heatTable(runs, across, down) {
  const columns = levelsOf(runs, across);
  const rows = levelsOf(runs, down);
  const cells = rows.names.map((row) =>
    columns.names.map((column) =>
      runs.filter((run) => rows.of(run) === row && columns.of(run) === column).map(chosenScore),
    ),
  );
  const means = cells
    .flat()
    .filter((scores) => scores.length)
    .map(meanOf);
  const [low, high] = [Math.min(...means), Math.max(...means)];
  return el(
    "div",
    { class: "scroll" },
    el(
      "table",
      { class: "heat" },
      heatHead(across, down, columns.names),
      el(
        "tbody",
        {},
        rows.names.map((row, place) =>
          el(
            "tr",
            {},
            el("th", { scope: "row" }, row),
            cells[place].map((scores) => heatCell(scores, low, high)),
          ),
        ),
      ),
    ),
  );
}

function heatHead(across, down, names) {
  return el(
    "thead",
    {},
    el(
      "tr",
      {},
      el("td", {}),
      el("th", { scope: "colgroup", colspan: names.length }, el("code", {}, across)),
    ),
    el(
      "tr",
      {},
      el("th", { scope: "col" }, el("code", {}, down)),
      names.map((name) => el("th", { scope: "col" }, name)),
    ),
  );
}

/** A cell: its mean and number of runs; the deeper its colour, the higher the mean. */
function heatCell(scores, low, high) {
  if (!scores.length) return el("td", { class: "none" }, "no run");
  const heat = high > low ? (meanOf(scores) - low) / (high - low) : 0.5;
  return el(
    "td",
    { class: heat > 0.7 ? "hot" : "cool", style: `--heat:${Math.round(10 + 85 * heat)}%` },
    scoreNumber(meanOf(scores)),
    el("small", {}, `n = ${scores.length}`),
  );
}
