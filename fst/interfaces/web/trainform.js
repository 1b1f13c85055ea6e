/* What a training is asked for with: a painting, a name, a budget. */

import { element, fail, forgive } from "./dom.js";
import { duration } from "./jobs.js";
import { makePictureBox } from "./picturebox.js";
import { stemOf, takeDrops, takePastes } from "./picture.js";

const LONGEST = 40;

const HINT = "Strokes or patterns of its own help.";

const BUDGETS = [
  ["minute", "A minute", "A first look: the painting's colors and its main strokes."],
  ["ten", "Ten minutes", "A style for photos of all kinds. A good choice for most paintings."],
  ["hour", "An hour", "The best that this machine learns: finer strokes, calm areas."],
];

/**
 * @param {{isTaken: function(string): boolean,
 *          start: function({painting: File, name: string, budget: string}): Promise<void>}} options
 * @returns {{element: HTMLElement, setBusy: function(boolean): void, check: function(): void,
 *            clear: function(): void, setTook: function(Object<string, number>): void}}
 *     `setTook` is told how many seconds the last training of each budget took.
 */
export function makeTrainForm({ isTaken, start }) {
  const parts = makeParts();
  const { form, fields, name, button } = parts;
  let painting = null;
  let isTold = false; // that a name is missing: once somebody has typed, or wanted to begin
  const check = () => checkName(parts, isTaken, painting, isTold);
  const setBusy = (busy) => {
    fields.disabled = busy;
    if (!busy) check();
  };
  const replace = (file) => {
    if (painting) URL.revokeObjectURL(painting.url);
    painting = file && { file, url: URL.createObjectURL(file) };
    parts.box.show(painting?.url, `The painting ${file?.name}`);
    parts.chosen.textContent = file?.name || HINT;
    name.value = file ? nameFrom(file.name, isTaken) : "";
    isTold = false;
  };
  const take = (file) => {
    if (!file || fields.disabled) return;
    const trouble = fileTrouble(file);
    if (trouble) return fail(trouble);
    forgive();
    replace(file);
    check();
  };
  parts.file.addEventListener("change", () => {
    take(parts.file.files[0]);
    parts.file.value = ""; // the same file can be chosen again
  });
  takeDrops(parts.drop, (files) => take(files[0]));
  takePastes(parts.drop, (files) => take(files[0]));
  name.addEventListener("input", () => {
    isTold = true;
    check();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    isTold = true;
    if (!check()) return;
    const budget = new FormData(form).get("budget"); // before the fields are disabled
    setBusy(true);
    try {
      await start({ painting: painting.file, name: name.value, budget });
      forgive();
    } catch (error) {
      setBusy(false);
      fail(error);
    }
  });

  const clear = () => {
    replace(null);
    setBusy(false);
  };
  const setTook = (took) => {
    for (const place of form.querySelectorAll("[data-took]")) {
      const seconds = took[place.dataset.took];
      place.textContent = seconds ? ` Took ${duration(seconds)} here.` : "";
    }
  };
  check();
  return { element: form, setBusy, check, clear, setTook };
}

function makeParts() {
  const box = makePictureBox("Drop or paste a painting here");
  const file = element("input", { type: "file", accept: "image/*,.heic,.heif,.tif,.tiff", id: "train-painting" });
  const chosen = element("p", { class: "small soft", text: HINT });
  const drop = element("div", { class: "drop" }, box.element,
    element("label", { class: "button file-button" }, "Choose a painting", file), chosen);
  const name = element("input", {
    type: "text", id: "train-name", maxlength: LONGEST, autocomplete: "off", autocapitalize: "none",
    spellcheck: "false", "aria-describedby": "train-name-note",
  });
  const note = element("p", { class: "small soft", id: "train-name-note", "aria-live": "polite" });
  const button = element("button", { type: "submit", class: "primary", text: "Start the training" });
  const fields = element("fieldset", { class: "stack-fields" },
    element("legend", { class: "visually-hidden", text: "A new style" }), drop,
    element("div", { class: "field" }, element("label", { for: "train-name", text: "Name of the style" }), name, note),
    budgetField(), button);
  const form = element("form", { class: "card", novalidate: true }, fields);
  return { form, fields, box, drop, file, chosen, name, note, button };
}

function checkName({ name, note, button }, isTaken, painting, isTold) {
  const trouble = nameTrouble(name.value, isTaken);
  const isShown = Boolean(trouble && (name.value || isTold));
  note.textContent = isShown ? trouble : "Letters, digits, - and _. The gallery shows it.";
  note.classList.toggle("is-trouble", isShown);
  if (isShown) name.setAttribute("aria-invalid", "true");
  else name.removeAttribute("aria-invalid");
  button.disabled = !painting || Boolean(trouble);
  return !button.disabled;
}

function fileTrouble(file) {
  if (!file.size) return `${file.name} is empty. Choose another painting.`;
  return file.type && !file.type.startsWith("image/") ? `${file.name} is no picture. Choose another file.` : "";
}

/**
 * What is wrong with a name.
 * @param {string} name
 * @param {function(string): boolean} isTaken
 * @returns {string} a sentence; empty where nothing is.
 */
export function nameTrouble(name, isTaken) {
  if (!name) return "A style needs a name.";
  const wrong = /[^A-Za-z0-9_-]/.exec(name);
  if (wrong) return `${wrong[0].trim() ? `“${wrong[0]}”` : "A blank"} can't be in a name: use letters, digits, - and _.`;
  if (!/^[A-Za-z0-9]/.test(name)) return "A name begins with a letter or a digit.";
  if (isTaken(name)) return `There is a style ${name} already: choose another name.`;
  return "";
}

/**
 * A name made from a file's.
 * @param {string} file
 * @param {function(string): boolean} isTaken
 * @returns {string} one that no style has.
 */
export function nameFrom(file, isTaken) {
  const plain = stemOf(file).normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const name = plain.replace(/[^a-z0-9-]+/g, "_").replace(/^[_-]+|[_-]+$/g, "").slice(0, LONGEST - 4) || "my_style";
  let free = name;
  for (let number = 2; isTaken(free); number += 1) free = `${name}_${number}`;
  return free;
}

function budgetField() {
  const cards = BUDGETS.map(([value, title, promise]) =>
    element("label", { class: "choice" },
      element("input", { type: "radio", name: "budget", value, checked: value === "minute" }),
      element("span", {}, element("strong", { text: title }), element("span", { class: "small soft" }, promise, element("b", { "data-took": value, class: "numbers" })))));
  return element("fieldset", { class: "choices" }, element("legend", { text: "Time to learn, about" }), ...cards);
}
