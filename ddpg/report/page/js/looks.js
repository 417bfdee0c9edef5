/** Dashes of a line, as ddpg.report.drawing.STYLES: solid, dashed, dotted. With the seven colours 21 looks differ. */
const DASHES = [[], [8, 4], [2, 3]];
const LOOKS = palette.length * DASHES.length;

/** The look of the line at a place: its colour (a CSS colour) and its dashes. */
function lookAt(place) {
  return { color: palette[place % palette.length], dash: DASHES[place % DASHES.length] };
}

/** The colour that a line has without a look of its own. */
const FAINT = { color: "var(--faint)", dash: [] };

/**
 * Gives each label a look. Where there are more labels than looks that can be told apart, those that score best get
 * them, and the others are faint.
 */
function looksOf(labels, environments) {
  const shown = new Set(labels.length > LOOKS ? bestLabels(labels, environments).slice(0, LOOKS) : labels);
  const colored = labels.filter((label) => shown.has(label));
  return new Map(labels.map((label) => [label, shown.has(label) ? lookAt(colored.indexOf(label)) : FAINT]));
}

/** The labels, best first by their mean rank over the environments. */
function bestLabels(labels, environments) {
  const ranks = new Map(labels.map((label) => [label, []]));
  for (const { groups } of environments) {
    const ranked = groups
      .map((group) => [meanOf(scoresOf(group, "last")), group.label])
      .sort((a, b) => order(b[0], a[0]));
    ranked.forEach(([, label], place) => ranks.get(label).push(place));
  }
  return [...labels].sort((a, b) => meanOf(ranks.get(a)) - meanOf(ranks.get(b)));
}

/** Orders numbers so that those that are missing (NaN) count as the smallest. */
function order(one, other) {
  if (Number.isNaN(one) || Number.isNaN(other))
    return Number(Number.isNaN(other)) - Number(Number.isNaN(one));
  return one - other;
}

/** The value of a CSS colour now, for the canvas, which knows no variables. */
function colorNow(color) {
  const name = /^var\((.+)\)$/.exec(color);
  return name ? getComputedStyle(document.documentElement).getPropertyValue(name[1]).trim() : color;
}

/** A short line that shows a look in a legend. */
function swatch(look) {
  return svg(
    "svg",
    { class: "swatch", viewBox: "0 0 28 10", "aria-hidden": "true" },
    svg("line", {
      x1: 1,
      x2: 27,
      y1: 5,
      y2: 5,
      style: `stroke:${look.color}`,
      "stroke-dasharray": look.dash.join(" ") || null,
    }),
  );
}
