/** Unpacks the payload that stands in the page: JSON, compressed by gzip, as base64. */
async function embeddedPayload() {
  const bytes = bytesOf(byId("payload").textContent.trim());
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place += 1) bytes[place] = text.charCodeAt(place);
  return bytes;
}

/**
 * Returns the numbers of a stored array, as ddpg.report.arrays.decode: evenly spaced ones, little-endian float32, or
 * uint16 codes between `low` and `high`.
 */
function decoded(array) {
  if (Array.isArray(array) || ArrayBuffer.isView(array)) return array;
  if (array.base === "range")
    return Float64Array.from({ length: array.count }, (_, place) => array.first + array.every * place);
  const view = new DataView(bytesOf(array.data).buffer);
  if (array.base === "f32")
    return Float64Array.from({ length: view.byteLength / 4 }, (_, place) => view.getFloat32(4 * place, true));
  const width = array.high - array.low;
  return Float64Array.from(
    { length: view.byteLength / 2 },
    (_, place) => array.low + (width * view.getUint16(2 * place, true)) / 65535,
  );
}

const decodedArrays = new WeakMap();

function numbersOf(stored) {
  if (!decodedArrays.has(stored)) decodedArrays.set(stored, decoded(stored));
  return decodedArrays.get(stored);
}

/** Returns the steps of a run's curve; a curve may refer to another one that has the same. */
function stepsOf(run, metric) {
  const { step } = run.curves[metric];
  return step.ref ? stepsOf(run, step.ref) : numbersOf(step);
}

/** Returns a run's curve of a metric over an axis (step, hours, updates), {x, y}; null where it has none. */
function curveOf(run, metric, axis) {
  if (!run.curves[metric]) return null;
  const steps = stepsOf(run, metric);
  const y = numbersOf(run.curves[metric].value);
  if (axis === "step") return steps.length ? { x: steps, y } : null;
  const times = run[{ hours: "clock", updates: "updates" }[axis]];
  if (!times || !steps.length) return null;
  const clock = { x: numbersOf(times.step), y: numbersOf(times.value) };
  return { x: Float64Array.from(steps, (step) => valueAt(clock, step)), y };
}

/** The first words of metrics in the order in which they are shown; others come last. */
const ROOMS = ["eval", "charts", "losses", "diagnostics", "noise", "info"];

/** The metrics that some run has, the one that was asked for first; without any run that one alone. */
function metricsOf(payload) {
  const used = new Set(payload.runs.flatMap((run) => Object.keys(run.curves)));
  const place = (name) => (ROOMS.indexOf(name.split("/")[0]) + ROOMS.length + 1) % (ROOMS.length + 1);
  const isOther = (name) => Number(name !== payload.view.metric);
  const all = [...used].sort((a, b) => isOther(a) - isOther(b) || place(a) - place(b) || byNature(a, b));
  return all.length ? all : [payload.view.metric];
}

/** What is known of a metric: its unit, title and meaning. */
function metricFacts(payload, name) {
  return { unit: "", title: name, meaning: "", ...payload.metrics[name] };
}

/** What a metric means, and what was left out of its curves. */
function meaningOf({ meaning, thinned }) {
  return [meaning, thinned ? `Drawn: ${thinned}.` : null].filter(Boolean).join(" ");
}

function isReturn(metric) {
  return metric.endsWith("/episodic_return");
}
