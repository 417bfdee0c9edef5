function historyNote(study) {
  const kinds = [
    ["control", "hollow squares: random controls"],
    ["pruned", "crosses: pruned trials, at their scores so far"],
    ["failed", "triangles: failed trials, at the score as which they count"],
  ];
  const there = kinds.filter(([kind]) =>
    study.trials.some((trial) => (kind === "control" ? trial.control : trial.state === kind)),
  );
  return (
    [
      "Points: trials in the order in which they ended; the line: the best so far",
      ...there.map(([, text]) => text),
    ].join("; ") + "."
  );
}

function historyChart(study) {
  const scored = study.trials.filter((trial) => trial.value !== null);
  if (!scored.length) return null;
  const chart = frame({
    width: 520,
    height: 300,
    label: "History of the study",
    x: {
      label: "trials that have ended",
      kind: "linear",
      domain: [0, Math.max(...scored.map((trial) => trial.order)) + 2],
    },
    y: { label: "score", kind: "linear", domain: domainOf(scored.map((trial) => trial.value)) },
  });
  const steps = study.best.map(([count, value], place) =>
    place ? `H${chart.x(count)}V${chart.y(value)}` : `M${chart.x(count)} ${chart.y(value)}`,
  );
  chart.plot.append(
    svg("path", { d: steps.join("") || "M0 0", fill: "none", stroke: palette[0], "stroke-width": 1.6 }),
    ...scored.map((trial) => trialMark(trial, chart.x(trial.order + 1), chart.y(trial.value))),
  );
  return chart.svg;
}

/** One vertical axis for each key, the score last. */
function parallelChart(study) {
  const trials = completeTrials(study);
  if (!trials.length) return null;
  const scoreAxis = {
    key: "score",
    short: "score",
    kind: "linear",
    domain: domainOf(trials.map((trial) => trial.value)),
  };
  const axes = [...study.dimensions, scoreAxis];
  const [width, top, bottom] = [Math.max(520, 92 * axes.length), 30, 262];
  const at = (place) => 50 + (place * (width - 100)) / (axes.length - 1);
  const scales = axes.map((axis) => scaleOf(axis, bottom, top));
  const strong = Math.max(1, Math.round(trials.length / 10));
  const lines = trials.map((trial, rank) =>
    parallelLine(
      trial,
      rank < strong,
      axes.map((axis, place) => {
        const value = axis === scoreAxis ? trial.value : trial.params[axis.key];
        return value === undefined ? null : [at(place), scales[place](value)];
      }),
    ),
  );
  return svg(
    "svg",
    { viewBox: `0 0 ${width} 290`, role: "img", "aria-label": "Parallel coordinates", class: "frame" },
    lines.reverse(),
    axes.map((axis, place) => parallelAxis(axis, at(place), top, bottom, scales[place])),
  );
}

/** The straight lines through points, in the words of SVG. */
function pathThrough(points) {
  return points.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

function parallelLine(trial, isStrong, points) {
  return svg(
    "path",
    {
      d: pathThrough(points.filter(Boolean)),
      fill: "none",
      stroke: isStrong ? palette[1] : "var(--muted)",
      "stroke-width": isStrong ? 2.2 : 1,
      "stroke-opacity": isStrong ? 0.95 : 0.35,
    },
    svg("title", {}, trialText(trial)),
  );
}

function parallelAxis(axis, x, top, bottom, scale) {
  const ticks = axis.kind === "category" ? axis.values : axis.domain;
  return svg(
    "g",
    { class: "axes" },
    svg("line", { x1: x, x2: x, y1: top, y2: bottom, class: "base" }),
    ticks.map((tick) =>
      svg(
        "text",
        {
          x: x + 4,
          y: scale(tick) + (axis.kind === "category" ? 4 : tick === axis.domain[0] ? -2 : 10),
          "text-anchor": "start",
          stroke: "var(--paper)",
          "stroke-width": 3,
          "paint-order": "stroke",
        },
        axis.kind === "category" ? shortened(String(tick), 12) : shortNumber(Number(tick.toPrecision(3))),
      ),
    ),
    svg(
      "text",
      { x, y: top - 12, "text-anchor": "middle", class: "title" },
      shortened(axis.short, 15),
      svg("title", {}, axis.key),
    ),
  );
}

function valuesNote(study) {
  const pruned = study.trials.some((trial) => trial.state === "pruned");
  return `The score at each evaluation of all runs of a trial; where a further seed begins, it is averaged in.${pruned ? " Crosses: pruned there." : ""}`;
}

function valuesChart(study) {
  const trials = study.trials.filter((trial) => trial.values.length);
  if (!trials.length) return null;
  const all = trials.flatMap((trial) => trial.values.map(([, value]) => value));
  const chart = frame({
    width: 520,
    height: 300,
    label: "Scores so far",
    x: {
      label: "environment steps of all runs of a trial",
      kind: "linear",
      domain: [0, Math.max(...trials.flatMap((trial) => trial.values.map(([step]) => step)))],
    },
    y: { label: "score so far", kind: "linear", domain: domainOf(all) },
  });
  const best = completeTrials(study)[0];
  for (const trial of [...trials.filter((one) => one !== best), ...(best ? [best] : [])]) {
    if (!trial.values.length) continue;
    const points = trial.values.map(([step, value]) => [chart.x(step), chart.y(value)]);
    const isBest = trial === best;
    chart.plot.append(
      svg(
        "path",
        {
          d: pathThrough(points),
          fill: "none",
          stroke: isBest ? palette[1] : trial.state === "pruned" ? "var(--muted)" : palette[0],
          "stroke-width": isBest ? 2.2 : 1,
          "stroke-opacity": isBest ? 1 : 0.5,
        },
        svg("title", {}, trialText(trial)),
      ),
    );
    if (trial.state === "pruned") chart.plot.append(trialMark(trial, ...points.at(-1)));
  }
  return chart.svg;
}

function sliceChart(study, dimension) {
  const scored = study.trials.filter(
    (trial) => trial.value !== null && trial.params[dimension.key] !== undefined,
  );
  if (!scored.length) return null;
  const chart = frame({
    width: 300,
    height: 220,
    label: `Score against ${dimension.key}`,
    x: { label: dimension.key, kind: dimension.kind, domain: dimension.domain, values: dimension.values },
    y: { label: "score", kind: "linear", domain: domainOf(scored.map((trial) => trial.value)) },
  });
  chart.plot.append(
    ...scored.map((trial) => trialMark(trial, chart.x(trial.params[dimension.key]), chart.y(trial.value))),
  );
  return chart.svg;
}
