/** All that the page knows: its data, what the reader chose, and the runs grouped by that. */
const state = { payload: null, view: null, model: null, choices: "", drawn: {} };

/** What of the view the curves and their controls depend on. */
function ofCurves(view) {
  return [view.metric, view.x, view.seeds, view.log, view.references, view.groupBy, view.filters];
}

/** The sections of the page, and what of the view each depends on; it is drawn anew only where that has changed. */
const SECTIONS = [
  [
    "toolbar",
    renderToolbar,
    (view) => [state.choices, ...ofCurves(view)],
  ],
  ["glance", renderGlance, (view) => [view.groupBy, view.filters, view.score]],
  ["legend", renderLegend, (view) => [view.groupBy, view.filters, view.hidden]],
  [
    "panels",
    renderPanels,
    (view) => [...ofCurves(view), view.hidden, view.zoom],
  ],
  [
    "tables",
    renderTables,
    (view) => [view.groupBy, view.filters, view.score, view.sort, view.thresholds, view.metric],
  ],
  ["failures", renderFailures, (view) => [view.filters]],
  ["swept", renderSwept, (view) => [view.groupBy, view.filters, view.score, view.grid]],
  ["runs", renderRuns, (view) => [view.filters, view.score]],
];

/** Shows a payload; the view stays as it is. A live page calls it again with new data. */
function showPayload(payload) {
  const first = state.payload === null;
  state.payload = payload;
  state.model = null;
  state.drawn = { toolbar: state.drawn.toolbar };
  if (first) state.view = viewOf(location.hash, payload);
  state.choices = JSON.stringify([metricsOf(payload), valuesByKey(payload.runs)]);
  drawHeader(payload);
  drawStudySection(payload);
  render();
}

/** Draws what the view asks for: a run's own page, or the overview. */
function render() {
  const { view, payload } = state;
  const grouping = JSON.stringify([view.groupBy, view.filters]);
  if (!state.model || state.model.grouping !== grouping)
    state.model = { ...modelOf(payload, view), grouping };
  const alone = view.run !== null;
  byId("overview").hidden = alone;
  byId("run").hidden = !alone;
  if (alone) {
    renderRun(byId("run"));
    return;
  }
  removeCharts(byId("run"));
  byId("run").replaceChildren();
  for (const [id, draw, parts] of SECTIONS) {
    const wanted = JSON.stringify(parts(view));
    if (state.drawn[id] === wanted) continue;
    state.drawn[id] = wanted;
    draw(byId(id));
  }
}

function drawHeader({ made, runs }) {
  const title = `Report of ${listed(made.folders.slice(0, 3))}${made.folders.length > 3 ? ` and ${made.folders.length - 3} more` : ""}`;
  document.title = title;
  byId("title").textContent = title;
  byId("made").textContent = `${count(runs.length, "runs")}, made ${made.date} by ddpg ${made.version}`;
  byId("command").replaceChildren(commandLine(made.command));
}

function drawStudySection({ study }) {
  const element = byId("study");
  element.hidden = !study;
  if (study) drawStudy(study, element);
}

/** The address was changed by hand, by a link or by the back button. */
function readAddress() {
  if (state.payload === null) return;
  state.view = viewOf(location.hash, state.payload);
  render();
}

/** Goes from the theme that is shown to the other one. */
function toggleTheme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(dark ? "light" : "dark");
}

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  redrawCharts();
}

/** Prints in light colours and at the width of the paper; the screen is as before afterwards. */
function printLight() {
  const before = document.documentElement.dataset.theme;
  setTheme("light");
  for (const chart of charts) chart.plot.setSize({ width: 680, height: chart.plot.height });
  addEventListener(
    "afterprint",
    () => {
      setTheme(before);
      for (const chart of charts) resize(chart);
    },
    { once: true },
  );
}

async function start() {
  addEventListener("popstate", readAddress);
  addEventListener("beforeprint", printLight);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
  byId("skip").addEventListener("click", jump);
  byId("theme").addEventListener("click", toggleTheme);
  if (typeof startLive === "function") startLive(showPayload);
  else showPayload(await embeddedPayload());
}

start().catch((error) => {
  byId("title").textContent = `This page could not be drawn: ${error.message}`;
  throw error;
});
