/** Draws the runs that failed, are missing or are not finished, by name, with the first line of their errors. */
function renderFailures(element) {
  const out = state.model.runs.filter((run) => run.state === "failed" || !run.counts || run.state !== "done");
  replace(element, out.length ? failureTable(out) : el("p", {}, "None: all runs are done and enter the means."));
}

function failureTable(runs) {
  const ordered = [...runs].sort((a, b) => Number(b.state === "failed") - Number(a.state === "failed") || byNature(a.folder, b.folder));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Runs that are not done" },
    el("table", {},
      el("thead", {}, el("tr", {}, ["run", "configuration", "seed", "state", "step", "first line of the error, or why it is left out"].map((title) => el("th", { scope: "col" }, title)))),
      el("tbody", {}, ordered.map((run) => el("tr", {},
        el("th", { scope: "row", class: "name" }, runLink(run)),
        el("td", {}, `${run.environment}, ${run.configuration}`),
        el("td", { class: "number" }, String(run.seed)),
        el("td", {}, el("span", { class: `state ${run.state}` }, run.state)),
        el("td", { class: "number" }, `${shortNumber(run.step ?? 0)} of ${shortNumber(run.total_steps ?? 0)}`),
        el("td", { class: "reason" }, [firstLine(run.error), run.note].filter(Boolean).join(" – ")))))));
}

function firstLine(text) {
  return text ? text.trim().split("\n")[0] : "";
}

/** A link to a run's own page. */
function runLink(run) {
  return el("a", { href: `#run=${run.id}`, onclick: (event) => { event.preventDefault(); openRun(run.id); } }, run.folder.split("/").filter(Boolean).slice(-2).join("/"));
}

function openRun(id) {
  choose({ run: id === null ? null : String(id) });
  scrollTo(0, 0);
}

/** Draws the list of all runs, when it is unfolded: it can be long. */
function renderRuns(element) {
  const { runs } = state.model;
  const list = el("div", { class: "scroll" });
  const fold = el("details", { "data-key": "runs", ontoggle: () => { if (fold.open && !list.children.length) list.append(runTable(runs)); } },
    el("summary", {}, `All ${count(runs.length, "runs")}`), list);
  replace(element, fold);
}

function runTable(runs) {
  const convention = state.view.score;
  return el("table", {},
    el("thead", {}, el("tr", {}, ["run", "environment", "configuration", "seed", "state", CONVENTIONS[convention].title].map((title) => el("th", { scope: "col" }, title)))),
    el("tbody", {}, runs.map((run) => el("tr", {},
      el("th", { scope: "row", class: "name" }, runLink(run)), el("td", {}, run.environment), el("td", {}, run.configuration),
      el("td", { class: "number" }, String(run.seed)), el("td", {}, run.state), el("td", { class: "number" }, scoreNumber(run.scores[convention]))))));
}
