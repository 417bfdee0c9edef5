/** The best trials on the seeds that chose them and on new ones, each with its interval. */
function confirmationPanel(study) {
  const found = study.confirmation;
  const empty = (...texts) =>
    el(
      "figure",
      { class: "panel" },
      el("figcaption", {}, el("h3", {}, "Search against confirmation")),
      el("p", { class: "note" }, ...texts),
    );
  if (!found)
    return empty(
      "No second look yet: ",
      el("code", {}, `ddpg-sweep confirm ${study.folder}`),
      " trains the best trials again on seeds that the study has not seen.",
    );
  if (found.note) return empty(found.note);
  return el(
    "figure",
    { class: "panel" },
    el("figcaption", {}, el("h3", {}, "Search against confirmation")),
    confirmationChart(found),
    el("p", {}, confirmationText(found)),
    el(
      "p",
      { class: "note" },
      "Grey: the seeds on which a trial was chosen; coloured: new seeds. Small points are single seeds, the large one their ",
      found.over_seeds,
      "; bars are 95 % intervals.",
    ),
  );
}

function confirmationText(found) {
  const signed = (value) => `${value > 0 ? "+" : ""}${scoreNumber(value)}`;
  const failures = found.rows
    .filter(({ confirmed }) => confirmed.failed)
    .map(({ trial, confirmed }) => `Trial ${trial} failed on ${confirmed.failed} of the new seeds. `)
    .join("");
  if (found.difference === null) return `${failures}The winner has no score on the new seeds.`;
  const change = `On new seeds the winner's score differs by ${signed(found.difference)}.`;
  if (found.expected === null)
    return `${failures}${change} How much of that its selection explains is not known.`;
  return `${failures}${change} A difference of ${signed(found.expected)} is expected from having been chosen as the best of ${found.trials} alone.`;
}

function confirmationChart(found) {
  const looks = found.rows
    .flatMap(({ tuned, confirmed }) => [tuned, confirmed])
    .filter((look) => look.score !== null);
  const values = looks
    .flatMap((look) => [look.low, look.high, ...look.scores])
    .filter((value) => value !== null);
  const chart = frame({
    width: 520,
    height: 260,
    label: "Search against confirmation",
    x: {
      label: "trial, the best in the search first",
      kind: "category",
      values: found.rows.map(({ trial }) => trial),
    },
    y: { label: "score", kind: "linear", domain: domainOf(values) },
  });
  for (const { trial, tuned, confirmed } of found.rows) {
    chart.plot.append(
      lookMark(tuned, chart.x(trial) - 14, "var(--muted)", chart),
      lookMark(confirmed, chart.x(trial) + 14, palette[0], chart),
    );
  }
  return chart.svg;
}

function lookMark(look, x, color, chart) {
  const bar =
    look.low === null
      ? null
      : svg("path", {
          d: `M${x} ${chart.y(look.low)}V${chart.y(look.high)}m-4 0h8M${x - 4} ${chart.y(look.low)}h8`,
          stroke: color,
          "stroke-width": 1.8,
          fill: "none",
        });
  return svg(
    "g",
    {},
    bar,
    look.scores.map((score) =>
      svg("circle", { cx: x, cy: chart.y(score), r: 2.2, fill: color, "fill-opacity": 0.5 }),
    ),
    look.score === null ? null : svg("circle", { cx: x, cy: chart.y(look.score), r: 4.8, fill: color }),
  );
}
