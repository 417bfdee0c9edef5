/** Rows of a long list that are shown at once; the others are behind a fold. */
const ROWS = 40;
/** The same of runs without a record, most of which only wait. */
const MISSING_ROWS = 8;

/** Draws the runs that failed or are not finished, by name, with the first line of their errors; then those without a record. */
function renderFailures(element) {
  const out = state.model.runs
    .filter((run) => run.state !== "done" || !run.counts)
    .sort(
      (a, b) => Number(b.state === "failed") - Number(a.state === "failed") || byNature(a.folder, b.folder),
    );
  const missing = state.model.missing
    .map((run) => ({ ...run, error: null, note: run.command }))
    .sort((a, b) => byNature(a.folder, b.folder));
  replace(
    element,
    out.length || missing.length ? null : el("p", {}, "None: all runs are done and enter the means."),
    folded("failures", "more", out, ROWS, "first line of the error, or why it is left out"),
    folded("missing", "without a record", missing, MISSING_ROWS, "command that trains it"),
  );
}

/** Makes a table of runs, whose last column has this title; of more than `most` the rest is behind a fold. */
function folded(key, words, runs, most, title) {
  const shown = runs.slice(0, most);
  const rest = runs.slice(most);
  return [
    shown.length ? failureTable(shown, title) : null,
    rest.length ? fold(key, `and ${rest.length} ${words}`, () => failureTable(rest, title)) : null,
  ];
}

/** Makes a fold whose content is made when it is opened first: it can be long. */
function fold(key, title, make) {
  const details = el(
    "details",
    {
      "data-key": key,
      ontoggle: () => {
        if (details.open && details.children.length === 1) details.append(make());
      },
    },
    el("summary", {}, title),
  );
  return details;
}

function failureTable(runs, title) {
  const titles = ["run", "configuration", "seed", "state", "step", title];
  return tableOf(
    "Runs that are not done",
    titles,
    runs.map((run) =>
      el(
        "tr",
        {},
        el("th", { scope: "row", class: "name" }, runLink(run)),
        el("td", {}, [run.environment, run.configuration].filter(Boolean).join(", ")),
        el("td", { class: "number" }, String(run.seed ?? "–")),
        el("td", {}, stateBadge(run)),
        el(
          "td",
          { class: "number" },
          run.total_steps ? `${shortNumber(run.step)} of ${shortNumber(run.total_steps)}` : "–",
        ),
        el("td", { class: "reason" }, [firstLine(run.error), run.note].filter(Boolean).join(" – ")),
      ),
    ),
  );
}

function stateBadge(run) {
  return el("span", { class: run.state === "failed" ? "state failed" : "state" }, run.state);
}

function firstLine(text) {
  return text ? text.trim().split("\n")[0] : "";
}

/** A link to a run's own page. */
function runLink(run) {
  const name = run.folder.split("/").filter(Boolean).slice(-2).join("/");
  if (run.id === undefined) return el("span", { title: run.folder }, name);
  return el(
    "a",
    {
      href: `#run=${run.id}`,
      title: run.folder,
      onclick: (event) => {
        event.preventDefault();
        openRun(run.id);
      },
    },
    name,
  );
}

function openRun(id) {
  choose({ run: id === null ? null : String(id) });
  scrollTo(0, 0);
}

/** Draws the list of all runs, behind a fold. */
function renderRuns(element) {
  replace(
    element,
    fold("runs", `List of ${count(state.model.runs.length, "runs")}`, () => runTable(state.model.runs)),
  );
}

function runTable(runs) {
  const convention = state.view.score;
  const titles = ["run", "environment", "configuration", "seed", "state", conventionTitle(convention)];
  return tableOf(
    "All runs",
    titles,
    runs.map((run) =>
      el(
        "tr",
        {},
        el("th", { scope: "row", class: "name" }, runLink(run)),
        el("td", {}, run.environment),
        el("td", {}, run.configuration),
        el("td", { class: "number" }, String(run.seed)),
        el("td", {}, stateBadge(run)),
        el("td", { class: "number" }, scoreNumber(run.scores[convention])),
      ),
    ),
  );
}
