/** Draws the legend of all environments: a button a line, which shows or hides it everywhere. */
function renderLegend(element) {
  const { labels, looks } = state.model;
  const hidden = new Set(state.view.hidden);
  const ordered = [...labels].sort((a, b) => Number(looks.get(a) === FAINT) - Number(looks.get(b) === FAINT));
  const buttons = ordered.map((label) => lineButton(label, looks.get(label), !hidden.has(label)));
  const faint = labels.filter((label) => looks.get(label) === FAINT).length;
  replace(
    element,
    el("div", { class: "lines", role: "group", "aria-label": "Lines of the charts" }, buttons),
    labels.length > 2
      ? el(
          "div",
          { class: "row" },
          el(
            "button",
            { type: "button", "data-key": "all lines", onclick: () => choose({ hidden: [] }) },
            "Show all",
          ),
          el(
            "button",
            { type: "button", "data-key": "no lines", onclick: () => choose({ hidden: [...labels] }) },
            "Hide all",
          ),
          el("span", { class: "note" }, "Double click: this line alone."),
        )
      : null,
    faint
      ? el(
          "p",
          { class: "note" },
          `${LOOKS} lines can be told apart by colour and dashes: the ${LOOKS} best by their last evaluation have them, ${count(faint, "others")} are grey. Filter or group to see fewer.`,
        )
      : null,
  );
}

function lineButton(label, look, isShown) {
  return el(
    "button",
    {
      type: "button",
      class: "line",
      "aria-pressed": String(isShown),
      "data-key": `line ${label}`,
      title: label,
      onclick: () => toggleLine(label),
      ondblclick: () => showOnly(label),
      onmouseenter: () => focusLine(label),
      onmouseleave: () => focusLine(null),
    },
    swatch(look),
    el("span", {}, label),
  );
}

function toggleLine(label) {
  const { hidden } = state.view;
  choose({ hidden: hidden.includes(label) ? hidden.filter((one) => one !== label) : [...hidden, label] });
}

function showOnly(label) {
  choose({ hidden: state.model.labels.filter((one) => one !== label) });
}

/** Fades all lines but one while the pointer is over its name; null ends it. */
function focusLine(label) {
  for (const chart of charts) focusIn(chart, label);
}
