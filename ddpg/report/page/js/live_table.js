/** States in the order of the table, with what each means; they are those of `ddpg-sweep status`. */
const LIVE_STATES = {
  running: "a process trains it",
  failed: "an error ended it",
  vanished: "it says that it runs, but its process is gone: killed, out of memory, or its machine went down",
  interrupted: "a signal ended it; it can go on",
  cancelled: "somebody ended its job",
  pending: "it waits for its turn",
  "not submitted": "nobody was asked to train it",
  done: "",
};
/** Rows of each state until the reader asks for all. */
const LIVE_ROWS = 40;
/** A run that has written nothing for so many seconds is marked. */
const QUIET_S = 300;

function liveTable(runs) {
  const counts = {};
  for (const run of runs) counts[run.state] = (counts[run.state] ?? 0) + 1;
  const chosen = live.chosen ?? usualStates(counts);
  const order = Object.keys(LIVE_STATES).filter((name) => counts[name]);
  const rows = order
    .filter((name) => chosen.has(name))
    .flatMap((name) => rowsOf(runs.filter((run) => run.state === name)));
  const columns = LIVE_COLUMNS.filter(([, , text]) => rows.some((run) => text(run) !== ""));
  return [
    el(
      "div",
      { class: "live-states", role: "group", "aria-label": "States of the runs that are listed" },
      order.map((name) => stateButton(name, counts[name], chosen)),
    ),
    rows.length
      ? el(
          "div",
          { class: "scroll", tabindex: "0", role: "region", "aria-label": "Runs now" },
          el(
            "table",
            { class: "live-table" },
            liveHeadings(columns),
            el(
              "tbody",
              {},
              rows.map((run) => liveRow(run, columns)),
            ),
          ),
        )
      : null,
    order.some((name) => chosen.has(name) && counts[name] > LIVE_ROWS) ? allButton() : null,
  ];
}

/** The states that are listed until the reader chooses: all, but done runs only where none is running. */
function usualStates(counts) {
  return new Set(Object.keys(LIVE_STATES).filter((name) => name !== "done" || !counts.running));
}

function allButton() {
  const toggle = () => {
    live.all = !live.all;
    drawLive();
  };
  return el(
    "button",
    { type: "button", "data-key": "live-all", onclick: toggle },
    live.all ? `Show ${LIVE_ROWS} of each state` : "Show all",
  );
}

/** The runs of one state that the table has, in natural order. */
function rowsOf(runs) {
  const sorted = runs.sort((one, other) => byNature(one.folder, other.folder));
  return live.all ? sorted : sorted.slice(0, LIVE_ROWS);
}

function stateButton(name, number, chosen) {
  const toggle = () => {
    live.chosen = new Set(chosen);
    if (!live.chosen.delete(name)) live.chosen.add(name);
    drawLive();
  };
  return el(
    "button",
    {
      type: "button",
      "data-key": `state ${name}`,
      "aria-pressed": String(chosen.has(name)),
      title: LIVE_STATES[name],
      class: `state ${name}`,
      onclick: toggle,
    },
    `${number} ${name}`,
  );
}

/** The columns after the run and its state: title, what it means, and the text of a cell. */
const LIVE_COLUMNS = [
  [
    "left",
    "time left, at the speed of the newest rows",
    ({ live: { left_s } }) => (left_s === null ? "" : duration(left_s / 3600)),
  ],
  [
    "steps/s",
    "environment steps a second, evaluations included",
    ({ live: { speed } }) => (speed === null ? "" : shortNumber(Math.round(speed))),
  ],
  [
    "evaluation",
    "return of the newest evaluation",
    (run) => (run.live.return === null ? "" : scoreNumber(run.live.return)),
  ],
  [
    "training",
    "return of the newest training episode, with exploration noise",
    ({ live: { training_return } }) => (training_return === null ? "" : scoreNumber(training_return)),
  ],
  ["where", "machine of the newest start", ({ live: { where } }) => where ?? ""],
];

function liveHeadings(columns) {
  const titles = [["run"], ["state"], ["progress"], ...columns];
  return el(
    "thead",
    {},
    el(
      "tr",
      {},
      titles.map(([title, meaning]) => el("th", { scope: "col", title: meaning ?? null }, title)),
    ),
  );
}

function liveRow(run, columns) {
  const quiet = run.state === "running" && run.live.written ? Date.now() / 1000 - run.live.written : 0;
  return el(
    "tr",
    { "data-run": run.folder },
    el(
      "th",
      { scope: "row", class: "name" },
      runLink(run),
      el("small", {}, `${run.environment}, ${run.configuration}, seed ${run.seed}`),
      run.error && run.state !== "running" ? el("small", { class: "error" }, run.error) : null,
    ),
    el(
      "td",
      {},
      el("span", { class: `state ${run.state}`, title: LIVE_STATES[run.state] }, run.state),
      quiet > QUIET_S ? el("small", { class: "error" }, `silent for ${duration(quiet / 3600)}`) : null,
    ),
    el(
      "td",
      {},
      progressBar(run.total_steps ? Math.min(run.step / run.total_steps, 1) : 0),
      el("small", {}, `${shortNumber(run.step)} of ${shortNumber(run.total_steps)}`),
    ),
    columns.map(([title, , text]) => el("td", { class: "number", "data-title": title }, text(run))),
  );
}

function progressBar(share) {
  const percent = `${Math.floor(100 * share)} %`;
  return el(
    "div",
    {
      class: "progress",
      role: "progressbar",
      "aria-valuenow": String(Math.floor(100 * share)),
      "aria-valuemin": "0",
      "aria-valuemax": "100",
    },
    el("i", { style: `width: ${100 * share}%` }),
    el("span", {}, percent),
  );
}

/** A sweep that is not done: how far it is, when it will be done, and what waits. */
function sweepLine({ folder, runs, counts, waiting, reason, share, left_s }) {
  const states = Object.entries(counts).map(([name, number]) => `${number} ${name}`);
  const names = waiting.map((path) => path.split("/").at(-1));
  const more = (counts.pending ?? 0) - names.length;
  return el(
    "div",
    { class: "live-sweep", "data-sweep": folder },
    el("strong", {}, folder),
    progressBar(share),
    el(
      "span",
      {},
      `${count(runs, "runs")}: ${states.join(", ")}${left_s === null ? "" : `; about ${duration(left_s / 3600)} left`}`,
    ),
    names.length
      ? el(
          "details",
          { "data-key": `queue ${folder}` },
          el("summary", {}, `${counts.pending} in the queue${reason ? ` (${reason})` : ""}`),
          `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`,
        )
      : null,
  );
}
