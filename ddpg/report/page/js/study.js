/** Draws the panels of hyper-parameter studies into an element; `study` is {studies: [...]}. */
function drawStudy(study, element, tools) {
  for (const one of study.studies) element.append(studyArticle(one, tools));
}

function studyArticle(study, tools) {
  const { el } = tools;
  const head = el("h2", {}, `Study ${study.name}`);
  if (study.note) return el("article", {}, head, el("p", { class: "note" }, study.note));
  return el("article", { "data-study": study.name },
    head,
    studySummary(study, tools),
    el("div", { class: "panels" },
      confirmationPanel(study, tools),
      studyPanel(tools, "History", historyNote(study), historyChart(study, tools)),
      importancePanel(study, tools),
      studyPanel(tools, "Parallel coordinates", "A line is a trial that was trained to its end, through its values to its score. The best tenth is drawn strong.", parallelChart(study, tools)),
      studyPanel(tools, "Scores so far", valuesNote(study), valuesChart(study, tools))),
    el("details", { open: study.dimensions.length <= 8, "data-key": `slices ${study.name}` },
      el("summary", {}, "Score against each key"),
      el("div", { class: "panels small" }, study.dimensions.map((dimension) => studyPanel(tools, dimension.key, null, sliceChart(study, dimension, tools))))));
}

function studyPanel({ el }, title, note, chart) {
  return el("figure", { class: "panel" }, el("figcaption", {}, el("h3", {}, title)), chart ?? el("p", { class: "note" }, "No trial has a score yet."), note ? el("p", { class: "note" }, note) : null);
}

/** The trials that were trained to their ends, the best first. */
function completeTrials(study) {
  const sign = study.direction === "maximize" ? -1 : 1;
  return study.trials.filter((trial) => trial.state === "complete").sort((a, b) => sign * (a.value - b.value) || a.number - b.number);
}

function studySummary(study, { el, scoreNumber }) {
  const counts = ["complete", "pruned", "failed", "open"].map((state) => [study.trials.filter((trial) => trial.state === state).length, state === "open" ? "not ended" : state]);
  const listed = counts.filter(([count]) => count).map(([count, word]) => `${count} ${word}`).join(", ");
  const complete = completeTrials(study);
  const control = complete.filter((trial) => trial.control)[0];
  const best = complete[0] ? ` Best: trial ${complete[0].number}, score ${scoreNumber(complete[0].value)}` : "";
  const beside = control ? `; best of the random controls: trial ${control.number}, ${scoreNumber(control.value)}.` : complete[0] ? "." : "";
  return el("div", {},
    el("p", {}, `${study.trials.length} of ${study.n_trials} trials: ${listed || "none yet"}.${best}${beside}`),
    el("p", { class: "note" }, `The score is the ${study.score}, to ${study.direction}. Trials are proposed by ${study.method} and stopped by ${study.pruner}. The best score was chosen among many, so it flatters; a second look on other seeds says by how much.`));
}

/** The marks of a trial: a filled point, a hollow square for a random control, a cross for a pruned one, a triangle for a failed one. */
function trialMark(trial, x, y, { svg, palette, scoreNumber }) {
  const name = svg("title", {}, trialText(trial, scoreNumber));
  if (trial.state === "pruned") return svg("path", { d: `M${x - 3.5} ${y - 3.5}l7 7m0 -7l-7 7`, stroke: "var(--muted)", "stroke-width": 1.4, fill: "none" }, name);
  if (trial.state === "failed") return svg("path", { d: `M${x} ${y - 4.5}l4.5 8h-9z`, fill: palette[1] }, name);
  if (trial.control) return svg("rect", { x: x - 3.5, y: y - 3.5, width: 7, height: 7, fill: "var(--paper)", stroke: palette[2], "stroke-width": 1.8 }, name);
  return svg("circle", { cx: x, cy: y, r: 3.6, fill: palette[0], "fill-opacity": 0.8 }, name);
}

function trialText(trial, scoreNumber) {
  const params = Object.entries(trial.params).map(([key, value]) => `${key}=${typeof value === "number" ? Number(value.toPrecision(4)) : value}`);
  const score = trial.value === null ? "no score" : scoreNumber(trial.value);
  return [`trial ${trial.number}: ${trial.state}, ${score}${trial.control ? ", random control" : ""}`, trial.why, ...params].filter(Boolean).join("\n");
}

function historyNote(study) {
  const kinds = [["control", "hollow squares: random controls"], ["pruned", "crosses: pruned trials, at their scores so far"], ["failed", "triangles: failed trials, at the score as which they count"]];
  const there = kinds.filter(([kind]) => study.trials.some((trial) => (kind === "control" ? trial.control : trial.state === kind)));
  return ["Points: trials in the order in which they ended; the line: the best so far", ...there.map(([, text]) => text)].join("; ") + ".";
}

function historyChart(study, tools) {
  const { frame, svg, palette } = tools;
  const scored = study.trials.filter((trial) => trial.value !== null);
  if (!scored.length) return null;
  const chart = frame({
    width: 520, height: 300, label: "History of the study",
    x: { label: "trials that have ended", kind: "linear", domain: [0, Math.max(...scored.map((trial) => trial.order)) + 2] },
    y: { label: "score", kind: "linear", domain: domainOf(scored.map((trial) => trial.value)) },
  });
  const steps = study.best.map(([count, value], place) => (place ? `H${chart.x(count)}V${chart.y(value)}` : `M${chart.x(count)} ${chart.y(value)}`));
  chart.plot.append(
    svg("path", { d: steps.join("") || "M0 0", fill: "none", stroke: palette[0], "stroke-width": 1.6 }),
    ...scored.map((trial) => trialMark(trial, chart.x(trial.order + 1), chart.y(trial.value), tools)));
  return chart.svg;
}

function importancePanel(study, tools) {
  const { el } = tools;
  const found = study.importances;
  if (found.note) return el("figure", { class: "panel" }, el("figcaption", {}, el("h3", {}, "Importances")), el("p", { class: "note" }, found.note));
  const rows = found.shares.map(([key, share]) => el("tr", {},
    el("th", { scope: "row", class: "name" }, el("code", {}, key)),
    el("td", { class: "number" }, el("span", { class: "bar", style: `--share:${share.toFixed(3)}` }), `${Math.round(100 * share)} %`)));
  return studyPanel(tools, "Importances", `${found.evaluator}.`, el("table", {}, el("tbody", {}, rows)));
}

/** One vertical axis for each key, the score last. */
function parallelChart(study, { svg, palette, shortNumber, scoreNumber }) {
  const trials = completeTrials(study);
  if (!trials.length) return null;
  const scoreAxis = { key: "score", short: "score", kind: "linear", domain: domainOf(trials.map((trial) => trial.value)) };
  const axes = [...study.dimensions, scoreAxis];
  const [width, top, bottom] = [Math.max(520, 92 * axes.length), 30, 262];
  const at = (place) => 50 + (place * (width - 100)) / (axes.length - 1);
  const scales = axes.map((axis) => scaleOf(axis, bottom, top));
  const strong = Math.max(1, Math.round(trials.length / 10));
  const lines = trials.map((trial, rank) => parallelLine(svg, palette, trial, trialText(trial, scoreNumber), rank < strong,
    axes.map((axis, place) => {
      const value = axis === scoreAxis ? trial.value : trial.params[axis.key];
      return value === undefined ? null : [at(place), scales[place](value)];
    })));
  return svg("svg", { viewBox: `0 0 ${width} 290`, role: "img", "aria-label": "Parallel coordinates", class: "frame" },
    lines.reverse(),
    axes.map((axis, place) => parallelAxis(svg, axis, at(place), top, bottom, scales[place], shortNumber)));
}

function parallelLine(svg, palette, trial, text, isStrong, points) {
  const known = points.filter(Boolean);
  return svg("path", {
    d: known.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(""), fill: "none",
    stroke: isStrong ? palette[1] : "var(--muted)", "stroke-width": isStrong ? 2.2 : 1, "stroke-opacity": isStrong ? 0.95 : 0.35,
  }, svg("title", {}, text));
}

function parallelAxis(svg, axis, x, top, bottom, scale, shortNumber) {
  const ticks = axis.kind === "category" ? axis.values : axis.domain;
  return svg("g", { class: "axes" },
    svg("line", { x1: x, x2: x, y1: top, y2: bottom, class: "base" }),
    ticks.map((tick) => svg("text", { x: x + 4, y: scale(tick) + (axis.kind === "category" ? 4 : tick === axis.domain[0] ? -2 : 10), "text-anchor": "start", stroke: "var(--paper)", "stroke-width": 3, "paint-order": "stroke" },
      axis.kind === "category" ? shortened(String(tick), 12) : shortNumber(Number(tick.toPrecision(3))))),
    svg("text", { x, y: top - 12, "text-anchor": "middle", class: "title" }, shortened(axis.short, 15), svg("title", {}, axis.key)));
}

function valuesNote(study) {
  const pruned = study.trials.some((trial) => trial.state === "pruned");
  return `The score at each evaluation of all runs of a trial; where a further seed begins, it is averaged in.${pruned ? " Crosses: pruned there." : ""}`;
}

function valuesChart(study, tools) {
  const { frame, svg, palette } = tools;
  const trials = study.trials.filter((trial) => trial.values.length);
  if (!trials.length) return null;
  const all = trials.flatMap((trial) => trial.values.map(([, value]) => value));
  const chart = frame({
    width: 520, height: 300, label: "Scores so far",
    x: { label: "environment steps of all runs of a trial", kind: "linear", domain: [0, Math.max(...trials.flatMap((trial) => trial.values.map(([step]) => step)))] },
    y: { label: "score so far", kind: "linear", domain: domainOf(all) },
  });
  const best = completeTrials(study)[0];
  for (const trial of [...trials.filter((one) => one !== best), ...(best ? [best] : [])]) {
    if (!trial.values.length) continue;
    const points = trial.values.map(([step, value]) => [chart.x(step), chart.y(value)]);
    const isBest = trial === best;
    chart.plot.append(svg("path", {
      d: points.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(""), fill: "none",
      stroke: isBest ? palette[1] : trial.state === "pruned" ? "var(--muted)" : palette[0], "stroke-width": isBest ? 2.2 : 1, "stroke-opacity": isBest ? 1 : 0.5,
    }, svg("title", {}, trialText(trial, tools.scoreNumber))));
    if (trial.state === "pruned") chart.plot.append(trialMark(trial, ...points.at(-1), tools));
  }
  return chart.svg;
}

function sliceChart(study, dimension, tools) {
  const scored = study.trials.filter((trial) => trial.value !== null && trial.params[dimension.key] !== undefined);
  if (!scored.length) return null;
  const chart = tools.frame({
    width: 300, height: 220, label: `Score against ${dimension.key}`,
    x: { label: dimension.key, kind: dimension.kind, domain: dimension.domain, values: dimension.values },
    y: { label: "score", kind: "linear", domain: domainOf(scored.map((trial) => trial.value)) },
  });
  chart.plot.append(...scored.map((trial) => trialMark(trial, chart.x(trial.params[dimension.key]), chart.y(trial.value), tools)));
  return chart.svg;
}

/** The best trials on the seeds that chose them and on new ones, each with its interval. */
function confirmationPanel(study, tools) {
  const { el } = tools;
  const found = study.confirmation;
  const empty = (...texts) => el("figure", { class: "panel" }, el("figcaption", {}, el("h3", {}, "Search against confirmation")), el("p", { class: "note" }, ...texts));
  if (!found) return empty("No second look yet: ", el("code", {}, `ddpg-sweep confirm ${study.folder}`), " trains the best trials again on seeds that the study has not seen.");
  if (found.note) return empty(found.note);
  return el("figure", { class: "panel" },
    el("figcaption", {}, el("h3", {}, "Search against confirmation")),
    confirmationChart(found, tools),
    el("p", {}, confirmationText(found, tools.scoreNumber)),
    el("p", { class: "note" }, "Grey: the seeds on which a trial was chosen; coloured: new seeds. Small points are single seeds, the large one their ", found.over_seeds, "; bars are 95 % intervals."));
}

function confirmationText(found, scoreNumber) {
  const signed = (value) => `${value > 0 ? "+" : ""}${scoreNumber(value)}`;
  const failures = found.rows.filter(({ confirmed }) => confirmed.failed).map(({ trial, confirmed }) => `Trial ${trial} failed on ${confirmed.failed} of the new seeds. `).join("");
  if (found.difference === null) return `${failures}The winner has no score on the new seeds.`;
  const change = `On new seeds the winner's score differs by ${signed(found.difference)}.`;
  if (found.expected === null) return `${failures}${change} How much of that its selection explains is not known.`;
  return `${failures}${change} A difference of ${signed(found.expected)} is expected from having been chosen as the best of ${found.trials} alone.`;
}

function confirmationChart(found, tools) {
  const { frame, svg, palette } = tools;
  const looks = found.rows.flatMap(({ tuned, confirmed }) => [tuned, confirmed]).filter((look) => look.score !== null);
  const values = looks.flatMap((look) => [look.low, look.high, ...look.scores]).filter((value) => value !== null);
  const chart = frame({
    width: 520, height: 260, label: "Search against confirmation",
    x: { label: "trial, the best in the search first", kind: "category", values: found.rows.map(({ trial }) => trial) },
    y: { label: "score", kind: "linear", domain: domainOf(values) },
  });
  for (const { trial, tuned, confirmed } of found.rows) {
    chart.plot.append(lookMark(tuned, chart.x(trial) - 14, "var(--muted)", chart, svg), lookMark(confirmed, chart.x(trial) + 14, palette[0], chart, svg));
  }
  return chart.svg;
}

function lookMark(look, x, colour, chart, svg) {
  const bar = look.low === null ? null : svg("path", { d: `M${x} ${chart.y(look.low)}V${chart.y(look.high)}m-4 0h8M${x - 4} ${chart.y(look.low)}h8`, stroke: colour, "stroke-width": 1.8, fill: "none" });
  return svg("g", {}, bar,
    look.scores.map((score) => svg("circle", { cx: x, cy: chart.y(score), r: 2.2, fill: colour, "fill-opacity": 0.5 })),
    look.score === null ? null : svg("circle", { cx: x, cy: chart.y(look.score), r: 4.8, fill: colour }));
}
