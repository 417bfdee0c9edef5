/** Draws a run's own page: what it is, its curves, what it was configured with, where it ran, how to repeat it. */
function renderRun(element) {
  removeCharts(element);
  const run = state.payload.runs.find((one) => String(one.id) === state.view.run);
  if (!run) {
    replace(element, backButton(), el("p", { class: "warn" }, `This report has no run ${state.view.run}.`));
    return;
  }
  const room = el("div", {});
  replace(
    element,
    el("nav", { class: "row", "aria-label": "Runs" }, backButton(), ...neighbours(run)),
    el("h2", {}, `${run.environment}, ${run.configuration}, seed ${run.seed}`),
    runFacts(run),
    run.error ? el("section", {}, el("h3", {}, "Error"), el("pre", { class: "error" }, run.error)) : null,
    repeatSection(run),
    run.video ? videoSection(run) : null,
    changedSection(run),
    el(
      "section",
      {},
      el("h3", {}, "Curves"),
      field(
        "over",
        select("run x", Object.entries(AXES), state.view.x, (x) => choose({ x, zoom: {} })),
      ),
      room,
    ),
    startsSection(run),
    configSection(run),
  );
  drawRunCurves(run, room);
}

/** The command that trains the run again, or why there is none. */
function repeatSection(run) {
  const none = `No command trains this run alone: ${run.no_command}. Its config stands below.`;
  return run.command || run.no_command
    ? el(
        "section",
        {},
        el("h3", {}, "Repeat this run"),
        run.command ? commandLine(run.command) : el("p", { class: "note" }, none),
      )
    : null;
}

function videoSection({ video }) {
  return el(
    "section",
    {},
    el("h3", {}, "Video"),
    el("video", { src: video, controls: true, preload: "none", "aria-label": "An episode of this run" }),
    el("p", { class: "note" }, `The file ${video} lies beside this page; it is not inside.`),
  );
}

function backButton() {
  return el("button", { type: "button", "data-key": "back", onclick: () => openRun(null) }, "← All runs");
}

/** Buttons to the other seeds of the run's configuration. */
function neighbours(run) {
  const same = state.payload.runs.filter(
    (one) => one.environment === run.environment && one.configuration === run.configuration,
  );
  return same.length < 2
    ? []
    : [
        el("span", { class: "note" }, "Seeds:"),
        ...same.map((one) =>
          el(
            "button",
            {
              type: "button",
              "data-key": `seed ${one.id}`,
              "aria-pressed": String(one.id === run.id),
              onclick: () => openRun(one.id),
            },
            String(one.seed),
          ),
        ),
      ];
}

function runFacts(run) {
  const facts = [
    ["state", stateBadge(run)],
    ["folder", el("code", {}, run.folder)],
    ["steps", `${shortNumber(run.step ?? 0)} of ${shortNumber(run.total_steps ?? 0)}`],
    ["time", duration(run.hours)],
    ["speed", run.steps_per_second ? `${scoreNumber(run.steps_per_second)} steps/s` : "–"],
    ...Object.keys(CONVENTIONS)
      .filter((name) => Number.isFinite(run.scores[name]))
      .map((name) => [conventionTitle(name, [run]), scoreNumber(run.scores[name])]),
    ...(run.note ? [["note", run.note]] : []),
  ];
  return el(
    "dl",
    { class: "facts" },
    facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}

function drawRunCurves(run, room) {
  const names = metricsOf(state.payload).filter((name) => curveOf(run, name, state.view.x));
  if (!names.length) {
    room.append(el("p", { class: "empty" }, `Nothing has been recorded over ${AXES[state.view.x]}.`));
    return;
  }
  const panels = el(
    "div",
    { class: "panels" },
    names.map((name) => runPanel(name)),
  );
  room.append(panels);
  names.forEach((name, place) => drawRunCurve(run, name, panels.children[place].querySelector(".chart")));
}

function runPanel(name) {
  return el(
    "article",
    { class: "panel" },
    el("h4", {}, el("code", {}, name)),
    el("p", { class: "note" }, meaningOf(metricFacts(state.payload, name))),
    el("div", { class: "chart" }),
  );
}

function drawRunCurve(run, name, element) {
  const facts = metricFacts(state.payload, name);
  const key = `run ${name}`;
  const curve = curveOf(run, name, state.view.x);
  drawChart(element, {
    label: `${facts.title} of this run, from ${scoreNumber(curve.y[0])} to ${scoreNumber(curve.y.at(-1))}`,
    height: 220,
    lines: [{ ...curve, label: facts.title, look: lookAt(0), low: null, n: 0 }],
    x: {
      label: AXES[state.view.x],
      name: state.view.x === "hours" ? "after" : state.view.x,
      unit: state.view.x === "hours" ? " h" : "",
    },
    y: { label: facts.unit || name.split("/").at(-1) },
    zoom: state.view.zoom[key] ?? null,
    onzoom: (bounds) => zoomTo(key, bounds),
  });
}

function changedSection(run) {
  const title = "What differs from its preset";
  const changed = Object.entries(run.changed ?? {}).map(([key, [usual, own]]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row", class: "name" }, el("code", {}, key)),
      el("td", {}, String(usual)),
      el("td", {}, String(own)),
    ),
  );
  const none = run.changed
    ? "Nothing."
    : "Not known, because its preset is not on record or not in this package.";
  return el(
    "section",
    {},
    el("h3", {}, title),
    changed.length ? tableOf(title, ["key", "preset", "this run"], changed) : el("p", {}, none),
  );
}

/** The starts of a run: when, where and with which versions; more than one means that it was interrupted. */
function startsSection(run) {
  const { starts } = run;
  const rows = starts.map((start) =>
    el(
      "tr",
      {},
      el("td", {}, start.time),
      el("td", { class: "number" }, start.step === null ? "–" : shortNumber(start.step)),
      el("td", {}, start.machine ?? "–"),
      el("td", {}, el("code", {}, (start.commit ?? "–").slice(0, 10)), start.dirty ? " and changes" : ""),
      el("td", {}, start.kernels ?? "–"),
      el("td", {}, versionsFold(start.versions)),
    ),
  );
  return el(
    "section",
    {},
    el("h3", {}, starts.length > 1 ? `Interrupted: ${starts.length} starts` : "Start"),
    rows.length
      ? tableOf("Starts of the run", ["time", "from step", "machine", "commit", "kernels", "versions"], rows)
      : el("p", {}, "Not on record."),
  );
}

function versionsFold(versions) {
  const all = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return all.length
    ? el("details", {}, el("summary", {}, shortened(all.slice(0, 3).join(", "), 60)), all.join(", "))
    : "–";
}

function configSection(run) {
  if (!run.config)
    return el(
      "section",
      {},
      el("h3", {}, "Config"),
      el(
        "p",
        {},
        "Left out of this page for its size; it is ",
        el("code", {}, `${run.folder}/config.yaml`),
        ".",
      ),
    );
  return el(
    "section",
    {},
    el("h3", {}, "Config"),
    el(
      "details",
      { "data-key": "config" },
      el("summary", {}, "config.yaml"),
      copyButton(run.config),
      el("pre", {}, run.config),
    ),
  );
}
