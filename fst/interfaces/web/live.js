/* The Live tab: what the camera sees, painted frame by frame. */

import { slider } from "./adjust.js";
import { stylize } from "./api.js";
import { closeCamera, openCamera } from "./camera.js";
import { element, fail, forgive, say } from "./dom.js";
import { asBlob, download, smallCopy } from "./picture.js";
import { checked, read, write } from "./settings.js";

const SIDE = 320; // of a frame: what a small machine paints several times a second
const KEY = "fst.live";

/**
 * @param {HTMLElement} panel
 * @param {{styles: ReturnType<typeof import("./styles.js").makeStyles>}} shared
 * @returns {{hidden: function(): void}}
 */
export function start(panel, { styles }) {
  const kept = read(KEY);
  const live = { stream: null, running: null, mirror: kept?.mirror !== false, fine: kept?.fine === true, ...pick(checked(kept)) };
  const canvas = element("canvas", { class: "live-canvas", width: SIDE, height: SIDE * 0.75, role: "img", "aria-label": "The camera, painted" });
  const video = element("video", { playsinline: true, hidden: true });
  video.muted = true;
  const figure = element("p", { class: "live-figure numbers", "aria-hidden": "true" });
  const note = element("p", { class: "live-note", text: "The camera is off." });
  const begin = element("button", { type: "button", class: "primary", text: "Start the camera" });
  const snapshot = element("button", { type: "button", text: "Snapshot", disabled: true });
  const parts = { canvas, video, figure, note, begin, snapshot };
  const controls = makeControls(styles, live);
  panel.append(element("div", { class: "live" }, element("h1", { class: "visually-hidden", text: "Paint what the camera sees" }),
    element("div", { class: "live-frame" }, element("div", { class: "live-stack" }, canvas, note, figure), video),
    element("div", { class: "live-controls" }, element("div", { class: "row" }, begin, snapshot), controls,
      element("p", { class: "small soft", text: "Frames go to this service only, one after the other, and are not kept. The camera stops when you leave this tab." }))));

  const stop = (text = "The camera is off.") => {
    live.running?.abort();
    live.running = null;
    closeCamera(live.stream);
    live.stream = video.srcObject = null;
    begin.textContent = "Start the camera";
    begin.classList.add("primary");
    snapshot.disabled = true;
    figure.textContent = "";
    note.textContent = text;
    note.hidden = false;
  };
  begin.addEventListener("click", () => (live.running ? stop() : run(live, parts, stop)));
  snapshot.addEventListener("click", async () => {
    download(await asBlob(canvas, "image/png"), `live-${live.style}.png`);
    say("The snapshot is downloaded.");
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && live.running) stop("The camera stopped while this page was hidden.");
  });
  return { hidden: () => stop() };
}

function pick({ style, strength }) {
  return { style, strength };
}

function makeControls(styles, live) {
  const keep = () => write(KEY, { style: live.style, strength: live.strength, mirror: live.mirror, fine: live.fine });
  const style = element("select", { id: "live-style" });
  style.addEventListener("change", () => {
    live.style = style.value;
    showFine();
    keep();
  });
  const strength = slider("Strength", (value) => {
    live.strength = value;
    strength.show(value);
    keep();
  });
  strength.show(live.strength);
  const check = (name) => {
    const field = element("input", { type: "checkbox", onchange: () => {
      live[name] = field.checked;
      keep();
    } });
    field.checked = live[name];
    return field;
  };
  const fine = element("label", { class: "check", hidden: true }, check("fine"), "Finer, slower");
  const showFine = () => {
    live.small = styles.all.find(({ name }) => name === live.style)?.small || "";
    fine.hidden = !live.small;
  };
  styles.onChange(() => {
    style.replaceChildren(...styles.all.map(({ name, label }) => element("option", { value: name, text: label })));
    if (!styles.all.some(({ name }) => name === live.style)) live.style = styles.all[0]?.name || "";
    style.value = live.style;
    showFine();
  });
  return element("div", { class: "adjust-fields" },
    element("div", { class: "field" }, element("label", { for: "live-style", text: "Style" }), style),
    strength.element, element("div", {}, fine, element("label", { class: "check" }, check("mirror"), "Mirror")));
}

async function run(live, { canvas, video, figure, note, begin, snapshot }, stop) {
  forgive();
  const running = (live.running = new AbortController());
  begin.textContent = "Stop";
  begin.classList.remove("primary");
  note.textContent = "Waiting for the camera…";
  try {
    const stream = await openCamera("user", 640);
    if (running.signal.aborted) return closeCamera(stream); // stopped while the browser asked
    live.stream = video.srcObject = stream;
    await video.play();
    note.textContent = "Painting the first frame…";
    const grabbed = document.createElement("canvas");
    for (let rate = 0; ; ) {
      const since = performance.now();
      await paintFrame(live, video, canvas, grabbed, running.signal);
      note.hidden = true;
      snapshot.disabled = false;
      const now = 1000 / (performance.now() - since);
      rate = rate ? 0.8 * rate + 0.2 * now : now; // one slow frame does not make the figure jump
      figure.textContent = `${rate.toFixed(1)} frames a second`;
    }
  } catch (error) {
    if (running.signal.aborted) return;
    stop();
    fail(error);
  }
}

async function paintFrame({ style, small, fine, strength, mirror }, video, canvas, grabbed, signal) {
  const photo = await smallCopy(video, SIDE, "image/jpeg", { mirror, canvas: grabbed });
  const fields = { photo, style: fine ? style : small || style, strength: strength < 1 ? strength : null, format: "jpeg", quality: 85 };
  const { blob } = await stylize(fields, signal);
  const painted = await createImageBitmap(blob);
  if (canvas.width !== painted.width) canvas.width = painted.width;
  if (canvas.height !== painted.height) canvas.height = painted.height;
  canvas.getContext("2d").drawImage(painted, 0, 0);
  painted.close();
}
