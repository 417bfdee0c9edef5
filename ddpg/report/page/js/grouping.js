/** The words by which runs can be filtered and grouped: the keys that differ, and what every run has. */
function keysOf(run) {
  return { environment: run.environment, seed: String(run.seed), state: run.state, ...run.keys };
}

/** The keys that differ between the runs, with their values in a natural order. */
function valuesByKey(runs) {
  const values = {};
  for (const run of runs) {
    for (const [key, value] of Object.entries(keysOf(run))) (values[key] ??= new Set()).add(value);
  }
  return Object.fromEntries(Object.entries(values).map(([key, found]) => [key, [...found].sort(byNature)]));
}

/** The keys that were swept and of which these runs have several values. */
function sweptKeys(runs) {
  const swept = state.payload.keys.filter((key) => key.swept).map((key) => key.name);
  return swept.filter((key) => new Set(runs.map((run) => run.keys[key])).size > 1).sort(byNature);
}

/** Tells whether a run has, for every filter, one of the values that the filter names: noise=ou,gaussian */
function passes(run, filters) {
  const keys = keysOf(run);
  return Object.entries(filters).every(([key, wanted]) =>
    wantedValues(wanted).some((value) => sameValue(keys[key], value)),
  );
}

/** The values that a filter names; a list may be meant as one value or as several: [256,256] or [ou,gaussian] */
function wantedValues(text) {
  const inner = /^\[[^[].*\]$/.test(text) ? text.slice(1, -1) : text;
  return [text, ...splitOutside(inner, ",")];
}

function sameValue(own, wanted) {
  if (own === undefined) return wanted === "-";
  return own === wanted || (own !== "" && wanted !== "" && Number(own) === Number(wanted));
}

/** As little of a dotted key as tells it from the others. */
function shortKey(key) {
  return state.payload.keys.find((one) => one.name === key)?.short ?? key;
}

/** The label of a run's group: its configuration, or key=value for each key by which the runs are grouped. */
function groupLabel(run, groupBy) {
  if (!groupBy.length) return run.configuration;
  const keys = keysOf(run);
  return groupBy.map((key) => `${shortKey(key)}=${keys[key] ?? "-"}`).join(" ");
}

/**
 * The runs that pass the filters, by environment and group; `rated` are the same without the runs whose scores are not
 * compared, `missing` those that have no record.
 */
function modelOf(payload, view) {
  const runs = payload.runs.filter((run) => passes(run, view.filters));
  const compared = comparedRuns(runs, payload.study);
  const environments = environmentsOf(runs, view);
  const rated = compared.length === runs.length ? environments : environmentsOf(compared, view);
  const labels = [...new Set(environments.flatMap(({ groups }) => groups.map((group) => group.label)))].sort(
    byNature,
  );
  const missing = payload.missing.filter((run) => passes(run, view.filters));
  return { runs, missing, environments, rated, labels, looks: looksOf(labels, environments) };
}

/**
 * Runs by environment and group. A group is {label, environment, runs, started, counted, mixed, cache}: `started` has one
 * run of each seed, the one that came furthest; `counted` are the runs that enter the means, `mixed` is the number of
 * configurations where that is more than one.
 */
function environmentsOf(runs, view) {
  const environments = new Map();
  for (const run of runs) {
    const groups = setDefault(environments, run.environment, () => new Map());
    setDefault(groups, groupLabel(run, view.groupBy), () => []).push(run);
  }
  return [...environments]
    .sort((a, b) => byNature(a[0], b[0]))
    .map(([name, groups]) => ({
      name,
      groups: [...groups]
        .sort((a, b) => byNature(a[0], b[0]))
        .map(([label, own]) => groupOf(label, name, own)),
    }));
}

function setDefault(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

function groupOf(label, environment, runs) {
  const configurations = new Set(runs.map((run) => run.configuration));
  const counted = runs.filter((run) => run.counts);
  return {
    label,
    environment,
    runs,
    started: runs.filter((run) => !run.superseded),
    counted,
    mixed: configurations.size > 1 ? configurations.size : 0,
    cache: new Map(),
  };
}

/** The scores of a group's counted runs by a convention, without runs that have none; none where they are unlike. */
function scoresOf(group, convention) {
  return whyUnlike(group.counted, convention)
    ? []
    : group.counted.map((run) => run.scores[convention]).filter((score) => Number.isFinite(score));
}

/**
 * Says why scores of runs that count are no measure of what differs between the runs, null where they are one: they are
 * of different steps, of different numbers of training episodes or, by a convention that depends on how often a run is
 * evaluated, of other stretches of training.
 */
function whyUnlike(runs, convention) {
  const { ofEpisodes, ofSeveral } = CONVENTIONS[convention];
  const ends = differentNumbers(runs.map((run) => (ofEpisodes ? run.trained_to : run.scored_at)));
  if (ends.length > 1) return `scored at different steps, ${stepWords(ends)}`;
  const episodes = ofEpisodes ? differentNumbers(runs.map((run) => run.averaged[convention] || NaN)) : [];
  if (episodes.length > 1) return `scored by different numbers of training episodes, ${stepWords(episodes)}`;
  const begins = ofSeveral ? differentNumbers(runs.map((run) => run.scored_from)) : [];
  if (begins.length < 2) return null;
  return `evaluated more or less often, so that the ${conventionTitle("last10", runs)} begin at ${stepWords(begins)}`;
}

/** The finite ones of some numbers, each once, ascending. */
function differentNumbers(numbers) {
  return [...new Set(numbers.filter(Number.isFinite))].sort((a, b) => a - b);
}

/**
 * The conventions by which final scores are reported: `ofSeveral` values, of which some runs have more than others;
 * `ofEpisodes` of training, instead of evaluations.
 */
const CONVENTIONS = {
  last: {
    title: "last evaluation",
    meaning: "the value at the step up to which a configuration's seeds are compared",
  },
  last10: {
    title: "last 10 evaluations",
    meaning: "the mean of each run's last 10 values, or of all after step 0 where it has fewer",
    ofSeveral: true,
  },
  training100: {
    title: "last 100 training episodes",
    meaning:
      "the mean of each run's last 100 training episodes, or of all where it has fewer, with exploration noise",
    ofEpisodes: true,
  },
  best: {
    title: "maximum over time (biased)",
    meaning: "each run's largest value: chosen after the fact, so it is too high",
    ofSeveral: true,
    biased: true,
  },
};

/** The conventions that some run of the page has a score by. */
function knownConventions(runs) {
  return Object.keys(CONVENTIONS).filter((name) => runs.some((run) => Number.isFinite(run.scores[name])));
}

/** The title of a convention, with as many values as the runs have; a metric that is not of evaluations has values. */
function conventionTitle(name, runs = state.payload.runs.filter((run) => run.counts)) {
  const evaluated = state.payload.view.metric.startsWith("eval/");
  const title = evaluated ? CONVENTIONS[name].title : CONVENTIONS[name].title.replace("evaluation", "value");
  const known = runs.map((run) => run.averaged[name]).filter((count) => count > 0);
  if (!known.length) return title;
  const least = known.reduce((one, other) => Math.min(one, other));
  const most = known.reduce((one, other) => Math.max(one, other));
  const counted = title.replace(/\d+/, least < most ? `${least} to ${most}` : `${most}`);
  return most > 1 ? counted : counted.replace(/s$/, "");
}
