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

/** Returns the numbers of a stored array: little-endian float32, or uint16 codes between `low` and `high`. */
function decoded(array) {
  if (ArrayBuffer.isView(array)) return array;
  const view = new DataView(bytesOf(array.data).buffer);
  if (array.base === "f32") {
    return Float32Array.from({ length: view.byteLength / 4 }, (_, place) => view.getFloat32(4 * place, true));
  }
  const step = (array.high - array.low) / 65535;
  return Float64Array.from({ length: view.byteLength / 2 }, (_, place) => array.low + step * view.getUint16(2 * place, true));
}

const decodedArrays = new WeakMap();

/** Returns an array of a run's curve (step, value, hours or updates), or null where the run has none. */
function arrayOf(run, metric, field) {
  const stored = run.curves[metric]?.[field];
  if (!stored) return null;
  if (stored.ref) return arrayOf(run, stored.ref, field);
  if (!decodedArrays.has(stored)) decodedArrays.set(stored, decoded(stored));
  return decodedArrays.get(stored);
}

/** Returns a run's curve of a metric over an axis (step, hours, updates), {x, y}; null where it has none. */
function curveOf(run, metric, axis) {
  const x = arrayOf(run, metric, axis);
  const y = arrayOf(run, metric, "value");
  return x && y && x.length && x.length === y.length ? { x, y } : null;
}

/** The metrics that some run has, in the order of the payload; without any run the one that was asked for. */
function metricsOf(payload) {
  const used = new Set(payload.runs.flatMap((run) => Object.keys(run.curves)));
  const named = Object.keys(payload.metrics).filter((name) => used.has(name));
  const all = [...named, ...[...used].filter((name) => !(name in payload.metrics)).sort()];
  return all.length ? all : [payload.view?.metric ?? "eval/episodic_return"];
}

/** What is known of a metric: its unit, title and meaning. */
function metricFacts(payload, name) {
  return { unit: "", kind: "", title: name, meaning: "", ...payload.metrics[name] };
}

function isReturn(metric) {
  return metric.endsWith("/episodic_return");
}
