/* What a comparison is asked for with: a photo, a style, how far to go. */

import { pictureAt } from "./api.js";
import { element, fail, forgive } from "./dom.js";
import { openPhoto, takeDrops, takePastes } from "./picture.js";
import { makePictureBox } from "./picturebox.js";

const STEPS = [50, 100, 200, 500];
const SIDES = [256, 384, 512];

/**
 * @param {{styles: object, begin: function(object): Promise<void>, stop: function(): Promise<void>,
 *          onPhoto: function(import("./picture.js").Photo): void}} options
 * @returns {{element: HTMLElement, setRunning: function(boolean): void,
 *            trySample: function(): Promise<void>}} `trySample` begins with the service's own photo.
 */
export function makeCompareForm({ styles, begin, stop, onPhoto }) {
  const parts = makeParts();
  const { form, style, button, stopper } = parts;
  let photo = null;
  let running = false;
  const update = () => {
    button.disabled = running || !photo || !style.value;
    stopper.disabled = !running;
  };
  const take = async (given) => {
    if (!given) return;
    try {
      const opened = await openPhoto(given, style.value);
      if (photo) URL.revokeObjectURL(photo.url);
      photo = opened;
      parts.box.setRatio(photo.width, photo.height);
      parts.box.show(photo.url, `The photo ${given.name}`);
      forgive();
      onPhoto(photo);
    } catch (error) {
      fail(error);
    }
    update();
  };
  const start = async () => {
    if (button.disabled) return;
    const work = begin({ photo, style: style.value, iterations: Number(parts.steps.value), size: Number(parts.sides.value) });
    stopper.focus(); // the button that had it is disabled now
    await work;
  };
  const trySample = async () => {
    try {
      const blob = await pictureAt("/sample");
      await take(new File([blob], "sample.jpg", { type: blob.type }));
      await start();
    } catch (error) {
      fail(error);
    }
  };
  takeAll(parts, take);
  parts.sample.addEventListener("click", trySample);
  styles.onChange(() => {
    const before = style.value;
    style.replaceChildren(...styles.all.map(({ name, label }) => element("option", { value: name, text: label })));
    if (styles.all.some(({ name }) => name === before)) style.value = before;
    update();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  stopper.addEventListener("click", () => stop().catch(fail));

  const setRunning = (now) => {
    const hadFocus = document.activeElement === stopper;
    running = now;
    update();
    if (hadFocus && !now) button.focus();
  };
  update();
  return { element: form, setRunning, trySample };
}

function makeParts() {
  const box = makePictureBox("Drop or paste a photo here");
  const file = element("input", { type: "file", accept: "image/*,.heic,.heif,.tif,.tiff", id: "compare-photo" });
  const sample = element("button", { type: "button", class: "quiet", text: "Try a sample" });
  const drop = element("div", { class: "drop" }, box.element,
    element("label", { class: "button file-button" }, "Choose a photo", file), sample);
  const style = element("select", { id: "compare-style" });
  const steps = choices("compare-steps", STEPS, 100);
  const sides = choices("compare-size", SIDES, 256);
  const button = element("button", { type: "submit", class: "primary", text: "Compare" });
  const stopper = element("button", { type: "button", text: "Stop", disabled: true });
  const form = element("form", { class: "card stack-fields", novalidate: true },
    drop, field("compare-style", "Style", style), field("compare-steps", "Steps of the optimization", steps),
    field("compare-size", "Long side in pixels", sides), element("div", { class: "row" }, button, stopper));
  return { form, box, file, sample, drop, style, steps, sides, button, stopper };
}

/* All the ways by which a photo of the user's comes. */
function takeAll({ file, drop }, take) {
  file.addEventListener("change", () => {
    take(file.files[0]);
    file.value = ""; // the same file can be chosen again
  });
  takeDrops(drop, (files) => take(files[0]));
  takePastes(drop, (files) => take(files[0]));
}

function choices(id, values, usual) {
  const options = values.map((value) => element("option", { value, text: value, selected: value === usual }));
  return element("select", { id }, ...options);
}

function field(id, title, control) {
  return element("div", { class: "field" }, element("label", { for: id, text: title }), control);
}
