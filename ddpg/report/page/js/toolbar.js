/** Draws the choices: metric, axes, single seeds, references, grouping and filters. */
function renderToolbar(element) {
  const { payload, view } = state;
  const references = (payload.references ?? []).length > 0;
  replace(
    element,
    field("Metric", metricSelect(payload, view.metric)),
    field(
      "over",
      select("x", Object.entries(AXES), view.x, (x) => choose({ x, zoom: {} })),
    ),
    field("Single seeds", seedsSelect(view.seeds)),
    checkbox("log", "Log axis", view.log, (log) => choose({ log, zoom: {} })),
    references
      ? checkbox("references", "Reference scores", view.references, (shown) => choose({ references: shown }))
      : null,
    groupField(payload, view),
    filterField(payload, view),
    el(
      "button",
      {
        type: "button",
        "data-key": "reset",
        onclick: () => choose({ ...defaultView(payload), run: view.run }),
      },
      "Reset all",
    ),
  );
  byId("meaning").textContent = meaningOf(metricFacts(payload, view.metric));
}

function seedsSelect(value) {
  const options = [
    ["auto", `of few lines with fewer than ${FEW} seeds`],
    ["on", "always"],
    ["off", "never"],
  ];
  return select("seeds", options, value, (seeds) => choose({ seeds }));
}

function field(label, control) {
  return el("label", { class: "field" }, el("span", {}, label), control);
}

function select(key, options, value, onchange) {
  const control = el(
    "select",
    { "data-key": key, onchange: (event) => onchange(event.target.value) },
    options.map(([name, text]) => el("option", { value: name, selected: name === value }, text)),
  );
  control.value = value;
  return control;
}

function checkbox(key, label, checked, onchange) {
  const box = el("input", {
    type: "checkbox",
    "data-key": key,
    onchange: (event) => onchange(event.target.checked),
  });
  box.checked = checked;
  return el("label", { class: "check" }, box, label);
}

function metricSelect(payload, value) {
  const rooms = new Map();
  for (const name of metricsOf(payload)) setDefault(rooms, name.split("/")[0], () => []).push(name);
  const control = el(
    "select",
    { "data-key": "metric", onchange: (event) => choose({ metric: event.target.value, zoom: {} }) },
    [...rooms].map(([room, names]) =>
      el(
        "optgroup",
        { label: room },
        names.map((name) => el("option", { value: name }, optionText(payload, name))),
      ),
    ),
  );
  control.value = value;
  return control;
}

function optionText(payload, name) {
  const { title } = metricFacts(payload, name);
  return title === name ? name : `${title} (${name})`;
}

/** Groups by keys, as words on a command line: preset,noise; empty: by configuration. */
function groupField(payload, view) {
  const keys = Object.keys(valuesByKey(payload.runs));
  return suggestField("group_by", "Group by", "each configuration", view.groupBy.join(","), keys, (text) => {
    const wanted = splitOutside(text, ",");
    const known = wanted.map((word) => knownKey(word, keys));
    const wrong = known.findIndex((key) => key === null);
    if (wrong >= 0) return unknownKey(wanted[wrong], keys);
    choose({ groupBy: known, hidden: [] });
    return "";
  });
}

/** Filters by keys and their values, as on a command line: noise=ou optimizer.actor.lr=0.001,0.0003 */
function filterField(payload, view) {
  const values = valuesByKey(payload.runs);
  const text = Object.entries(view.filters)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
  const words = Object.entries(values).flatMap(([key, found]) =>
    found.slice(0, 30).map((value) => `${key}=${value}`),
  );
  return suggestField("filter", "Only", "all runs, or noise=ou seed=1,2", text, words, (typed) => {
    const filters = {};
    for (const word of splitOutside(typed, " ")) {
      const [name, value] = [word.split("=")[0], word.slice(word.indexOf("=") + 1)];
      const key = knownKey(name, Object.keys(values));
      if (!word.includes("=")) return `${word}: a filter is KEY=VALUE, such as ${words[0]}`;
      if (key === null) return unknownKey(name, Object.keys(values));
      filters[key] = value;
    }
    if (!payload.runs.some((run) => passes(run, filters))) return "No run has that.";
    choose({ filters, hidden: [] });
    return "";
  });
}

/** A key by its dotted name, or by its last words where only one key ends so; null where there is none. */
function knownKey(word, keys) {
  if (keys.includes(word)) return word;
  const ending = keys.filter((key) => key.endsWith(`.${word}`));
  return ending.length === 1 ? ending[0] : null;
}

function unknownKey(word, keys) {
  const near = nearest(word, keys);
  return `No run differs in ${word}. ${near ? `Did you mean ${near}?` : `Known: ${keys.join(", ")}.`}`;
}

/** A text field with suggestions; `onenter` takes the text and returns what is wrong with it. */
function suggestField(key, label, placeholder, value, words, onenter) {
  const error = el("span", { class: "warn", role: "alert" });
  const input = typedField(
    {
      type: "text",
      "data-key": key,
      placeholder,
      list: `words-${key}`,
      spellcheck: "false",
      autocomplete: "off",
      autocapitalize: "off",
    },
    value,
    (typed) => {
      error.textContent = onenter(typed);
    },
  );
  return el(
    "div",
    { class: "field wide" },
    field(label, input),
    error,
    el(
      "datalist",
      { id: `words-${key}` },
      words.map((word) => el("option", { value: word })),
    ),
  );
}
