/** The columns: {key, title, cell(group) -> {shown, value}}; `value` is what rows are sorted by. */
function columnsFor(environment, conventions) {
  const metric = state.view.metric;
  const columns = [
    {
      key: "configuration",
      title: state.view.groupBy.length ? state.view.groupBy.join(", ") : "configuration",
      cell: nameCell,
    },
    { key: "seeds", title: "seeds", cell: seedsCell },
    { key: "step", title: "step", cell: stepCell },
    ...conventions.map((name) => ({
      key: name,
      title: conventionTitle(name),
      cell: (group) => scoreCell(scoresOf(group, name), whyUnlike(group.counted, name)),
    })),
  ];
  if (environment.groups.length > 1)
    columns.push({
      key: "behind",
      title: `difference from the highest ${conventionTitle(state.view.score)}`,
      cell: behindCell(environment),
    });
  if (metric !== state.payload.view.metric)
    columns.push({
      key: "metric",
      title: `last ${metricFacts(state.payload, metric).title}`,
      cell: (group) => lastCell(group, metric),
    });
  const threshold = thresholdOf(environment.name);
  if (threshold !== null) columns.push(...thresholdColumns(threshold));
  columns.push({
    key: "sps",
    title: "steps/s",
    cell: (group) => meanCell(group, "steps_per_second", scoreNumber),
  });
  columns.push({ key: "hours", title: "time a run", cell: (group) => meanCell(group, "hours", duration) });
  return columns;
}

function thresholdColumns(threshold) {
  return [
    {
      key: "reach",
      title: `steps to ${scoreNumber(threshold)}, median`,
      cell: (group) => reachCell(group, threshold),
    },
    {
      key: "solved",
      title: `end at ${scoreNumber(threshold)} or above`,
      cell: (group) => solvedCell(group, threshold),
    },
  ];
}

function nameCell(group) {
  return {
    value: group.label,
    shown: el("span", { class: "label" }, swatch(state.model.looks.get(group.label)), group.label),
  };
}

/** Counts the seeds: 5, or 3 of 5 where some are left out. */
function seedsCell({ started, counted }) {
  return {
    value: counted.length,
    shown:
      counted.length === started.length ? String(started.length) : `${counted.length} of ${started.length}`,
  };
}

/** The steps at which the counted runs of a group are scored. */
function stepCell({ counted }) {
  const steps = differentNumbers(counted.map((run) => run.scored_at));
  return steps.length ? { value: steps.at(-1), shown: stepWords(steps) } : { value: NaN, shown: "–" };
}

/** The mean of scores; none, and `why`, where there are no scores. */
function scoreCell(scores, why = null) {
  if (!scores.length) return { value: NaN, shown: el("span", { title: why }, "–") };
  const interval = meanInterval(scores, state.payload.t);
  const title =
    interval.low === null
      ? null
      : `[${scoreNumber(interval.low)}, ${scoreNumber(interval.high)}], n = ${interval.n}`;
  return { value: interval.mean, shown: el("span", { title }, withInterval(interval)) };
}

/**
 * The difference of a group's mean score from the highest one, with Welch's interval unless runs can still change it, or
 * the scores are unlike.
 */
function behindCell(environment) {
  const [best] = rankedGroups(environment);
  const running = unfinished(environment);
  return (group) => {
    const scores = scoresOf(group, state.view.score);
    if (!scores.length) return { value: NaN, shown: "–" };
    const value = meanOf(scores) - meanOf(best.scores);
    if (group === best.group) return { value: 0, shown: "highest" };
    const unlike = whyUnlike([...group.counted, ...best.group.counted], state.view.score);
    const interval = running || unlike ? null : differenceInterval(scores, best.scores, state.payload.t);
    return {
      value,
      shown: interval
        ? `${scoreNumber(value)} [${scoreNumber(interval.low)}, ${scoreNumber(interval.high)}]`
        : scoreNumber(value),
    };
  };
}

function lastCell(group, metric) {
  const curve = groupCurve(group, metric, "step", state.payload.t);
  if (!curve || !curve.x.length) return { value: NaN, shown: "–" };
  return scoreCell(
    group.counted
      .map((run) => curveOf(run, metric, "step"))
      .filter(Boolean)
      .map((one) => valueAt(one, curve.x.at(-1))),
  );
}

/** The median over seeds of the first step at which a run's return is at the threshold; one that never is counts as later. */
function reachCell({ counted }, threshold) {
  const steps = counted.map((run) => firstAt(run, threshold)).filter((step) => step !== null);
  if (!steps.length) return { value: NaN, shown: "–" };
  const reached = steps.filter(Number.isFinite).length;
  const middle = medianOf(steps);
  return {
    value: Number.isFinite(middle) ? -middle : -1e300,
    shown: `${Number.isFinite(middle) ? shortNumber(middle) : "not by half"} (${reached} of ${steps.length})`,
  };
}

/** The step of a run's first value at the threshold or above; Infinity if it has none there, null if it has none at all. */
function firstAt(run, threshold) {
  const { metric, threshold: usual } = state.payload.view;
  const curve = curveOf(run, metric, "step");
  if (!curve) return null;
  if (threshold === usual) return run.steps_to_threshold ?? Infinity;
  const code = (Math.max(...curve.y) - Math.min(...curve.y)) / 65535; // values are as exact as their 16 bits
  const place = curve.y.findIndex((value) => value >= threshold - code);
  return place < 0 ? Infinity : curve.x[place];
}

/** Counts the seeds whose last value is at the threshold; one that failed counts as not solved. */
function solvedCell(group, threshold) {
  if (whyUnlike(group.counted, "last")) return { value: NaN, shown: "–" };
  const last = scoresOf(group, "last");
  const scores = last.length ? last : scoresOf(group, "training100");
  const failed = group.started.filter((run) => !run.counts && run.state === "failed").length;
  if (!scores.length && !failed) return { value: NaN, shown: "–" };
  const solved = scores.filter((score) => score >= threshold).length;
  return { value: solved / (scores.length + failed), shown: `${solved} of ${scores.length + failed}` };
}

function meanCell({ counted }, field, written) {
  const values = counted.map((run) => run[field]).filter((value) => Number.isFinite(value));
  return values.length
    ? { value: meanOf(values), shown: written(meanOf(values)) }
    : { value: NaN, shown: "–" };
}
