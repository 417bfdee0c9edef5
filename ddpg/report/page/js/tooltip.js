/** Lines that are named at once beside the pointer. */
const NAMED = 12;

/** Shows, where the pointer is over a chart, every line's value there with its interval and number of runs. */
function addTooltip(chart) {
  const box = el("div", { class: "tooltip", role: "status", hidden: true });
  chart.plot.over.append(box);
  chart.plot.hooks.setCursor = [() => fillTooltip(chart, box)];
  chart.plot.over.addEventListener("mouseleave", () => {
    box.hidden = true;
  });
}

function fillTooltip(chart, box) {
  const { left, top } = chart.plot.cursor;
  box.hidden = left === undefined || left < 0 || !chart.lines.length;
  if (box.hidden) return;
  const x = chart.plot.posToVal(left, "x");
  const rows = valuesNear(chart, x, top);
  box.hidden = rows.length === 0;
  if (box.hidden) return;
  const hidden = chart.lines.filter((line) => !line.thin).length - rows.length;
  box.replaceChildren(
    el("strong", {}, `${chart.options.x.name} ${shortNumber(rows[0].x)}${chart.options.x.unit}`),
    el("table", {}, el("tbody", {}, rows.map(tooltipRow))),
    hidden > 0 ? el("div", { class: "note" }, `and ${hidden} more`) : "",
  );
  const beyond = left > chart.plot.over.clientWidth / 2;
  box.style.left = beyond ? "" : `${left + 14}px`;
  box.style.right = beyond ? `${chart.plot.over.clientWidth - left + 14}px` : "";
}

/** The means nearest to x, those nearest to the pointer first chosen, then ordered as they lie: the highest first. */
function valuesNear(chart, x, top) {
  const spacing = (chart.plot.scales.x.max - chart.plot.scales.x.min) / 20;
  const means = chart.lines.filter((line) => !line.thin);
  const rows = (means.length ? means : chart.lines)
    .map((line) => {
      const place = nearestPlace(line.x, x);
      return {
        line,
        x: line.x[place],
        value: line.y[place],
        low: line.low?.[place] ?? null,
        high: line.high?.[place] ?? null,
      };
    })
    .filter((row) => Math.abs(row.x - x) <= spacing);
  const distance = (row) => Math.abs(chart.plot.valToPos(row.value, "y") - top);
  return rows
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, NAMED)
    .sort((a, b) => b.value - a.value);
}

function tooltipRow({ line, value, low, high }) {
  const interval = low === null ? "" : ` [${scoreNumber(low)}, ${scoreNumber(high)}]`;
  return el(
    "tr",
    {},
    el("td", {}, swatch(line.look)),
    el("td", {}, shortened(line.label, 60)),
    el("td", { class: "number" }, `${scoreNumber(value)}${interval}`),
    el("td", { class: "note" }, line.n ? `n = ${line.n}` : ""),
  );
}

/** Lets the keyboard read and zoom a chart: arrows move along x, + and - zoom, 0 or Escape shows everything again. */
function addKeys(chart) {
  chart.plot.root.addEventListener("keydown", (event) => {
    const { over, cursor } = chart.plot;
    const step = { ArrowLeft: -10, ArrowRight: 10 }[event.key];
    if (step) {
      const from = cursor.left >= 0 ? cursor.left : over.clientWidth / 2;
      chart.plot.setCursor({
        left: Math.min(Math.max(from + step, 0), over.clientWidth),
        top: over.clientHeight / 2,
      });
    } else if (event.key === "0" || event.key === "Escape") chart.options.onzoom?.(null);
    else if (event.key === "+" || event.key === "-") zoomByKey(chart, event.key === "+" ? 0.5 : 2);
    else return;
    event.preventDefault();
  });
}

function zoomByKey(chart, by) {
  const { x, y } = chart.plot.scales;
  const middle =
    chart.plot.cursor.left >= 0 ? chart.plot.posToVal(chart.plot.cursor.left, "x") : (x.min + x.max) / 2;
  const half = ((x.max - x.min) * by) / 2;
  chart.options.onzoom?.([middle - half, middle + half, y.min, y.max]);
}
