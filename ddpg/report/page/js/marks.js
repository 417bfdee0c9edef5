/** With so few points each of them is marked on its line, so that a single evaluation can be seen. */
const MARKED = 25;

/** Draws what uPlot does not: points of short lines, crosses where runs end that are left out, reference scores. */
function drawOver(chart) {
  const context = chart.plot.ctx;
  const { left, top, width, height } = chart.plot.bbox;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  for (const line of chart.lines) {
    if (line.cross) drawCross(chart, line);
    else if (line.x.length <= MARKED) drawPoints(chart, line);
  }
  drawReferences(chart);
  context.restore();
}

function position(chart, x, y) {
  return [chart.plot.valToPos(x, "x", true), chart.plot.valToPos(y, "y", true)];
}

function drawPoints(chart, line) {
  const context = chart.plot.ctx;
  const size = (line.thin ? 1.5 : 3) * devicePixelRatio;
  context.fillStyle = colorNow(line.look.color);
  for (let place = 0; place < line.x.length; place += 1) {
    const [x, y] = position(chart, line.x[place], line.y[place]);
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawCross(chart, line) {
  const context = chart.plot.ctx;
  const [x, y] = position(chart, line.x.at(-1), line.y.at(-1));
  const size = 4 * devicePixelRatio;
  context.strokeStyle = colorNow(line.look.color);
  context.lineWidth = 1.5 * devicePixelRatio;
  context.setLineDash([]);
  context.beginPath();
  for (const side of [-1, 1]) {
    context.moveTo(x - size, y - side * size);
    context.lineTo(x + size, y + side * size);
  }
  context.stroke();
}

/** Draws a labelled horizontal line for each reference score; labels that would overlap move apart. */
function drawReferences(chart) {
  const context = chart.plot.ctx;
  const { left, top, width, height } = chart.plot.bbox;
  const line = 14 * devicePixelRatio;
  let free = top + height;
  context.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  context.textAlign = "right";
  context.textBaseline = "bottom";
  context.lineWidth = devicePixelRatio;
  context.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  context.strokeStyle = colorNow("var(--muted)");
  for (const reference of [...chart.references].sort((a, b) => a.score - b.score)) {
    const [, y] = position(chart, 0, reference.score);
    context.beginPath();
    context.moveTo(left, y);
    context.lineTo(left + width, y);
    context.stroke();
    const base = Math.min(Math.max(Math.min(y - 2, free), top + line), top + height);
    free = base - line;
    drawLabel(context, referenceLabel(reference), left + width - 4 * devicePixelRatio, base);
  }
}

function drawLabel(context, text, x, y) {
  const { width } = context.measureText(text);
  context.fillStyle = colorNow("var(--paper)");
  context.fillRect(x - width - 2, y - 12 * devicePixelRatio, width + 4, 12 * devicePixelRatio);
  context.fillStyle = colorNow("var(--ink)");
  context.fillText(text, x, y);
}

/** The name and score of a reference; ≠ marks one whose protocol differs from that of these runs. */
function referenceLabel(reference) {
  return `${reference.differs ? "≠ " : ""}${reference.preset} ${scoreNumber(reference.score)}`;
}
