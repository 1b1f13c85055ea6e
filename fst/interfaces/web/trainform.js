/* What a training is asked for with: a painting, a name, a budget. */

import { element, fail, forgive } from "./dom.js";
import { makePictureBox } from "./picturebox.js";
import { stemOf, takeDrops, takePastes } from "./picture.js";

const LONGEST = 40;

const BUDGETS = [
  ["minute", "A minute", "A first look: the painting's colors and its main strokes."],
  ["ten", "Ten minutes", "A style for photos of all kinds. A good choice for most paintings."],
  ["hour", "An hour", "The best that this machine learns: finer strokes, calm areas."],
];

/**
 * @param {{isTaken: function(string): boolean,
 *          start: function({painting: File, name: string, budget: string}): Promise<void>}} options
 * @returns {{element: HTMLElement, setBusy: function(boolean): void, check: function(): void,
 *            clear: function(): void}}
 */
export function makeTrainForm({ isTaken, start }) {
  let painting = null;
  const box = makePictureBox("Drop or paste a painting here");
  const file = element("input", { type: "file", accept: "image/*,.heic,.heif,.tif,.tiff", id: "train-painting" });
  const choose = element("label", { class: "button file-button" }, "Choose a painting", file);
  const chosen = element("p", { class: "small soft", text: "Strokes or patterns of its own help." });
  const name = element("input", {
    type: "text", id: "train-name", maxlength: LONGEST, autocomplete: "off", autocapitalize: "none",
    spellcheck: "false", "aria-describedby": "train-name-note",
  });
  const note = element("p", { class: "small soft", id: "train-name-note", "aria-live": "polite" });
  const button = element("button", { type: "submit", class: "primary", text: "Start the training" });
  const drop = element("div", { class: "drop" }, box.element, choose, chosen);
  const fields = element("fieldset", { class: "stack-fields" },
    element("legend", { class: "visually-hidden", text: "A new style" }),
    drop,
    element("div", { class: "field" }, element("label", { for: "train-name", text: "Name of the style" }), name, note),
    budgetField(), button);
  const form = element("form", { class: "card", novalidate: true }, fields);

  const check = () => {
    const trouble = nameTrouble(name.value, isTaken);
    note.textContent = trouble || "Letters, digits, - and _. The gallery shows it.";
    note.classList.toggle("is-trouble", Boolean(trouble && name.value));
    if (trouble && name.value) name.setAttribute("aria-invalid", "true");
    else name.removeAttribute("aria-invalid");
    button.disabled = !painting || Boolean(trouble);
    return !button.disabled;
  };
  const take = (given) => {
    if (!given || fields.disabled) return;
    if (!given.size) return fail(`${given.name} is empty. Choose another painting.`);
    if (given.type && !given.type.startsWith("image/")) return fail(`${given.name} is no picture. Choose another file.`);
    forgive();
    if (painting?.url) URL.revokeObjectURL(painting.url);
    painting = { file: given, url: URL.createObjectURL(given) };
    box.show(painting.url, `The painting ${given.name}`);
    chosen.textContent = given.name;
    name.value = nameFrom(given.name, isTaken);
    check();
  };
  file.addEventListener("change", () => {
    take(file.files[0]);
    file.value = ""; // the same file can be chosen again
  });
  takeDrops(drop, (files) => take(files[0]));
  takePastes(drop, (files) => take(files[0]));
  name.addEventListener("input", check);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!check()) return;
    const budget = new FormData(form).get("budget");
    setBusy(true);
    try {
      await start({ painting: painting.file, name: name.value, budget });
      forgive();
    } catch (error) {
      setBusy(false);
      fail(error);
    }
  });

  const setBusy = (busy) => {
    fields.disabled = busy;
    if (!busy) check();
  };
  const clear = () => {
    if (painting) URL.revokeObjectURL(painting.url);
    painting = null;
    box.show(null);
    chosen.textContent = "Strokes or patterns of its own help.";
    name.value = "";
    setBusy(false);
  };
  check();
  return { element: form, setBusy, check, clear };
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
      element("span", {}, element("strong", { text: title }), element("span", { class: "small soft", text: promise }))));
  return element("fieldset", { class: "choices" }, element("legend", { text: "Time to learn, about" }), ...cards);
}
