/** The charts that are drawn now; uPlot draws on a canvas, which must be told of a new size, theme or print. */
const charts = new Set();
const HEIGHT = 300;
const THIN_ALPHA = 0.55;

/**
 * Draws lines into an element with uPlot and returns the chart, {element, plot, lines, remove}.
 *
 * options: label (what a screen reader says), x and y ({label, unit}), log (whether y is logarithmic), lines,
 * references, zoom ([x0, x1, y0, y1] or null), onzoom(bounds or null), height.
 * A line is {label, x, y, low, high, n, look, thin, cross}: `thin` for a single seed, `cross` for one that is left out.
 */
function drawChart(element, options) {
  const drawn = options.lines.filter((line) => line.x.length);
  const scale = scaleFor(drawn, options);
  const series = seriesOf(drawn, scale);
  const chart = { element, options, lines: drawn, scale, references: options.references ?? [] };
  chart.plot = new uPlot(plotOptions(chart, series), [series.places, ...series.columns], element);
  chart.plot.root.setAttribute("role", "img");
  chart.plot.root.setAttribute("tabindex", "0");
  chart.plot.root.setAttribute("aria-label", options.label);
  addTooltip(chart);
  addKeys(chart);
  const observer = new ResizeObserver(() => resize(chart));
  observer.observe(element);
  chart.remove = () => {
    observer.disconnect();
    chart.plot.destroy();
    charts.delete(chart);
  };
  charts.add(chart);
  return chart;
}

function resize(chart) {
  const width = chart.element.clientWidth;
  if (width && Math.abs(width - chart.plot.width) > 1)
    chart.plot.setSize({ width, height: chart.plot.height });
}

/** Removes the charts inside an element, before it gets new ones. */
function removeCharts(element) {
  for (const chart of charts) if (element.contains(chart.element)) chart.remove();
}

function redrawCharts() {
  for (const chart of charts) chart.plot.redraw(false, true);
}

/** Fades the lines of a chart that have another label; null shows them all again. */
function focusIn(chart, label) {
  chart.plot.focused = label;
  for (const series of chart.plot.series.slice(1)) {
    const chosen = series.line.label === label;
    const usual = series.line.thin ? THIN_ALPHA : 1;
    series.alpha = label === null || chosen ? usual : 0.12;
    if (series.bound) series.show = !series.line.quiet || chosen;
  }
  chart.plot.redraw(true, false);
}

/** Says how y is drawn: "linear", "log", or "arcsinh" where a logarithm is wanted and values are not above 0. */
function scaleFor(lines, { log }) {
  if (!log) return "linear";
  return lines.every((line) => line.y.every((value) => value > 0)) ? "log" : "arcsinh";
}

/** Turns lines into uPlot's columns over shared places: single seeds first, then each mean with its interval. */
function seriesOf(lines, scale) {
  const places = lines.length ? chartPlaces(lines) : [0, 1];
  const series = [{}];
  const bands = [];
  const columns = [];
  const add = (line, y, style) => {
    series.push({
      spanGaps: true,
      points: { show: false },
      alpha: line.thin ? THIN_ALPHA : 1,
      line,
      ...style,
    });
    columns.push(columnAt(places, line.x, y));
  };
  for (const line of lines.filter((one) => one.thin)) add(line, line.y, thinStyle(line));
  for (const line of lines.filter((one) => !one.thin && one.low)) {
    add(line, line.high, { width: 0, bound: true, show: !line.quiet });
    add(line, clipped(line, scale), { width: 0, bound: true, show: !line.quiet });
    bands.push({
      series: [series.length - 2, series.length - 1],
      fill: (plot) => shade(plot.focused ?? null, line, lines),
    });
  }
  for (const line of lines.filter((one) => !one.thin)) {
    add(line, line.y, { stroke: () => colorNow(line.look.color), width: 2, dash: line.look.dash });
  }
  return { places, series, bands, columns };
}

function thinStyle(line) {
  return { stroke: () => colorNow(line.look.color), width: 0.8, dash: line.cross ? [4, 2] : [] };
}

/** The lower bounds; on a logarithmic axis those that are not above 0 lie below all that is drawn. */
function clipped(line, scale) {
  if (scale !== "log") return line.low;
  const floor = Math.min(...line.y) / 10;
  return line.low.map((value) => Math.max(value, floor));
}

function shade(focused, line, lines) {
  const bands = lines.filter((one) => one.low && !one.thin).length;
  if (line.label === focused) return withAlpha(colorNow(line.look.color), 0.3);
  if (focused !== null || line.quiet) return "rgba(0,0,0,0)";
  return withAlpha(colorNow(line.look.color), bands <= 4 ? 0.18 : 0.1);
}

function withAlpha(color, alpha) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return `rgba(${red},${green},${blue},${alpha})`;
}

function plotOptions(chart, { series, bands }) {
  const { options, element, scale } = chart;
  const zoom = options.zoom;
  return {
    width: Math.max(element.clientWidth, 200),
    height: options.height ?? HEIGHT,
    series,
    bands,
    legend: { show: false },
    padding: [10, 16, 0, 0],
    scales: {
      x: { time: false, ...(zoom ? { range: () => [zoom[0], zoom[1]] } : {}) },
      y: {
        distr: { linear: 1, log: 3, arcsinh: 4 }[scale],
        range: (_, low, high) => yRange(chart, low, high),
      },
    },
    axes: [
      axisOptions({ label: options.x.label, size: 24, labelSize: 20, labelGap: 0, space: 70 }),
      axisOptions({
        label: yTitle(options.y.label, scale),
        size: sizeOfLabels,
        labelSize: 20,
        labelGap: 0,
        space: 34,
      }),
    ],
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: true, uni: 20, setScale: false },
      bind: { dblclick: () => () => options.onzoom?.(null) },
    },
    hooks: { setSelect: [() => zoomToSelection(chart)], draw: [() => drawOver(chart)] },
  };
}

function yTitle(label, scale) {
  return { linear: label, log: `${label}, log axis`, arcsinh: `${label}, symmetric log axis` }[scale];
}

function axisOptions(options) {
  return {
    stroke: () => colorNow("var(--muted)"),
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
    gap: 4,
    grid: { stroke: () => colorNow("var(--grid)"), width: 1 },
    ticks: { show: false },
    values: (_, splits) => splits.map((value) => (value === null ? "" : shortNumber(value))),
    ...options,
  };
}

/** The width of the y axis, from its longest number. */
function sizeOfLabels(_, values) {
  return 14 + 7 * Math.max(2, ...(values ?? []).map((text) => text.length));
}

/** The range of y: as zoomed, or all that is drawn with the reference scores. */
function yRange(chart, low, high) {
  if (chart.options.zoom) return chart.options.zoom.slice(2);
  const scores = chart.references
    .map((one) => one.score)
    .filter((score) => chart.scale !== "log" || score > 0);
  const bounds = [low ?? 0, high ?? 1, ...scores];
  const [least, most] = [Math.min(...bounds), Math.max(...bounds)];
  if (least === 0 && most === 0) return [0, 1];
  if (chart.scale === "log") return [least / 1.2, most * 1.2];
  return chart.scale === "arcsinh"
    ? uPlot.rangeAsinh(least, most, 10, true)
    : uPlot.rangeNum(least, most, 0.06, true);
}

function zoomToSelection(chart) {
  const { select } = chart.plot;
  if (select.width < 5 && select.height < 5) return;
  const { width, height } = chart.plot.over.getBoundingClientRect();
  const alongX = select.width >= 5 ? [select.left, select.left + select.width] : [0, width];
  const alongY = select.height >= 5 ? [select.top + select.height, select.top] : [height, 0];
  const bounds = [
    ...alongX.map((at) => chart.plot.posToVal(at, "x")),
    ...alongY.map((at) => chart.plot.posToVal(at, "y")),
  ];
  chart.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  chart.options.onzoom?.(bounds);
}
