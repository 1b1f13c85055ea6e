/* A mask painted with a brush on the photo: what is painted on gets the style, the rest stays. */

import { element } from "./dom.js";
import { asBlob } from "./picture.js";

const SIDE = 1024; // of the mask: finer edges than a brush has

/**
 * The tools, and the canvas over the picture. The canvas shows the mask as a tint; what is sent is
 * white on black. With the keyboard, arrows move the brush and the space bar paints.
 * @param {ReturnType<typeof import("./beforeafter.js").makeBeforeAfter>} view
 * @param {function(): void} onChange after every stroke.
 * @returns {{element: HTMLElement, open: function(import("./picture.js").Photo): void,
 *            close: function(): void, isOpen: function(): boolean}}
 */
export function makeMask(view, onChange) {
  const canvas = element("canvas", { class: "mask", hidden: true, tabindex: 0, role: "application", "aria-label": "Mask. Arrow keys move the brush, the space bar paints." });
  const cursor = element("span", { class: "mask-cursor", hidden: true, "aria-hidden": "true" });
  view.stack.append(canvas, cursor);
  const drawing = { canvas, cursor, context: canvas.getContext("2d", { willReadFrequently: true }), size: 0.12, erase: false, x: 0.5, y: 0.5 };
  let photo = null;
  const changed = async () => {
    const given = photo;
    given.maskDrawing = copyOf(canvas);
    given.mask = await maskOf(canvas, drawing.context);
    given.maskVersion = (given.maskVersion || 0) + 1;
    onChange();
  };
  listen(drawing, changed);
  const tools = makeTools(drawing, changed);
  const show = (open) => {
    canvas.hidden = tools.hidden = cursor.hidden = !open;
    view.element.classList.toggle("is-masking", open);
  };
  const open = (given) => {
    photo = given;
    const scale = Math.min(1, SIDE / Math.max(photo.width, photo.height));
    [canvas.width, canvas.height] = [photo.width, photo.height].map((side) => Math.max(1, Math.round(side * scale)));
    if (photo.maskDrawing) drawing.context.drawImage(photo.maskDrawing, 0, 0);
    place(drawing);
    show(true);
  };
  return { element: tools, open, close: () => show(false), isOpen: () => !tools.hidden };
}

function makeTools(drawing, changed) {
  const { canvas, context } = drawing;
  const size = element("input", { type: "range", min: 2, max: 40, value: 12, "aria-label": "Size of the brush" });
  const erase = element("button", { type: "button", "aria-pressed": "false", text: "Erase" });
  size.addEventListener("input", () => {
    drawing.size = Number(size.value) / 100;
    place(drawing);
  });
  erase.addEventListener("click", () => {
    drawing.erase = !drawing.erase;
    erase.setAttribute("aria-pressed", String(drawing.erase));
  });
  const clear = () => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    changed();
  };
  const invert = () => {
    context.globalCompositeOperation = "xor";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    changed();
  };
  return element("div", { class: "mask-tools", hidden: true },
    element("p", { class: "small soft", text: "Brush over what shall be painted; the rest stays the photo. With keys: arrows move the brush, space paints." }),
    element("div", { class: "field" }, element("span", { class: "label", "aria-hidden": "true", text: "Brush" }), size),
    element("div", { class: "row" }, erase,
      element("button", { type: "button", text: "Invert", onclick: invert }),
      element("button", { type: "button", text: "Clear", onclick: clear })));
}

function listen(drawing, changed) {
  const { canvas } = drawing;
  let last = null;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    stroke(drawing, last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    const here = at(event);
    Object.assign(drawing, here);
    place(drawing);
    if (!last) return;
    stroke(drawing, last, here);
    last = here;
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => {
      if (last) changed();
      last = null;
    });
  }
  canvas.addEventListener("keydown", (event) => {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [0, 0];
    if (!x && !y && event.key !== " ") return;
    event.preventDefault();
    const step = event.shiftKey ? 0.01 : 0.04;
    drawing.x = Math.min(1, Math.max(0, drawing.x + x * step));
    drawing.y = Math.min(1, Math.max(0, drawing.y + y * step));
    place(drawing);
    if (event.key !== " ") return;
    stroke(drawing, drawing, drawing);
    changed();
  });
}

function stroke({ canvas, context, size, erase }, from, to) {
  context.globalCompositeOperation = erase ? "destination-out" : "source-over";
  context.strokeStyle = "#fff";
  context.lineCap = "round";
  context.lineWidth = size * Math.max(canvas.width, canvas.height);
  context.beginPath();
  context.moveTo(from.x * canvas.width, from.y * canvas.height);
  context.lineTo(to.x * canvas.width + 0.01, to.y * canvas.height); // a line of no length is not drawn
  context.stroke();
}

function place({ canvas, cursor, size, x, y }) {
  const width = size * Math.max(1, canvas.height / canvas.width);
  for (const [name, value] of [["--x", x], ["--y", y], ["--size", width]]) cursor.style.setProperty(name, `${value * 100}%`);
}

function copyOf(canvas) {
  const copy = element("canvas", { width: canvas.width, height: canvas.height });
  copy.getContext("2d").drawImage(canvas, 0, 0);
  return copy;
}

/* White on black; null where nothing is painted, which means the whole photo. */
async function maskOf(canvas, context) {
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  if (!data.some((value, at) => at % 4 === 3 && value > 0)) return null;
  const flat = element("canvas", { width: canvas.width, height: canvas.height });
  const into = flat.getContext("2d");
  into.fillRect(0, 0, flat.width, flat.height);
  into.drawImage(canvas, 0, 0);
  return asBlob(flat, "image/png");
}
