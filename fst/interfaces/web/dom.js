/* Elements, and what is said to whoever looks or listens. */

/**
 * Makes an element. Attributes that are functions become listeners (`onclick`), `text` its text,
 * true and false switch an attribute on and off. There is no `style`: the page's policy forbids it.
 * @param {string} tag
 * @param {Object<string, *>} [attributes]
 * @param {...(Node|string|null)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.replace(/^on/, ""), value);
    else if (name === "text") made.textContent = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/**
 * @param {string} id
 * @returns {HTMLElement} the element of the page with this id.
 */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Tells a screen reader what happened, when it has time; nothing is seen.
 * @param {string} text one sentence.
 */
export function say(text) {
  byId("status").textContent = text;
}

/**
 * Shows what went wrong, until it is dismissed or something works again.
 * @param {unknown} error what was thrown; its message is a sentence that says what to do.
 */
export function fail(error) {
  if (error?.name === "AbortError") return; // we ended it ourselves
  const text = error instanceof Error ? error.message : String(error);
  const dismiss = element("button", { class: "quiet", type: "button", text: "Dismiss", onclick: forgive });
  byId("alert").replaceChildren(element("div", { class: "alert-card" }, element("p", { text }), dismiss));
}

/** Takes the last alert away. */
export function forgive() {
  byId("alert").replaceChildren();
}

/**
 * A function that runs once its caller has been quiet for a while.
 * @param {number} milliseconds
 * @param {function(): void} run
 * @returns {{(): void, cancel: function(): void}}
 */
export function debounced(milliseconds, run) {
  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}
