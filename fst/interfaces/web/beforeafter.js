/* Two pictures on top of each other, and a line to pull between them. */

import { element } from "./dom.js";

let made = 0;

const START = 15; // percent of the photo that a new painting leaves to be seen
const HIDDEN = 95; // from where on there is next to nothing of the painting

/**
 * A view of a picture before and after. The slider is a range field: arrow keys move it, and so
 * does a finger or the mouse on the picture. Its size follows from the picture's proportions alone,
 * so nothing moves when a picture comes. `setAfter` may be told how the painting is laid over the photo.
 * @param {{before?: string, after?: string}} [labels] what the two are called.
 * @returns {{element: HTMLElement, stack: HTMLElement, setSize: function(number, number): void,
 *            setBefore: function(?string): Promise<boolean>,
 *            setAfter: function(?string, ?import("./painter.js").Mix=): Promise<boolean>,
 *            setPosition: function(number): void, reveal: function(): void,
 *            setActual: function(boolean): void, isActual: function(): boolean}} `stack` is what lies over the pictures' rectangle; the
 *     promises are kept once a picture is shown, false where another was asked for meanwhile.
 */
export function makeBeforeAfter({ before = "Photo", after = "Painting" } = {}) {
  const id = `before-after-${(made += 1)}`;
  const photo = element("img", { class: "view-before", alt: before, hidden: true, draggable: "false" });
  const painting = element("img", { class: "view-after", alt: after, hidden: true, draggable: "false" });
  const range = element("input", {
    class: "view-range", type: "range", id, min: 0, max: 100, step: 1, value: 0,
    "aria-label": `How much of the ${before.toLowerCase()} is shown, from the left`,
  });
  const handle = element("span", { class: "view-handle", "aria-hidden": "true" });
  const divider = element("div", { class: "view-divider" }, handle);
  const tags = [
    element("span", { class: "view-tag view-tag-before", text: before, "aria-hidden": "true" }),
    element("span", { class: "view-tag view-tag-after", text: after, "aria-hidden": "true" }),
  ];
  const stack = element("div", { class: "view-stack" }, photo, painting, range, divider, ...tags);
  const view = element("div", { class: "view", "data-compare": "off" }, stack);

  const position = (percent) => {
    range.value = String(Math.min(100, Math.max(0, percent)));
    range.setAttribute("aria-valuetext", `${Math.round(range.value)} percent ${before.toLowerCase()}`);
    stack.style.setProperty("--cut", `${range.value}%`);
  };
  let isMoved = false; // by the user
  const move = (percent) => {
    isMoved = true;
    position(percent);
  };
  range.addEventListener("input", () => move(Number(range.value)));
  position(0);
  makeDraggable(view, stack, handle, move);

  const setActual = (actual) => {
    view.classList.toggle("is-actual", actual);
    if (actual) {
      view.scrollLeft = (view.scrollWidth - view.clientWidth) / 2;
      view.scrollTop = (view.scrollHeight - view.clientHeight) / 2;
      view.tabIndex = 0; // arrow keys scroll it
    } else view.removeAttribute("tabindex");
  };
  const update = () => {
    view.dataset.compare = photo.hidden || painting.hidden ? "off" : "on";
    range.disabled = view.dataset.compare === "off";
  };
  const updated = (isShown) => {
    update();
    return isShown;
  };
  update();
  return {
    element: view,
    stack,
    setSize: (width, height) => {
      stack.style.setProperty("--ratio", String(width / height));
      stack.style.setProperty("--pixels", String(width));
    },
    setBefore: (url) => show(photo, url).then(updated),
    setAfter: async (url, mix = null) => {
      const isShown = await show(painting, url);
      if (isShown) lay(painting, mix);
      return updated(isShown);
    },
    setPosition: position,
    reveal: () => {
      if (isMoved && Number(range.value) <= HIDDEN) return;
      isMoved = false;
      reveal(position, () => isMoved);
    },
    setActual,
    isActual: () => view.classList.contains("is-actual"),
  };
}

/* The painting comes over the photo, from the right, and leaves a strip of it; whoever touches the
   slider ends it. */
function reveal(position, isMoved) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return position(START);
  const start = performance.now();
  position(100);
  const step = (now) => {
    if (isMoved()) return;
    const left = Math.min(1, Math.max(0, 1 - (now - start) / 900)); // a frame may have begun earlier
    position(Math.round(START + (100 - START) * left ** 3));
    if (left > 0) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

/* A picture is decoded before it is shown: what was there stays until then. */
async function show(image, url) {
  image.dataset.wanted = url || "";
  if (url && image.src === url && !image.hidden) return true;
  if (!url) {
    image.hidden = true;
    image.removeAttribute("src");
    return false;
  }
  const decoded = new Image();
  decoded.src = url;
  await decoded.decode();
  if (image.dataset.wanted !== url) return false;
  image.src = url;
  image.hidden = false;
  return true;
}

function lay(image, mix) {
  image.style.setProperty("--opacity", String(mix?.opacity ?? 1));
  image.classList.toggle("is-luminosity", Boolean(mix?.luminosity));
}

function makeDraggable(view, stack, handle, position) {
  let drag = null;
  const follow = (event) => {
    const box = stack.getBoundingClientRect();
    position(((event.clientX - box.left) / box.width) * 100);
  };
  view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || view.dataset.compare === "off") return;
    if (view.classList.contains("is-masking") || view.classList.contains("is-tiled")) return;
    const panning = view.classList.contains("is-actual") && event.target !== handle;
    if (panning && event.pointerType !== "mouse") return; // a finger scrolls by itself
    drag = { panning, x: event.clientX, y: event.clientY, left: view.scrollLeft, top: view.scrollTop };
    // a finger may be about to scroll the page: the line waits for it to move sideways, or to tap
    drag.waits = event.pointerType === "touch" && event.target !== handle;
    view.setPointerCapture(event.pointerId);
    if (!panning && !drag.waits) follow(event);
  });
  view.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (Math.abs(event.clientX - drag.x) > 5) drag.waits = false;
    if (drag.waits) return;
    if (!drag.panning) follow(event);
    else view.scrollTo(drag.left - (event.clientX - drag.x), drag.top - (event.clientY - drag.y));
  });
  view.addEventListener("pointerup", (event) => {
    if (drag?.waits && !drag.panning) follow(event);
    drag = null;
  });
  view.addEventListener("pointercancel", () => { drag = null; });
}
