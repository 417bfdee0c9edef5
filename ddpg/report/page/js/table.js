/** Draws a sortable table of final scores for each environment. */
function renderTables(element) {
  const { environments, rated, runs } = state.model;
  const conventions = knownConventions(runs);
  replace(
    element,
    conventions.length > 1
      ? field(
          "Rank and compare by",
          select(
            "score",
            conventions.map((name) => [name, conventionTitle(name)]),
            state.view.score,
            (score) => choose({ score, sort: `-${score}` }),
          ),
        )
      : null,
    el(
      "p",
      { class: "note" },
      `Scores of ${labelOf(metricFacts(state.payload, state.payload.view.metric))}: mean over seeds ± half the width of its 95 % interval.`,
    ),
    cutsConfigurations()
      ? el(
          "p",
          { class: "note" },
          "The filters leave out seeds of a configuration. Each run is scored up to the step that is compared of all its seeds; ddpg-report with the same filters finds the step for the chosen ones (in report.md, runs.csv and the notes below a table).",
        )
      : null,
    rated === environments
      ? null
      : el(
          "p",
          { class: "note" },
          "Of a population only the newest generation that has ended is compared, without members that failed; all others are among the runs below.",
        ),
    rated.map((environment) => scoreTable(environment, conventions)),
    el(
      "details",
      { "data-key": "columns" },
      el("summary", {}, "How the scores are made"),
      scoreNotes(conventions),
    ),
  );
}

function scoreTable(environment, conventions) {
  const columns = columnsFor(environment, conventions);
  const rows = sortedRows(
    environment.groups.map((group) => ({ group, cells: columns.map((column) => column.cell(group)) })),
    columns,
  );
  return el(
    "article",
    { class: "wide-table", "data-environment": environment.name },
    el("header", {}, el("h3", {}, environment.name), thresholdField(environment.name)),
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": `Scores of ${environment.name}` },
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, columns.map(headCell))),
        el(
          "tbody",
          {},
          rows.map(({ cells }) =>
            el(
              "tr",
              {},
              cells.map((cell, place) =>
                el(
                  place ? "td" : "th",
                  { class: place ? "number" : "name", scope: place ? null : "row" },
                  cell.shown,
                ),
              ),
            ),
          ),
        ),
      ),
    ),
    environmentNotes(environment.name),
  );
}

/** The notes on an environment: which runs are compared, up to where, and what is not the same for all. */
function environmentNotes(name) {
  const notes = state.payload.notes[name] ?? [];
  return notes.length
    ? el(
        "details",
        { "data-key": `notes ${name}`, open: notes.length <= 6 },
        el("summary", {}, count(notes.length, "notes"), ofOtherRuns()),
        el(
          "ul",
          { class: "note" },
          notes.map((note) => el("li", {}, note)),
        ),
      )
    : null;
}

/** Says of which runs the notes are, those that the command chose, where the reader has chosen others; "" otherwise. */
function ofOtherRuns() {
  const { filters, group_by: groupBy } = state.payload.view;
  if (JSON.stringify([filters, groupBy]) === JSON.stringify([state.view.filters, state.view.groupBy])) return "";
  const words = Object.entries(filters).map(([key, value]) => `${key}=${value}`);
  const grouped = groupBy.length ? `, grouped by ${listed(groupBy)}` : "";
  return ` on ${words.length ? `the runs with ${listed(words)}` : "all runs"}${grouped}`;
}

/** Whether the filters leave out runs that count in a configuration of which they show others. */
function cutsConfigurations() {
  const nameOf = (run) => JSON.stringify([run.environment, run.configuration]);
  const shown = new Set(state.model.runs.map(nameOf));
  const left = new Set(state.model.runs);
  return state.payload.runs.some((run) => run.counts && !left.has(run) && shown.has(nameOf(run)));
}

function thresholdField(name) {
  const attributes = { type: "number", step: "any", "data-key": `threshold ${name}`, placeholder: "a score" };
  return field(
    "Steps to reach",
    typedField(attributes, thresholdOf(name) ?? "", (typed) => {
      const { [name]: _, ...others } = state.view.thresholds;
      choose({ thresholds: typed === "" ? others : { ...others, [name]: Number(typed) } });
    }),
  );
}

function headCell({ key, title }) {
  const { sort } = state.view;
  const sorted = sort.replace(/^-/, "") === key ? (sort.startsWith("-") ? "descending" : "ascending") : null;
  return el(
    "th",
    { scope: "col", class: key === "configuration" ? "name" : "number", "aria-sort": sorted },
    el(
      "button",
      {
        type: "button",
        "data-key": `sort ${key}`,
        onclick: () => choose({ sort: sorted === "descending" ? key : `-${key}` }),
      },
      title,
      el("span", { "aria-hidden": "true" }, { ascending: "\u00a0▲", descending: "\u00a0▼" }[sorted] ?? ""),
    ),
  );
}

/** Sorts rows by the chosen column; rows without a value come last either way. */
function sortedRows(rows, columns) {
  const { sort } = state.view;
  const place = columns.findIndex((column) => column.key === sort.replace(/^-/, ""));
  if (place < 0) return rows;
  const sign = sort.startsWith("-") ? -1 : 1;
  const missing = (row) => Number.isNaN(row.cells[place].value);
  return [...rows].sort((a, b) => {
    const [one, other] = [a.cells[place].value, b.cells[place].value];
    if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
    return sign * (typeof one === "string" ? byNature(one, other) : one - other);
  });
}

function scoreNotes(conventions) {
  return el(
    "ul",
    {},
    conventions.map((name) =>
      el("li", {}, el("strong", {}, conventionTitle(name)), `: ${CONVENTIONS[name].meaning}.`),
    ),
    el(
      "li",
      {},
      "A score is the mean over the seeds ± half the width of its interval. ",
      state.payload.interval,
    ),
    el(
      "li",
      {},
      "Step: the environment step of the scores. Where a row has several, or its runs are evaluated more or less often, a mean over them would tell of that rather than of what differs between the rows, so that none is made.",
    ),
    el(
      "li",
      {},
      "The difference from the highest has Welch's 95 % interval, not corrected for choosing the highest; a sweep that is not finished has none, nor have scores that are not alike.",
    ),
    el("li", {}, "Seeds, as in 3 of 5: two are left out of the means; the list of runs below says why."),
    el(
      "li",
      {},
      "Steps to reach: the median over the seeds of the first step with such an evaluation; a seed that never has one counts as later than all others, and the number in brackets counts those that have.",
    ),
  );
}
