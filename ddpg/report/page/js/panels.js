/** With more lines in a chart single seeds are drawn on demand alone, and bands where a line is pointed at. */
const CLEAR = 6;
const BANDED = 12;

/** Draws the learning curves: a panel for each environment. */
function renderPanels(element) {
  removeCharts(element);
  const { environments } = state.model;
  replace(
    element,
    environments.map((environment) =>
      el(
        "article",
        { class: "panel", "data-environment": environment.name },
        el("header", {}, el("h3", {}, environment.name), zoomButton(environment.name)),
        el("div", { class: "chart" }),
        el("div", { class: "below" }),
      ),
    ),
  );
  environments.forEach((environment, place) => fillPanel(element.children[place], environment));
}

function zoomButton(name) {
  if (!state.view.zoom[name]) return null;
  return el(
    "button",
    { type: "button", "data-key": `zoom ${name}`, onclick: () => zoomTo(name, null) },
    "Reset zoom",
  );
}

function zoomTo(name, bounds) {
  const { [name]: _, ...others } = state.view.zoom;
  choose({ zoom: bounds ? { ...others, [name]: bounds } : others });
}

function fillPanel(panel, environment) {
  const { view, payload } = state;
  const lines = linesOf(environment, view, payload.t);
  const shown = environment.groups.filter((group) => !view.hidden.includes(group.label));
  const references = view.references ? referencesFor(environment.name, view.metric) : [];
  if (!lines.length) {
    panel.querySelector(".chart").append(el("p", { class: "empty" }, emptyReason(shown, view)));
    return;
  }
  const facts = metricFacts(payload, view.metric);
  drawChart(panel.querySelector(".chart"), {
    label: spokenSummary(environment, lines),
    lines,
    references,
    log: view.log,
    zoom: view.zoom[environment.name] ?? null,
    x: {
      label: AXES[view.x],
      name: { step: "step", hours: "after", updates: "update" }[view.x],
      unit: view.x === "hours" ? " h" : "",
    },
    y: { label: labelOf(facts) },
    onzoom: (bounds) => zoomTo(environment.name, bounds),
  });
  panel.querySelector(".below").append(...panelNotes(lines, shown), ...references.map(referenceNote));
}

/** A metric's title with its unit, unless the title says it. */
function labelOf({ title, unit }) {
  return unit && !title.toLowerCase().includes(unit.toLowerCase()) ? `${title} (${unit})` : title;
}

/** Why a panel has no line. */
function emptyReason(groups, view) {
  if (!groups.length) return "Every line is hidden.";
  const runs = groups.flatMap((group) => group.runs);
  if (!runs.some((run) => run.curves[view.metric])) return `No run has recorded ${view.metric} here yet.`;
  return `No run has recorded ${view.metric} over ${AXES[view.x]}.`;
}

/** The lines of an environment's chart: the mean of each group that is not hidden, and its single seeds. */
function linesOf(environment, view, t) {
  const groups = environment.groups.filter((group) => !view.hidden.includes(group.label));
  const lines = groups.flatMap((group) => {
    const mean = groupCurve(group, view.metric, view.x, t);
    const common = {
      label: group.label,
      look: state.model.looks.get(group.label),
      quiet: groups.length > BANDED,
    };
    const seeds = seedsShown(group, groups.length, view)
      ? group.runs
      : group.runs.filter((run) => view.seeds === "auto" && isSoleHope(run, mean));
    return [...seedLines(seeds, common, view), ...(mean ? [{ ...common, ...mean }] : [])];
  });
  return lines.sort((a, b) => Number(b.look === FAINT) - Number(a.look === FAINT));
}

/** Single seeds are drawn where the reader wants them, or by default where the group has few, and the chart few lines. */
function seedsShown(group, lines, view) {
  return (
    view.seeds === "on" ||
    (view.seeds === "auto" && lines <= CLEAR && group.runs.length > 1 && group.started.length < FEW)
  );
}

/** A run that is left out is drawn by itself where its group has no mean yet. */
function isSoleHope(run, mean) {
  return mean === null && !run.counts;
}

function seedLines(runs, common, view) {
  return runs
    .map((run) => ({ run, curve: curveOf(run, view.metric, view.x) }))
    .filter(({ curve }) => curve)
    .map(({ run, curve }) => ({ ...common, ...curve, thin: true, cross: !run.counts, n: 0, low: null }));
}

/** Sentences below a chart: what its lines are, and what is left out. */
function panelNotes(lines, groups) {
  const notes = [];
  const means = lines.filter((line) => !line.thin);
  if (means.some((line) => line.low))
    notes.push(
      `band: 95 % interval of the mean (Student's t)${means.some((line) => line.quiet) ? ", of the line whose name above you point at" : ""}`,
    );
  if (means.some((line) => !line.low)) notes.push("no band: fewer than 3 seeds");
  if (lines.some((line) => line.thin && !line.cross)) notes.push("thin: each single seed");
  if (lines.some((line) => line.cross)) notes.push("ends in a cross: a run that is left out of the mean");
  if (means.some((line) => line.between))
    notes.push(
      "the runs share no points on this axis: means of the lines between their points, as far as all have come",
    );
  if (means.some((line) => !line.x.length))
    notes.push("some runs have no stretch of this axis in common: no mean");
  const mixed = groups.filter((group) => group.mixed);
  if (mixed.length)
    notes.push(
      `a line averages over up to ${Math.max(...mixed.map((group) => group.mixed))} configurations, not over seeds alone`,
    );
  return notes.length ? [el("p", { class: "note" }, `${notes.join("; ")}.`)] : [];
}

/** What a screen reader says of a chart. */
function spokenSummary(environment, lines) {
  const ends = lines
    .filter((line) => !line.thin && line.x.length)
    .map((line) => `${line.label} ends at ${scoreNumber(line.y.at(-1))} with n = ${line.n}`);
  return `Learning curves of ${environment.name}. ${ends.join("; ")}. Arrow keys read values, + and - zoom, 0 shows all.`;
}

/** The reference scores of an environment, where the metric is a return. */
function referencesFor(name, metric) {
  return isReturn(metric)
    ? (state.payload.references ?? []).filter((one) => one.environment === name && Number.isFinite(one.score))
    : [];
}

function referenceNote(one) {
  const words = [
    `${one.preset}: ${scoreNumber(one.score)}${one.spread === null ? "" : ` ± ${scoreNumber(one.spread)} (${one.spread_kind})`}`,
    one.convention,
    one.steps ? `after ${shortNumber(one.steps)} steps` : null,
    one.protocol,
  ]
    .filter(Boolean)
    .join(", ");
  return el(
    "p",
    { class: "note reference" },
    el("strong", {}, "Reference "),
    words,
    ". Source: ",
    sourceLink(one),
    ".",
    one.differs ? el("span", { class: "warn" }, ` ≠ the protocol differs: ${one.differs}`) : null,
  );
}

/** The source of a reference score, as a link where its address is one of the web. */
function sourceLink({ source, url }) {
  return /^https?:\/\//.test(url ?? "")
    ? el("a", { href: url, rel: "noreferrer" }, source ?? url)
    : el("span", {}, source ?? "unknown");
}
