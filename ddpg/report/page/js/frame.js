/** Widths of a character and of the space around a small chart, in pixels. */
const CHARACTER = 6.2;
const SPACE = { top: 10, right: 14, bottom: 44, left: 20 };

/**
 * Makes a small chart's axes, grid and titles as an SVG image. An axis is {label, kind, domain or values}: kind is
 * "linear" or "log" with domain [low, high], or "category" with the values that stand at equal distances.
 * Returns {svg, plot, x, y}: `plot` is the group to draw into, x and y turn a value into pixels.
 */
function frame({ width, height, label, x, y }) {
  const yTicks = ticksOf(y, 5);
  const left = SPACE.left + 8 + CHARACTER * Math.max(...yTicks.map((tick) => shownTick(tick.text).length), 1);
  const right = width - SPACE.right;
  const tilted = x.kind === "category" && longest(x.values) * CHARACTER > (right - left) / x.values.length;
  const bottom = height - SPACE.bottom - (tilted ? 6 + 3.6 * Math.min(longest(x.values), 18) : 0);
  const toX = scaleOf(x, left, right);
  const toY = scaleOf(y, bottom, SPACE.top);
  const plot = svg("g", {});
  const image = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "frame" },
    svg(
      "g",
      { class: "axes" },
      yTicks.map((tick) => yMark(tick.text, toY(tick.value), left, right)),
      ticksOf(x, Math.max(2, Math.floor((right - left) / 80))).map((tick) =>
        xMark(tick.text, toX(tick.value), bottom, tilted),
      ),
      svg("line", { x1: left, x2: right, y1: bottom, y2: bottom, class: "base" }),
      svg("text", { x: (left + right) / 2, y: height - 6, "text-anchor": "middle", class: "title" }, x.label),
      svg(
        "text",
        {
          transform: `translate(11 ${(SPACE.top + bottom) / 2}) rotate(-90)`,
          "text-anchor": "middle",
          class: "title",
        },
        y.label,
      ),
    ),
    plot,
  );
  return { svg: image, plot, x: toX, y: toY };
}

function yMark(text, at, left, right) {
  return svg(
    "g",
    {},
    svg("line", { x1: left, x2: right, y1: at, y2: at, class: "grid" }),
    svg("text", { x: left - 6, y: at + 4, "text-anchor": "end" }, shownTick(text), svg("title", {}, text)),
  );
}

function xMark(text, at, bottom, tilted) {
  const place = tilted
    ? { transform: `translate(${at + 3} ${bottom + 14}) rotate(-35)`, "text-anchor": "end" }
    : { x: at, y: bottom + 17, "text-anchor": "middle" };
  return svg("text", place, shownTick(text), svg("title", {}, text));
}

function shownTick(text) {
  return shortened(text, 18);
}

function longest(values) {
  return Math.max(...values.map((value) => String(value).length), 1);
}

/** Turns values of an axis into pixels between `from` and `to`. */
function scaleOf(axis, from, to) {
  if (axis.kind === "category") {
    const places = new Map(axis.values.map((value, place) => [String(value), place]));
    return (value) => from + ((places.get(String(value)) + 0.5) * (to - from)) / axis.values.length;
  }
  const turn = axis.kind === "log" ? Math.log10 : (value) => value;
  const [low, high] = widened(axis.domain, axis.kind).map(turn);
  return (value) => from + ((turn(value) - low) / (high - low)) * (to - from);
}

/** A domain that has a width. */
function widened([low, high], kind) {
  if (high > low) return [low, high];
  if (kind === "log") return [low / 2, low * 2];
  const by = Math.abs(low) * 0.1 || 1;
  return [low - by, low + by];
}

/** The ticks of an axis, {value, text}, about `most` of them. */
function ticksOf(axis, most) {
  if (axis.kind === "category") return axis.values.map((value) => ({ value, text: String(value) }));
  const domain = widened(axis.domain, axis.kind);
  const values = axis.kind === "log" ? logTicks(domain, most) : linearTicks(domain, most);
  return values.map((value) => ({ value, text: shortNumber(value) }));
}

function linearTicks([low, high], most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, place) =>
    Number(((first + place) * step).toPrecision(12)),
  );
}

function logTicks([low, high], most) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  if (last <= first) return linearTicks([low, high], 3).filter((value) => value > 0);
  const every = Math.ceil((last - first + 1) / (most + 1));
  const powers = [];
  for (let power = first; power <= last; power += every) powers.push(Number(`1e${power}`));
  return powers;
}

/** The domain that holds all values, with a margin; a logarithmic axis has room by a factor. */
function domainOf(values, kind = "linear") {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (kind === "log") return [low / 1.15, high * 1.15];
  const margin = (high - low) * 0.06 || Math.abs(low) * 0.1 || 1;
  return [low - margin, high + margin];
}

/** Tells whether an axis over these numbers is better read as powers of ten: all positive, over a wide range. */
function spansPowers(values) {
  return Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) >= 30;
}
