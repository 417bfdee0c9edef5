/** Milliseconds: until a page whose server is gone asks again, and for which charts wait while somebody uses them. */
const AGAIN_MS = 3000;
const PATIENCE_MS = 15000;
/** Drawing the charts takes at most one part in so many of the browser's time. */
const DRAWING_SHARE = 10;

const live = {
  show: null,
  version: "",
  runs: new Map(),
  head: null,
  shown: null,
  all: false,
  chosen: null,
  answered: null,
  lost: null,
  charts: { dirty: true, partial: false, since: 0, after: 0 },
  timer: 0,
  asking: false,
};

/** Follows the server that sent this page: `show` draws a whole payload, at first and after each change. */
function startLive(show) {
  live.show = show;
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask();
  });
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
  if (gone.length || others || runs.some((run) => "curves" in run || "folder" in run))
    live.charts.dirty = true;
}

/** Draws the report again if there is something new, but not while somebody drags over a chart or chooses in a list. */
function drawCharts() {
  const { charts } = live;
  const opening = live.head?.live.unread > 0;
  if (!charts.dirty || !live.head?.metrics || (Date.now() < charts.after && (opening || !charts.partial)))
    return;
  charts.since ||= Date.now();
  const used = document.querySelector("#panels:hover, #panels :active, select:focus, input:focus");
  if (used && live.shown && Date.now() - charts.since < PATIENCE_MS) return;
  const runs = [...live.runs.values()].sort((one, other) => byNature(one.folder, other.folder));
  const began = performance.now();
  live.shown = { ...live.head, runs };
  byId("overview").classList.toggle("nothing-yet", !runs.length);
  live.show(live.shown);
  live.charts = {
    dirty: false,
    partial: opening,
    since: 0,
    after: Date.now() + DRAWING_SHARE * (performance.now() - began),
  };
}

/** Draws the part of the page that changes all the time: counts, what runs, sweeps, folders that cannot be read. */
function drawLive() {
  const runs = [...live.runs.values()];
  const queue = live.head?.live ?? { sweeps: [], problems: [], beginning: [], unread: 0 };
  replace(
    byId("live"),
    liveHeader(runs, queue),
    runs.length ? liveTable(runs) : null,
    queue.sweeps.map(sweepLine),
    queue.beginning.length
      ? el("p", { class: "note" }, `Starting, nothing written yet: ${queue.beginning.join(", ")}`)
      : null,
    queue.problems.map(({ folder, why }) => el("p", { class: "warn" }, `${folder} cannot be read: ${why}`)),
    queue.more_problems
      ? el("p", { class: "warn" }, `${queue.more_problems} more folders cannot be read.`)
      : null,
  );
  drawAge();
}

function liveHeader(runs, queue) {
  const empty =
    live.answered && !runs.length && !queue.sweeps.length && !queue.beginning.length && !queue.unread;
  return [
    el("h2", {}, "Now"),
    el("p", { id: "pulse" }),
    queue.unread ? el("p", { class: "note" }, `${count(queue.unread, "runs")} still to be read …`) : null,
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
