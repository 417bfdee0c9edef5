/** The panels of a population: scores by generation, and each key's values over the training of the newest members. */
function populationPanels(study) {
  return [
    confirmationPanel(study),
    studyPanel(
      "Generations",
      "Points: members at the ends of generations, scored by the evaluations of that generation; the line: the best of each.",
      generationsChart(study),
    ),
    studyPanel(
      "Scores so far",
      "A line is a member in a generation; strong: the training that ends with the best member.",
      lineageScoresChart(study),
    ),
    ...study.dimensions.map((dimension) =>
      studyPanel(
        dimension.key,
        "Values of the newest members and of those from which they come; strong: the best member's.",
        scheduleChart(study, dimension),
      ),
    ),
  ];
}

function generationsChart(study) {
  const { scores, generations } = study.population;
  const known = scores.map((members) => members.filter((score) => score !== null));
  const all = known.flat();
  if (!all.length) return null;
  const chart = frame({
    width: 520,
    height: 300,
    label: "Scores by generation",
    x: { label: "generation", kind: "linear", domain: [0, generations + 1] },
    y: { label: "score", kind: "linear", domain: domainOf(all) },
  });
  const best = study.direction === "maximize" ? Math.max : Math.min;
  const line = known
    .map((members, place) => members.length && [chart.x(place + 1), chart.y(best(...members))])
    .filter(Boolean);
  chart.plot.append(
    ...known.flatMap((members, place) =>
      members.map((score) =>
        svg("circle", {
          cx: chart.x(place + 1),
          cy: chart.y(score),
          r: 3,
          fill: palette[0],
          "fill-opacity": 0.6,
        }),
      ),
    ),
    svg("path", { d: pathThrough(line), fill: "none", stroke: palette[0], "stroke-width": 1.6 }),
  );
  return chart.svg;
}

function lineageScoresChart(study) {
  const trials = study.trials.filter((trial) => trial.values.length);
  if (!trials.length) return null;
  const chart = frame({
    width: 520,
    height: 300,
    label: "Scores so far",
    x: { label: "environment steps", kind: "linear", domain: [0, study.population.total_steps] },
    y: {
      label: "score so far",
      kind: "linear",
      domain: domainOf(trials.flatMap((trial) => trial.values.map(([, value]) => value))),
    },
  });
  const winners = new Set(study.population.lineages[0]?.trials);
  const isStrong = (trial) => winners.has(trial.number);
  for (const trial of [...trials.filter((one) => !isStrong(one)), ...trials.filter(isStrong)]) {
    const points = trial.values.map(([step, value]) => [chart.x(step), chart.y(value)]);
    const look = isStrong(trial)
      ? { stroke: palette[1], "stroke-width": 2.2 }
      : { stroke: palette[0], "stroke-width": 1, "stroke-opacity": 0.5 };
    const marks = points.map(([cx, cy]) =>
      svg("circle", { cx, cy, r: isStrong(trial) ? 2.4 : 1.6, fill: look.stroke }),
    );
    chart.plot.append(
      svg(
        "g",
        {},
        svg("path", { d: pathThrough(points), fill: "none", ...look }),
        marks,
        svg("title", {}, trialText(trial)),
      ),
    );
  }
  return chart.svg;
}

/** The values of a key over env steps: a step at each copy that changed it. */
function scheduleChart(study, dimension) {
  const lineages = study.population.lineages.filter(({ stages }) => stages.length);
  if (!lineages.length) return null;
  const chart = frame({
    width: 520,
    height: 220,
    label: `Values of ${dimension.key}`,
    x: { label: "environment steps", kind: "linear", domain: [0, study.population.total_steps] },
    y: { label: dimension.short, kind: dimension.kind, domain: dimension.domain, values: dimension.values },
  });
  for (const [rank, { trial, stages }] of [...lineages.entries()].reverse()) {
    const points = stages
      .filter(({ params }) => params[dimension.key] !== undefined)
      .flatMap(({ start, stop, params }) =>
        [start, stop].map((step) => [chart.x(step), chart.y(params[dimension.key])]),
      );
    const look = rank
      ? { stroke: "var(--muted)", "stroke-width": 1 }
      : { stroke: palette[1], "stroke-width": 2.2 };
    chart.plot.append(
      svg("path", { d: pathThrough(points), fill: "none", ...look }, svg("title", {}, `trial ${trial}`)),
    );
  }
  return chart.svg;
}

/** The runs whose scores are compared: of a population the newest generation, unless only others are here. */
function comparedRuns(runs, study) {
  const others = new Set(
    (study?.studies ?? []).flatMap(({ folder, population }) =>
      (population?.others ?? []).map((name) => `${folder}/${name}`),
    ),
  );
  const compared = runs.filter(({ folder }) => !others.has(folder.replace(/\/[^/]*$/, "")));
  return compared.length ? compared : runs;
}
