/* Several photos at once: a strip to choose from, and all of them painted into one ZIP. */

import { element, fail, say } from "./dom.js";
import { full } from "./painter.js";
import { download } from "./picture.js";
import { zipped } from "./zip.js";

/**
 * @param {{onChoose: function(number): void, onRemove: function(number): void,
 *          wantedOf: function(import("./picture.js").Photo): import("./painter.js").Wanted}} host
 * @returns {{element: HTMLElement, isBusy: function(): boolean,
 *            show: function(import("./picture.js").Photo[], number): void}}
 *     It is only seen where there are two photos or more; busy, while a ZIP is made.
 */
export function makeStrip({ onChoose, onRemove, wantedOf }) {
  const list = element("div", { class: "strip-list", role: "radiogroup", "aria-label": "Photos" });
  const all = element("button", { type: "button", class: "primary", text: "Download all (ZIP)" });
  const stop = element("button", { type: "button", text: "Stop", hidden: true });
  const bar = element("progress", { max: 1, value: 0, "aria-label": "Painting all photos", class: "strip-progress" });
  const root = element("div", { class: "strip", hidden: true }, list, element("div", { class: "row" }, all, stop), bar);
  let photos = [];
  let running = null;
  const isBusy = () => root.classList.contains("is-busy");

  list.addEventListener("change", (event) => onChoose(Number(event.target.value)));
  list.addEventListener("keydown", (event) => {
    if (event.key === "Delete" && event.target.matches("input")) onRemove(Number(event.target.value));
  });
  stop.addEventListener("click", () => running?.abort());
  all.addEventListener("click", async () => {
    running = new AbortController();
    all.disabled = true;
    stop.hidden = false;
    root.classList.add("is-busy");
    try {
      const asked = photos.map(wantedOf); // what is set later is not meant for these
      const files = await paintAll(asked, running.signal, (count) => {
        bar.value = count / asked.length;
        all.textContent = `Painting ${Math.min(count + 1, asked.length)} of ${asked.length}…`;
      });
      download(await zipped(files), "paintings.zip");
      say(`${files.length} paintings are in paintings.zip.`);
    } catch (error) {
      fail(error);
    }
    root.classList.remove("is-busy");
    all.disabled = false;
    stop.hidden = true;
    all.textContent = "Download all (ZIP)";
  });
  return {
    element: root,
    isBusy,
    show: (given, at) => {
      if (given.length !== photos.length || given.some((photo, index) => photo !== photos[index])) {
        photos = [...given];
        list.replaceChildren(...photos.map((photo, index) => item(photo, index, photos.length)));
      }
      for (const field of list.querySelectorAll("input")) field.checked = Number(field.value) === at;
      root.hidden = photos.length < 2;
    },
  };
}

function item(photo, index, count) {
  photo.small ??= URL.createObjectURL(photo.copy);
  return element("label", { class: "strip-item", title: photo.file.name },
    element("input", { type: "radio", name: "photo", value: index, "aria-label": `Photo ${index + 1} of ${count}: ${photo.file.name}` }),
    element("img", { src: photo.small, alt: "", width: 72, height: 72 }));
}

async function paintAll(asked, signal, onCount) {
  const files = [];
  for (const wanted of asked) {
    onCount(files.length);
    const painted = await full(wanted, signal).catch((error) => {
      if (error.name !== "AbortError") error.message = `${wanted.photo.file.name}: ${error.message}`;
      throw error;
    });
    files.push({ name: painted.name, blob: painted.blob });
  }
  onCount(files.length);
  return files;
}
