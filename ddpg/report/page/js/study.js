/** Draws the panels of hyper-parameter studies into an element. */
function drawStudy({ studies }, element) {
  replace(element, studies.map(studyArticle));
}

function studyArticle(study) {
  const head = el("h2", {}, `Study ${study.name}`);
  if (study.note) return el("article", {}, head, el("p", { class: "note" }, study.note));
  return el(
    "article",
    { "data-study": study.name },
    head,
    studySummary(study),
    study.population ? el("div", { class: "panels" }, populationPanels(study)) : searchPanels(study),
  );
}

function searchPanels(study) {
  return [
    el(
      "div",
      { class: "panels" },
      confirmationPanel(study),
      studyPanel("History", historyNote(study), historyChart(study)),
      importancePanel(study),
      studyPanel(
        "Parallel coordinates",
        "A line is a trial that was trained to its end, through its values to its score. The best tenth is drawn strong.",
        parallelChart(study),
      ),
      studyPanel("Scores so far", valuesNote(study), valuesChart(study)),
    ),
    el(
      "details",
      { open: study.dimensions.length <= 8, "data-key": `slices ${study.name}` },
      el("summary", {}, "Score against each key"),
      el(
        "div",
        { class: "panels small" },
        study.dimensions.map((dimension) => studyPanel(dimension.key, null, sliceChart(study, dimension))),
      ),
    ),
  ];
}

function studyPanel(title, note, chart) {
  return el(
    "figure",
    { class: "panel" },
    el("figcaption", {}, el("h3", {}, title)),
    chart ?? el("p", { class: "note" }, "No trial has a score yet."),
    note ? el("p", { class: "note" }, note) : null,
  );
}

/** The trials that were trained to their ends, of a population its newest generation, the best first. */
function completeTrials(study) {
  const sign = study.direction === "maximize" ? -1 : 1;
  const newest = study.population && new Set(study.population.lineages.map(({ trial }) => trial));
  return study.trials
    .filter((trial) => trial.state === "complete" && (!newest || newest.has(trial.number)))
    .sort((a, b) => sign * (a.value - b.value) || a.number - b.number);
}

function studySummary(study) {
  const counts = ["complete", "pruned", "failed", "open"].map((state) => [
    study.trials.filter((trial) => trial.state === state).length,
    state === "open" ? "not ended" : state,
  ]);
  const listed = counts
    .filter(([count]) => count)
    .map(([count, word]) => `${count} ${word}`)
    .join(", ");
  const complete = completeTrials(study);
  const control = complete.filter((trial) => trial.control)[0];
  const best = complete[0]
    ? ` Best: trial ${complete[0].number}, score ${scoreNumber(complete[0].value)}`
    : "";
  const beside = control
    ? `; best of the random controls: trial ${control.number}, ${scoreNumber(control.value)}.`
    : complete[0]
      ? "."
      : "";
  return el(
    "div",
    {},
    el(
      "p",
      {},
      `${study.trials.length} of ${study.n_trials} trials: ${listed || "none yet"}.${best}${beside}`,
    ),
    el(
      "p",
      { class: "note" },
      `The score: ${study.score}, to ${study.direction}. ${study.how} The best score was chosen among many, so it flatters; a second look on other seeds says by how much.`,
    ),
  );
}

/** The marks of a trial: a filled point, a hollow square for a random control, a cross for a pruned one, a triangle for a failed one. */
function trialMark(trial, x, y) {
  const name = svg("title", {}, trialText(trial));
  if (trial.state === "pruned")
    return svg(
      "path",
      {
        d: `M${x - 3.5} ${y - 3.5}l7 7m0 -7l-7 7`,
        stroke: "var(--muted)",
        "stroke-width": 1.4,
        fill: "none",
      },
      name,
    );
  if (trial.state === "failed")
    return svg("path", { d: `M${x} ${y - 4.5}l4.5 8h-9z`, fill: palette[1] }, name);
  if (trial.control)
    return svg(
      "rect",
      {
        x: x - 3.5,
        y: y - 3.5,
        width: 7,
        height: 7,
        fill: "var(--paper)",
        stroke: palette[2],
        "stroke-width": 1.8,
      },
      name,
    );
  return svg("circle", { cx: x, cy: y, r: 3.6, fill: palette[0], "fill-opacity": 0.8 }, name);
}

function trialText(trial) {
  const params = Object.entries(trial.params).map(
    ([key, value]) => `${key}=${typeof value === "number" ? Number(value.toPrecision(4)) : value}`,
  );
  const score = trial.value === null ? "no score" : scoreNumber(trial.value);
  return [
    `trial ${trial.number}: ${trial.state}, ${score}${trial.control ? ", random control" : ""}`,
    trial.why,
    ...params,
  ]
    .filter(Boolean)
    .join("\n");
}

function importancePanel(study) {
  const found = study.importances;
  if (found.note)
    return el(
      "figure",
      { class: "panel" },
      el("figcaption", {}, el("h3", {}, "Importances")),
      el("p", { class: "note" }, found.note),
    );
  const rows = found.shares.map(([key, share]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row", class: "name" }, el("code", {}, key)),
      el(
        "td",
        { class: "number" },
        el("span", { class: "bar", style: `--share:${share.toFixed(3)}` }),
        `${Math.round(100 * share)} %`,
      ),
    ),
  );
  return studyPanel("Importances", `${found.evaluator}.`, el("table", {}, el("tbody", {}, rows)));
}
