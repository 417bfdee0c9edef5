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
/** Milliseconds: until a page whose server is gone asks again, and for which charts wait while somebody uses them. */
const AGAIN_MS = 3000;
const PATIENCE_MS = 15000;
/** A run that has written nothing for so many seconds is marked. */
const QUIET_S = 300;
/** Drawing the charts takes at most one part in so many of the browser's time. */
const DRAWING_SHARE = 10;

const live = {
  show: null, version: "", runs: new Map(), head: null, shown: null, all: false, chosen: null,
  answered: null, lost: null, charts: { dirty: true, partial: false, since: 0, after: 0 }, timer: 0, asking: false,
};

/** Follows the server that sent this page: `show` draws a whole payload, at first and after each change. */
function startLive(show) {
  live.show = show;
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  setInterval(drawAge, 1000);
  ask();
}

/** Asks for what has changed, draws it, and asks again later; nothing is asked while the tab is hidden. */
async function ask() {
  clearTimeout(live.timer);
  if (live.asking || (document.hidden && live.answered)) return;
  live.asking = true;
  const answer = await answered();
  live.asking = false;
  live.timer = setTimeout(ask, answer ? 1000 * answer.wait : AGAIN_MS);
  if (answer) merge(answer);
  drawLive();
  drawCharts();
}

/** Returns what the server answers; null where it does not, and notes since when and why. */
async function answered() {
  try {
    const response = await fetch(`/payload.json?since=${live.version}`);
    if (!response.ok) throw new Error((await response.text()).trim());
    const answer = await response.json();
    live.answered = Date.now();
    live.lost = null;
    return answer;
  } catch (error) {
    live.lost ??= { since: new Date(), why: error instanceof TypeError ? "" : error.message };
    return null;
  }
}

/** Takes over what the server says has changed; a run that did not change stays the same object. */
function merge({ version, head, runs, gone }) {
  if (version.split("-")[0] !== live.version.split("-")[0]) live.runs.clear();
  live.version = version;
  live.head = { ...live.head, ...head };
  for (const changed of runs) live.runs.set(changed.id, { ...live.runs.get(changed.id), ...changed });
  for (const id of gone) live.runs.delete(id);
  const others = Object.keys(head).some((key) => key !== "live");
  if (gone.length || others || runs.some((run) => "curves" in run || "folder" in run)) live.charts.dirty = true;
}

/** Draws the report again if there is something new, but not while somebody drags over a chart or chooses in a list. */
function drawCharts() {
  const { charts } = live;
  const opening = live.head?.live.unread > 0;
  if (!charts.dirty || !live.head?.metrics || (Date.now() < charts.after && (opening || !charts.partial))) return;
  charts.since ||= Date.now();
  const used = document.querySelector("#panels:hover, #panels :active, select:focus, input:focus");
  if (used && live.shown && Date.now() - charts.since < PATIENCE_MS) return;
  const runs = [...live.runs.values()].sort((one, other) => byNature(one.folder, other.folder));
  const began = performance.now();
  live.shown = { ...live.head, runs };
  byId("overview").classList.toggle("nothing-yet", !runs.length);
  live.show(live.shown);
  live.charts = { dirty: false, partial: opening, since: 0, after: Date.now() + DRAWING_SHARE * (performance.now() - began) };
}

/** Draws the part of the page that changes all the time: counts, what runs, sweeps, folders that cannot be read. */
function drawLive() {
  const runs = [...live.runs.values()];
  const told = live.head?.live ?? { sweeps: [], problems: [], beginning: [], unread: 0 };
  replace(byId("live"),
    liveHeader(runs, told),
    runs.length ? liveTable(runs) : null,
    told.sweeps.map(sweepLine),
    told.beginning.length ? el("p", { class: "note" }, `Starting, nothing written yet: ${told.beginning.join(", ")}`) : null,
    told.problems.map(({ folder, why }) => el("p", { class: "warn" }, `${folder} cannot be read: ${why}`)),
    told.more_problems ? el("p", { class: "warn" }, `${told.more_problems} more folders cannot be read.`) : null);
  drawAge();
}

function liveHeader(runs, told) {
  const empty = live.answered && !runs.length && !told.sweeps.length && !told.beginning.length && !told.unread;
  return [
    el("h2", {}, "Now"),
    el("p", { id: "pulse" }),
    told.unread ? el("p", { class: "note" }, `${count(told.unread, "runs")} still to be read …`) : null,
    empty ? el("p", {}, "No run has begun here yet. It appears as soon as ddpg-train starts one.") : null,
  ];
}

/** Says once a second how old the numbers are, or that the server is gone. */
function drawAge() {
  const line = byId("pulse");
  if (!line) return;
  line.className = live.lost ? "warn" : "note";
  if (live.lost) {
    const why = live.lost.why ? `: ${live.lost.why}` : ": ddpg-report serve has ended, or cannot be reached";
    line.textContent = `No answer since ${live.lost.since.toLocaleTimeString()}${why}. This page goes on when it is back.`;
  } else if (live.answered) {
    line.textContent = `Live, ${count(Math.round((Date.now() - live.answered) / 1000), "seconds")} old`;
  }
}

function liveTable(runs) {
  const counts = {};
  for (const run of runs) counts[run.state] = (counts[run.state] ?? 0) + 1;
  const chosen = live.chosen ?? (counts.running ? new Set(Object.keys(LIVE_STATES).filter((name) => name !== "done")) : new Set(Object.keys(LIVE_STATES)));
  const order = Object.keys(LIVE_STATES).filter((name) => counts[name]);
  const rows = order.filter((name) => chosen.has(name)).flatMap((name) => rowsOf(runs.filter((run) => run.state === name)));
  const columns = LIVE_COLUMNS.filter(([, , text]) => rows.some((run) => text(run) !== ""));
  return [
    el("div", { class: "live-states", role: "group", "aria-label": "States of the runs that are listed" }, order.map((name) => stateButton(name, counts[name], chosen))),
    rows.length ? el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Runs now" },
      el("table", { class: "live-table" }, liveHeadings(columns), el("tbody", {}, rows.map((run) => liveRow(run, columns))))) : null,
    order.some((name) => chosen.has(name) && counts[name] > LIVE_ROWS) ? el("button", { type: "button", "data-key": "live-all", onclick: () => { live.all = !live.all; drawLive(); } },
      live.all ? `Show ${LIVE_ROWS} of each state` : "Show all") : null,
  ];
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
  return el("button", { type: "button", "data-key": `state ${name}`, "aria-pressed": String(chosen.has(name)), title: LIVE_STATES[name], class: `state ${name}`, onclick: toggle }, `${number} ${name}`);
}

/** The columns after the run and its state: title, what it means, and the text of a cell. */
const LIVE_COLUMNS = [
  ["left", "time left, at the speed of the newest rows", ({ live: { left_s } }) => (left_s === null ? "" : duration(left_s / 3600))],
  ["steps/s", "environment steps a second, evaluations included", ({ live: { speed } }) => (speed === null ? "" : shortNumber(Math.round(speed)))],
  ["evaluation", "return of the newest evaluation", (run) => (run.live.return === null ? "" : scoreNumber(run.live.return))],
  ["training", "return of the newest training episode, with exploration noise", ({ live: { training_return } }) => (training_return === null ? "" : scoreNumber(training_return))],
  ["where", "machine of the newest start", ({ live: { where } }) => where ?? ""],
];

function liveHeadings(columns) {
  const titles = [["run"], ["state"], ["progress"], ...columns];
  return el("thead", {}, el("tr", {}, titles.map(([title, meaning]) => el("th", { scope: "col", title: meaning ?? null }, title))));
}

function liveRow(run, columns) {
  const quiet = run.state === "running" && run.live.written ? Date.now() / 1000 - run.live.written : 0;
  return el("tr", { "data-run": run.folder },
    el("th", { scope: "row", class: "name" }, runLink(run), el("small", {}, `${run.environment}, ${run.configuration}, seed ${run.seed}`),
      run.error && run.state !== "running" ? el("small", { class: "error" }, run.error) : null),
    el("td", {}, el("span", { class: `state ${run.state}`, title: LIVE_STATES[run.state] }, run.state),
      quiet > QUIET_S ? el("small", { class: "error" }, `silent for ${duration(quiet / 3600)}`) : null),
    el("td", {}, progressBar(run.total_steps ? Math.min(run.step / run.total_steps, 1) : 0), el("small", {}, `${shortNumber(run.step)} of ${shortNumber(run.total_steps)}`)),
    columns.map(([title, , text]) => el("td", { class: "number", "data-title": title }, text(run))));
}

function progressBar(share) {
  const percent = `${Math.floor(100 * share)} %`;
  return el("div", { class: "progress", role: "progressbar", "aria-valuenow": String(Math.floor(100 * share)), "aria-valuemin": "0", "aria-valuemax": "100" },
    el("i", { style: `width: ${100 * share}%` }), el("span", {}, percent));
}

/** A sweep that is not done: how far it is, when it will be done, and what waits. */
function sweepLine({ folder, runs, counts, waiting, reason, share, left_s }) {
  const states = Object.entries(counts).map(([name, number]) => `${number} ${name}`);
  const names = waiting.map((path) => path.split("/").at(-1));
  const more = (counts.pending ?? 0) - names.length;
  return el("div", { class: "live-sweep", "data-sweep": folder },
    el("strong", {}, folder), progressBar(share),
    el("span", {}, `${count(runs, "runs")}: ${states.join(", ")}${left_s === null ? "" : `; about ${duration(left_s / 3600)} left`}`),
    names.length ? el("details", { "data-key": `queue ${folder}` },
      el("summary", {}, `${counts.pending} in the queue${reason ? ` (${reason})` : ""}`),
      `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`) : null);
}
