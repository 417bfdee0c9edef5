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
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Returns the element of the page that has this id. */
function byId(id) {
  return document.getElementById(id);
}

/**
 * Puts new children into an element. Open folds, scrolled places, the focus and what is being typed stay as they are:
 * folds and controls are known again by their data-key.
 */
function replace(element, ...children) {
  const before = byKey(element);
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const places = scrollers(element).map((one) => [one.scrollLeft, one.scrollTop]);
  if (focused) focused.dataset.replaced = "yes";
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
  const after = byKey(element);
  for (const [key, old] of before) if ("open" in old && after.has(key)) after.get(key).open = old.open;
  scrollers(element).forEach((one, place) => one.scrollTo(...(places[place] ?? [0, 0])));
  if (focused && after.has(focused.dataset.key)) focusAgain(focused, after.get(focused.dataset.key));
}

function byKey(element) {
  return new Map([...element.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one]));
}

function scrollers(element) {
  return [...element.querySelectorAll(".scroll, .lines")];
}

function focusAgain(old, again) {
  if (old.dataset.typing) again.value = old.value;
  again.focus({ preventScroll: true });
}

/** Makes a text or number field; `onenter` takes what was typed, but not when the field is only drawn anew. */
function typedField(attributes, value, onenter) {
  const input = el("input", {
    ...attributes,
    oninput: () => {
      input.dataset.typing = "yes";
    },
    onchange: () => {
      if (input.dataset.replaced) return;
      delete input.dataset.typing;
      onenter(input.value.trim());
    },
  });
  input.value = value;
  return input;
}

/** Makes a button that copies a text. */
function copyButton(text) {
  const button = el(
    "button",
    { type: "button", class: "copy", "aria-label": "Copy to the clipboard" },
    "Copy",
  );
  button.addEventListener("click", async () => {
    button.textContent = (await copied(text)) ? "Copied" : "Select the text and copy it";
    setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
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

/**
 * Makes a table, which scrolls by itself where it is wider than the page. A title is aligned as the cell below it.
 */
function tableOf(label, titles, rows) {
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    el(
      "table",
      {},
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          titles.map((title, column) =>
            el("th", { scope: "col", class: isNumber(rows[0].children[column]) ? "number" : null }, title),
          ),
        ),
      ),
      el("tbody", {}, rows),
    ),
  );
}

function isNumber(cell) {
  return cell.classList.contains("number");
}

/** Makes a command with a button that copies it. */
function commandLine(command) {
  return el("div", { class: "command" }, el("code", {}, command), copyButton(command));
}
