/**
 * What the reader chose, kept in the address after the #. Words that are not in this list are filters, as on a command
 * line: #group_by=optimizer.actor.lr&noise=ou
 */
const VIEW_WORDS = [
  "metric",
  "x",
  "log",
  "seeds",
  "references",
  "group_by",
  "hidden",
  "zoom",
  "sort",
  "threshold",
  "score",
  "grid",
  "run",
  "filter",
];
const AXES = { step: "environment steps", hours: "wall time (hours)", updates: "updates of the networks" };

/** What the page shows when nothing was chosen in it. */
function defaultView(payload) {
  const chosen = payload.view;
  const metrics = metricsOf(payload);
  const score = knownConventions(payload.runs)[0] ?? "last";
  return {
    metric: metrics.includes(chosen.metric) ? chosen.metric : metrics[0],
    x: "step",
    log: false,
    seeds: "auto",
    references: false,
    groupBy: chosen.group_by,
    filters: { ...chosen.filters },
    hidden: [],
    zoom: {},
    sort: `-${score}`,
    thresholds: {},
    score,
    grid: [],
    run: null,
  };
}

/** The threshold of an environment: the reader's, or that of the command line; null where there is none. */
function thresholdOf(environment) {
  return (
    state.view.thresholds[environment] ?? state.payload.view.threshold ?? state.payload.view.solved ?? null
  );
}

/** Reads a view from the part of the address after the #; the rest is as by default. */
function viewOf(hash, payload) {
  const view = defaultView(payload);
  const filters = {};
  let filtered = false;
  for (const [word, value] of pairsOf(hash)) {
    if (!VIEW_WORDS.includes(word)) filters[word] = value;
    if (!VIEW_WORDS.includes(word) || word === "filter") filtered = true;
    else readWord(view, word, value);
  }
  return filtered ? { ...view, filters } : view;
}

function pairsOf(hash) {
  return hash
    .replace(/^#/, "")
    .split("&")
    .filter((pair) => pair.includes("="))
    .map((pair) => {
      const at = pair.indexOf("=");
      return [decoding(pair.slice(0, at)), decoding(pair.slice(at + 1))];
    });
}

function decoding(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % that was typed by hand
  }
}

function readWord(view, word, value) {
  if (word === "log" || word === "references") view[word] = value === "y" || value === "on";
  else if (word === "group_by") view.groupBy = splitOutside(value, ",");
  else if (word === "hidden") view.hidden = [...view.hidden, value];
  else if (word === "grid") view.grid = splitOutside(value, ",");
  else if (word === "zoom") readZoom(view, value);
  else if (word === "threshold") readThreshold(view, value);
  else if (word === "x") view.x = value in AXES ? value : "step";
  else if (word === "score") view.score = value in CONVENTIONS ? value : view.score;
  else view[word] = value;
}

function readZoom(view, value) {
  const words = value.split(":");
  const numbers = words.slice(-4).map(Number);
  if (words.length >= 5 && numbers.every(Number.isFinite))
    view.zoom = { ...view.zoom, [words.slice(0, -4).join(":")]: numbers };
}

function readThreshold(view, value) {
  const at = value.lastIndexOf(":");
  const number = Number(value.slice(at + 1));
  if (at > 0 && Number.isFinite(number))
    view.thresholds = { ...view.thresholds, [value.slice(0, at)]: number };
}

/** Writes what differs from the default view as the part of the address after the #. */
function hashOf(view, payload) {
  const usual = defaultView(payload);
  const pairs = [];
  for (const word of ["metric", "x", "seeds", "sort", "score", "run"]) {
    if (view[word] !== usual[word]) pairs.push([word, view[word]]);
  }
  if (view.log) pairs.push(["log", "y"]);
  if (view.references) pairs.push(["references", "on"]);
  if (view.groupBy.join() !== usual.groupBy.join()) pairs.push(["group_by", view.groupBy.join(",")]);
  if (view.grid.length) pairs.push(["grid", view.grid.join(",")]);
  pairs.push(...view.hidden.map((label) => ["hidden", label]));
  pairs.push(
    ...Object.entries(view.zoom).map(([name, bounds]) => [
      "zoom",
      [name, ...bounds.map((v) => trimmed(v, 6))].join(":"),
    ]),
  );
  pairs.push(...Object.entries(view.thresholds).map(([name, value]) => ["threshold", `${name}:${value}`]));
  if (JSON.stringify(view.filters) !== JSON.stringify(usual.filters)) {
    const filters = Object.entries(view.filters);
    pairs.push(...(filters.length ? filters : [["filter", "none"]]));
  }
  return pairs.map(([word, value]) => `${encoding(word)}=${encoding(value)}`).join("&");
}

/** Percent-encodes only what would be misread, so that an address stays readable. */
function encoding(text) {
  return encodeURIComponent(text)
    .replace(/%2F/g, "/")
    .replace(/%2C/g, ",")
    .replace(/%3A/g, ":")
    .replace(/%3D/g, "=");
}

/** Splits a text at a separator that stands outside brackets and braces. */
function splitOutside(text, separator) {
  const parts = [""];
  let depth = 0;
  for (const letter of text) {
    if ("[{(".includes(letter)) depth += 1;
    if ("]})".includes(letter)) depth -= 1;
    if (letter === separator && depth <= 0) parts.push("");
    else parts[parts.length - 1] += letter;
  }
  return parts.map((part) => part.trim()).filter(Boolean);
}

/** Changes the view, and with it the address; the browser's back button undoes it. */
function choose(changes) {
  state.view = { ...state.view, ...changes };
  const hash = hashOf(state.view, state.payload);
  if (hash !== location.hash.replace(/^#/, "")) history.pushState(null, "", `#${hash}`);
  render();
}
