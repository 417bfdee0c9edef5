/**
 * Makes an HTML element. A text is always set as text, so that markup in a label or an error stays text.
 * Attributes that begin with "on" are listeners; null and false leave an attribute out, true sets it empty.
 */
function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Makes an SVG element, as `el` does. */
function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Returns the element of the page that has this id. */
function byId(id) {
  return document.getElementById(id);
}

/** Puts new children into an element; the focus goes to the one that has the same data-key as before. */
function replace(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const open = new Set([...element.querySelectorAll("details[open][data-key]")].map((one) => one.dataset.key));
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
  for (const one of element.querySelectorAll("details[data-key]")) {
    if (open.has(one.dataset.key)) one.open = true;
  }
  if (!focused) return;
  const again = [...element.querySelectorAll("[data-key]")].find((one) => one.dataset.key === focused);
  if (again) again.focus({ preventScroll: true });
}

/** Makes a button that copies a text. */
function copyButton(text) {
  const button = el("button", { type: "button", class: "copy", "aria-label": "Copy to the clipboard" }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await copied(text)) ? "Copied" : "Select the text and copy it";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return button;
}

/** Copies a text, also from file://, where older browsers have no navigator.clipboard. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea", { class: "offscreen" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** Makes a command with a button that copies it. */
function commandLine(command) {
  return el("div", { class: "command" }, el("code", {}, command), copyButton(command));
}
