/** With fewer seeds of each of two configurations no test at 5 % finds any difference: that of 3 and 3 has p >= 2/20. */
const TESTABLE = 4;

/** Answers at a glance: which is better, by how much, is that certain, what was swept, and what failed. */
function renderGlance(element) {
  const { payload, model } = state;
  const verdicts = model.rated.map((environment) => el("li", {}, ...verdict(environment, payload.t)));
  replace(
    element,
    el("p", {}, summarySentence(model)),
    el("ul", { class: "verdicts" }, verdicts),
    cautions(model),
    sweptSentence(model.runs),
    el(
      "details",
      { "data-key": "test" },
      el("summary", {}, "Is a difference certain? Test it"),
      el(
        "p",
        {},
        "The intervals here are of one mean or one difference each; choosing the best of many makes them too hopeful. This command tests with a correction for that, and says how many seeds would be enough:",
      ),
      commandLine(`ddpg-report compare ${payload.made.folders.map(quoted).join(" ")}`),
    ),
  );
}

/** A word for a shell: in quotes where it has other characters than those of plain names. */
function quoted(word) {
  return /^[\w./=,:@%+-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`;
}

function summarySentence({ runs, missing }) {
  const states = new Map();
  for (const run of [...runs, ...missing]) states.set(run.state, (states.get(run.state) ?? 0) + 1);
  const parts = [...states].sort((a, b) => b[1] - a[1]).map(([name, number]) => `${number} ${name}`);
  const environments = new Set(runs.map((run) => run.environment)).size;
  const configurations = new Set(runs.map((run) => run.configuration)).size;
  const planned = notBegun();
  if (planned) parts.push(`${planned} not started`);
  return `${count(runs.length + missing.length + planned, "runs")} in ${count(environments, "environments")}, ${count(configurations, "configurations")}: ${listed(parts)}.`;
}

function sweptSentence(runs) {
  const keys = sweptKeys(runs);
  if (!keys.length) return null;
  const values = valuesByKey(runs);
  const shown = keys
    .slice(0, 6)
    .map((key) =>
      el(
        "li",
        {},
        el("code", {}, key),
        `: ${shortened(values[key].slice(0, 8).join(", "), 90)}${values[key].length > 8 ? `, … (${values[key].length} values)` : ""}`,
      ),
    );
  return el(
    "details",
    { "data-key": "swept", open: keys.length <= 3 },
    el("summary", {}, `What differs between the runs: ${count(keys.length, "keys")}`),
    el(
      "ul",
      {},
      shown,
      keys.length > 6 ? el("li", {}, `and ${keys.length - 6} more: ${keys.slice(6).join(", ")}`) : null,
    ),
  );
}

/** The sentence on an environment: the best configuration, its distance to the next, and whether that is certain. */
function verdict(environment, t) {
  const name = el("strong", {}, `${environment.name}: `);
  const ranked = rankedGroups(environment);
  const others = othersWithout(environment, ranked);
  if (!ranked.length) return [name, others || "no scores yet", "."];
  const [best, next] = ranked;
  const first = [name, ...scored(best, t)];
  const rest = others ? `; ${others}. ` : ". ";
  if (!next) return [...first, rest];
  const words = [...first, " is highest, then ", ...scored(next, t), rest];
  return [...words, ...certainty(environment, best, next, ranked.length, t)];
}

/** Counts the groups that have no mean, and says why; "" where all have one, or where nothing has a score yet. */
function othersWithout({ groups }, ranked) {
  const others = groups.filter((group) => !ranked.some((one) => one.group === group));
  const unlike = others.filter((group) => whyUnlike(group.counted, state.view.score));
  const reasons = new Set(unlike.map((group) => whyUnlike(group.counted, state.view.score)));
  const why = reasons.size > 1 ? "not scored alike" : [...reasons][0];
  const [has, their] = unlike.length === 1 ? ["has", "its"] : ["have", "their"];
  const words = why
    ? [`${count(unlike.length, "groups")} ${has} no mean, because ${their} runs are ${why}`]
    : [];
  if (ranked.length && others.length > unlike.length)
    words.push(`${count(others.length - unlike.length, "others")} without a score`);
  return words.join("; ");
}

/** The groups that have scores by the chosen convention, highest first. */
function rankedGroups(environment) {
  return environment.groups
    .map((group) => ({ group, scores: scoresOf(group, state.view.score) }))
    .filter(({ scores }) => scores.length)
    .sort((a, b) => meanOf(b.scores) - meanOf(a.scores));
}

function scored({ group, scores }, t) {
  return [
    el("b", { class: "label" }, group.label),
    ` with ${withInterval(meanInterval(scores, t))} (n = ${scores.length})`,
  ];
}

/** The number of an environment's runs that can still change its means; one whose folder was removed cannot. */
function unfinished({ name }) {
  const running = state.model.runs.filter(
    (run) => run.environment === name && !run.superseded && !["done", "failed"].includes(run.state),
  );
  const waiting = state.model.missing.filter((run) => run.environment === name);
  return running.length + waiting.length + notBegun();
}

/** The number of runs of a live page's sweeps that have not begun; of which environment each is, nobody knows yet. */
function notBegun() {
  const sweeps = state.payload.live?.sweeps ?? [];
  return sweeps.reduce((sum, { counts }) => sum + (counts.pending ?? 0) + (counts["not submitted"] ?? 0), 0);
}

/** Says whether the best two differ; a comparison that is not finished, or of scores that are unlike, gets no verdict. */
function certainty(environment, best, next, groups, t) {
  const running = unfinished(environment);
  if (running)
    return [
      "Not finished: ",
      el("b", {}, "no verdict"),
      `, because ${count(running, "runs")} can still change this.`,
    ];
  const why = whyUnlike([...best.group.counted, ...next.group.counted], state.view.score);
  if (why) {
    const tested = CONVENTIONS[state.view.score].ofEpisodes
      ? "."
      : " (the test below compares where all have come, by the evaluations that all have).";
    return [`They are ${why}: `, el("b", {}, "no verdict"), tested];
  }
  const seeds = Math.min(best.scores.length, next.scores.length);
  if (seeds < TESTABLE)
    return [
      `The difference is ${scoreNumber(meanOf(best.scores) - meanOf(next.scores))}; `,
      el("b", {}, "too few to tell"),
      `: ${TESTABLE} seeds of each are the least (the test below says how many would be enough).`,
    ];
  const { mean, low, high } = differenceInterval(best.scores, next.scores, t);
  const chosen = groups > 2 ? `, not corrected for choosing the best of ${groups}` : "";
  const interval = `The difference is ${scoreNumber(mean)}, 95 % interval [${scoreNumber(low)}, ${scoreNumber(high)}]${chosen}: `;
  if (low <= 0)
    return [`${interval}it includes 0, so these seeds `, el("b", {}, "cannot tell them apart"), "."];
  const survivors = [best, next].some(({ group }) => hasFailures(group))
    ? ", of the runs that did not fail"
    : "";
  const word = isReturn(state.payload.view.metric) ? "better" : "higher";
  return [interval, el("b", {}, `probably ${word}`), `${survivors}.`];
}

function hasFailures(group) {
  return group.started.some((run) => run.state === "failed" && !run.counts);
}

/** Warnings that hold for the whole page: a sweep that is not finished, a biased convention, failed runs. */
function cautions(model) {
  const failed = model.runs.filter((run) => run.state === "failed" && !run.counts && !run.superseded).length;
  const out = model.runs.filter((run) => !run.counts).length;
  const words = [];
  if (failed)
    words.push([
      `${count(failed, "runs")} failed; scores are of those that are left, which flatters (ddpg-report compare counts a run that failed before the step that is compared with the worst value). `,
      el("a", { href: "#failures", onclick: jump }, "Which and why"),
    ]);
  if (out > failed)
    words.push([
      `${count(out - failed, "other runs")} ${out - failed === 1 ? "is" : "are"} not in the means (not finished, or run twice).`,
    ]);
  if (CONVENTIONS[state.view.score]?.biased)
    words.push(["Scores are each run's maximum over time, which is chosen after the fact and too high."]);
  return words.length
    ? el(
        "ul",
        { class: "warn" },
        words.map((sentence) => el("li", {}, ...sentence)),
      )
    : null;
}

/** Scrolls to a section of the page; the address is the view's and stays as it is. */
function jump(event) {
  event.preventDefault();
  byId(event.target.getAttribute("href").slice(1)).scrollIntoView();
}
