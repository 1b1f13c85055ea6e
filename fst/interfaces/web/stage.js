/* The middle of the Paint tab: the picture, what can be done with it, and how one begins. */

import { makeBeforeAfter } from "./beforeafter.js";
import { element } from "./dom.js";
import { takeDrops, takePastes } from "./picture.js";

const ACCEPT = "image/*,.heic,.heif,.tif,.tiff";

/**
 * @param {{onFiles: function(File[]): void, onSample: function(): void, onCamera: function(): void,
 *          onRemove: function(): void, onDownload: function(): void,
 *          onFormat: function(string): void}} host
 * @returns {{element: HTMLElement, view: ReturnType<typeof makeBeforeAfter>,
 *            setPhoto: function(?import("./picture.js").Photo): void,
 *            setWorking: function(boolean): void, setStatus: function(string): void,
 *            tellOpening: function(string): function(): void,
 *            setSmaller: function(number): void, setTile: function(?string): void, setTiled: function(boolean): void,
 *            setExamples: function(string[]): void,
 *            setSaving: function(boolean): void, setFormat: function(string): void,
 *            place: function(HTMLElement): void}}
 *     `setSmaller(side)`: Download paints a copy of this long side, or, with 0, the photo.
 *     `tellOpening(name)` says which file is being opened; what it gives takes that back.
 */
export function makeStage(host) {
  const view = makeBeforeAfter();
  const tiles = element("div", { class: "tiles", hidden: true, role: "img", "aria-label": "The tile, three by three" });
  view.stack.append(tiles);
  const empty = makeEmpty(host);
  const art = empty.querySelector(".empty-art");
  const area = element("div", { class: "stage-view", tabindex: -1 }, element("div", { class: "working", "aria-hidden": "true" }), view.element, empty);
  const status = element("p", { class: "stage-status small soft numbers" });
  const bar = makeBar(host, view, tiles);
  const root = element("section", { class: "stage", "aria-label": "Picture" }, area, status, bar.element);
  takeDrops(root, host.onFiles);
  takePastes(root, host.onFiles);
  return {
    element: root,
    view,
    setPhoto: (photo) => {
      const hadFocus = empty.contains(document.activeElement);
      view.element.hidden = !photo;
      empty.hidden = Boolean(photo);
      bar.element.classList.toggle("is-idle", !photo);
      bar.setReady(Boolean(photo));
      if (photo) view.setSize(photo.width, photo.height);
      if (photo && hadFocus) area.focus({ preventScroll: true }); // what had it is hidden now
    },
    setWorking: (working) => {
      area.classList.toggle("is-working", working);
      area.setAttribute("aria-busy", String(working));
    },
    setStatus: (text) => { status.textContent = text; },
    tellOpening: (name) => {
      const before = { text: status.textContent, working: area.classList.contains("is-working") };
      status.textContent = `Opening ${name}…`;
      area.classList.add("is-working");
      return () => {
        if (!status.textContent.startsWith("Opening")) return; // something else goes on meanwhile
        status.textContent = before.text;
        area.classList.toggle("is-working", before.working);
      };
    },
    setTile: (url) => { tiles.style.backgroundImage = url ? `url("${url}")` : "none"; },
    setExamples: (urls) => {
      art.replaceChildren(...urls.map((src) => element("img", { src, alt: "", width: 256, height: 192 })));
    },
    setTiled: bar.setTiled,
    setSmaller: bar.setSmaller,
    setSaving: bar.setSaving,
    setFormat: bar.setFormat,
    place: (part) => root.append(part),
  };
}

function fileField(label, attributes, onFiles) {
  const field = element("input", { type: "file", accept: ACCEPT, "aria-label": label, ...attributes });
  field.addEventListener("change", () => {
    const files = [...field.files];
    field.value = ""; // the same file can be chosen again
    if (files.length) onFiles(files);
  });
  return field;
}

function makeEmpty({ onFiles, onSample, onCamera }) {
  const isPhone = matchMedia("(pointer: coarse)").matches;
  const choose = element("label", { class: "button file-button primary-file" }, "Choose photos", fileField("Choose photos", { multiple: true }, onFiles));
  const camera = isPhone
    ? element("label", { class: "button file-button" }, "Take a photo", fileField("Take a photo", { capture: "environment" }, onFiles))
    : element("button", { type: "button", text: "Take a photo", onclick: onCamera });
  return element("div", { class: "empty" },
    element("div", { class: "empty-inner" }, element("div", { class: "empty-art", "aria-hidden": "true" }),
      element("h2", { class: "empty-title", text: "Start with a photo" }),
      element("p", { class: "soft", text: isPhone ? "Choose one, or take one." : "Drop it here, paste it, or choose one. It stays on this service." }),
      element("div", { class: "row" }, choose, camera, element("button", { type: "button", class: "quiet", text: "Try a sample", onclick: onSample }))));
}

function makeBar({ onFiles, onRemove, onDownload, onFormat }, view, tiles) {
  const add = element("label", { class: "button file-button" }, "Add photos", fileField("Add photos", { multiple: true }, onFiles));
  const remove = element("button", { type: "button", class: "quiet", text: "Remove", onclick: onRemove });
  const actual = element("button", { type: "button", "aria-pressed": "false", text: "Actual pixels" });
  const tiled = element("button", { type: "button", "aria-pressed": "false", text: "Tiled 3 × 3", hidden: true });
  const format = element("select", { "aria-label": "Format of the download", class: "format", onchange: () => onFormat(format.value) },
    element("option", { value: "jpeg", text: "JPEG" }), element("option", { value: "png", text: "PNG" }));
  const save = element("button", { type: "button", class: "primary save", text: "Download", onclick: onDownload });
  let title = "Download";
  const setActual = (on) => {
    actual.setAttribute("aria-pressed", String(on));
    view.setActual(on);
  };
  const show = (on) => {
    tiled.setAttribute("aria-pressed", String(on));
    tiles.hidden = !on;
    view.element.classList.toggle("is-tiled", on);
  };
  actual.addEventListener("click", () => setActual(!view.isActual()));
  view.element.addEventListener("dblclick", () => setActual(!view.isActual()));
  tiled.addEventListener("click", () => show(tiles.hidden));
  const root = element("div", { class: "stage-bar is-idle" }, element("div", { class: "row" }, add, remove),
    element("div", { class: "row" }, actual, tiled), element("div", { class: "row stage-save" }, format, save));
  return {
    element: root,
    setReady: (ready) => {
      for (const button of [remove, actual, save]) button.disabled = !ready;
      setActual(false);
    },
    setTiled: (possible) => {
      if (tiled.hidden !== possible) return; // as it was: the user's own choice stays
      tiled.hidden = !possible;
      show(possible);
    },
    setSaving: (saving) => {
      save.disabled = saving;
      save.textContent = saving ? "Painting…" : title;
    },
    setSmaller: (side) => {
      title = side ? `Paint it at ${side} pixels` : "Download";
      if (save.textContent !== "Painting…") save.textContent = title;
    },
    setFormat: (value) => { format.value = value; },
  };
}
