/* The page: a photo comes, is painted, and goes. */

import { makeBeforeAfter } from "./beforeafter.js";
import { byId, element, fail, forgive, say } from "./dom.js";
import { bestWay, makeEngine } from "./engine.js";
import { asBlob, decoded, download, stemOf, takeDrops, takePastes } from "./files.js";

const ABOUT = JSON.parse(byId("about").textContent);
const USUAL = { wasm: "512", webgpu: "1024" }; // long side that is painted in seconds
const WORDS = { wasm: "on the processor", webgpu: "on the graphics card" };

const view = makeBeforeAfter();
const state = {
  way: null, // a promise
  engine: null, // a promise of what paints
  pace: 0, // milliseconds for a pixel
  photo: null, // a File
  others: 0, // files that came with it
  url: "",
  painted: null, // {blob, url, photo, stem}
  turn: 0, // of what was asked for last
  isPainting: false, // a pass is under way, and not only the net on its way
};

function start() {
  byId("view").append(view.element);
  view.element.hidden = true;
  state.way = bestWay().then((way) => {
    for (const field of sizes()) field.checked = field.value === USUAL[way];
    return way;
  });
  prepare().catch(fail);
  byId("choose").addEventListener("change", chosen);
  byId("another").addEventListener("change", chosen);
  takeDrops(document.body, take);
  takePastes(byId("main"), take);
  byId("sizes").addEventListener("change", () => state.photo && paint());
  byId("stop").addEventListener("click", stop);
  byId("download").addEventListener("click", () => save().catch(fail));
}

function sizes() {
  return document.querySelectorAll("#sizes input");
}

function chosen(event) {
  take([...event.target.files]);
  event.target.value = ""; // the same file can be chosen again
}

function take(files) {
  const photo = files.find((file) => file.type.startsWith("image/")) ?? files[0];
  if (!photo) return;
  state.photo = photo;
  state.others = files.length - 1;
  paint();
}

/* One engine, made once; again after it was stopped, or has failed. */
function prepare() {
  if (state.engine) return state.engine;
  const made = state.way.then(makeEngine).then(
    (engine) => {
      state.pace = engine.pace;
      byId("way").textContent = `Painted ${WORDS[engine.way]}${engine.threads > 1 ? `, with ${engine.threads} threads` : ""}.`;
      return engine;
    },
    async (error) => {
      if (state.engine === made) state.engine = null; // it has ended itself
      if ((await state.way) === "wasm") throw explained(error);
      state.way = Promise.resolve("wasm"); // WebGPU is there and does not work
      return prepare();
    },
  );
  state.engine = made;
  return made;
}

function discard() {
  state.isPainting = false;
  state.engine?.then((engine) => engine.stop(), () => {});
  state.engine = null;
}

function explained(error) {
  if (/missing beside/.test(error.message)) return error;
  return new Error(`This browser can't run the net (${error.message}). Try a newer one.`);
}

async function paint() {
  const { photo } = state;
  const turn = (state.turn += 1);
  const isOld = () => turn !== state.turn;
  if (state.isPainting) discard(); // that is not wanted any more
  forgive();
  busy(true);
  const began = performance.now();
  try {
    const bitmap = await opened(photo);
    if (isOld()) return bitmap.close();
    const [width, height] = sizeOf(bitmap);
    show(bitmap);
    const engine = await prepare();
    if (isOld()) return;
    const follow = following(performance.now(), state.pace * width * height, width, height);
    state.isPainting = true;
    const painted = await engine.paint(bitmap, width, height).finally(() => {
      clearInterval(follow);
      if (!isOld()) state.isPainting = false;
    });
    if (isOld()) return;
    state.pace = painted.milliseconds / (width * height);
    await hang(painted.blob, photo, isOld, `${width} × ${height} pixels, ${((performance.now() - began) / 1000).toFixed(1)} seconds`);
  } catch (error) {
    if (isOld() || error.name === "AbortError") return;
    if (await tryOtherwise(error)) return paint();
    told("");
    fail(error);
  } finally {
    if (!isOld()) busy(false); // else the one that came after says so
  }
}

/* A graphics card that fails leaves the work to the processor, once. */
async function tryOtherwise(error) {
  if (error.isPhoto || !state.engine) return false;
  discard();
  if ((await state.way) === "wasm") {
    error.message = /alloc|memory|abort|range/i.test(error.message)
      ? "This browser has not enough memory for that. Choose a smaller size."
      : `The photo could not be painted (${error.message}).`;
    return false;
  }
  state.way = Promise.resolve("wasm");
  return true;
}

async function opened(file) {
  const refuse = (text) => Object.assign(new Error(text), { isPhoto: true });
  if (!file.size) throw refuse(`${file.name} is empty. Choose another photo.`);
  const bitmap = await decoded(file);
  if (!bitmap) throw refuse(`${file.name} is no picture that this browser can open. Save it as JPEG or PNG, then choose it again.`);
  if (Math.min(bitmap.width, bitmap.height) < ABOUT.leastSide) {
    throw refuse(`${file.name} has ${bitmap.width} × ${bitmap.height} pixels. Choose a photo with at least ${ABOUT.leastSide} on each side.`);
  }
  return bitmap;
}

/* The size to paint at: no larger than the photo, and than what the memory holds. */
function sizeOf({ width, height }) {
  const asked = document.querySelector("#sizes input:checked").value;
  const long = Math.max(width, height);
  const wanted = asked === "full" ? 1 : Math.min(1, Number(asked) / long);
  const most = Math.sqrt(ABOUT.mostPixels / (width * height));
  const size = [width, height].map((side) => Math.max(ABOUT.leastSide, Math.round(side * Math.min(wanted, most))));
  byId("limit").textContent = most < wanted
    ? `Painted at ${size.join(" × ")} pixels: the photo's ${width} × ${height} need more memory than a browser has.`
    : "";
  return size;
}

function show(bitmap) {
  byId("empty").hidden = true;
  view.element.hidden = false;
  byId("bar").hidden = false;
  view.setSize(bitmap.width, bitmap.height);
  URL.revokeObjectURL(state.url);
  state.url = URL.createObjectURL(state.photo);
  view.setBefore(state.url);
  if (!state.painted || state.painted.photo === state.photo) return;
  view.setAfter(null);
  URL.revokeObjectURL(state.painted.url);
  state.painted = null;
  byId("download").disabled = true;
}

/* What is known of a painting is known before it is shown: another photo may come meanwhile. */
async function hang(blob, photo, isOld, text) {
  const url = URL.createObjectURL(blob);
  const before = state.painted;
  state.painted = { blob, url, photo, stem: stemOf(photo.name) };
  await view.setAfter(url);
  if (before) URL.revokeObjectURL(before.url);
  if (isOld()) return;
  view.reveal();
  told(state.others ? `${text}. One photo at a time: this is ${photo.name}.` : text);
  say("The photo is painted.");
}

/* A pass says nothing until it is over: how far it is, is told from how quick the last one was. */
function following(began, expected, width, height) {
  say("Painting the photo.");
  const step = () => {
    const elapsed = performance.now() - began;
    byId("progress").hidden = false;
    byId("view").classList.remove("is-working");
    byId("progress").value = Math.min(0.98, elapsed / expected);
    const left = Math.ceil((expected - elapsed) / 1000);
    told(`Painting ${width} × ${height} pixels…${left > 1 ? ` about ${left} seconds left` : ""}`);
  };
  step();
  return setInterval(step, 250);
}

function told(text) {
  byId("told").textContent = text;
}

function busy(on) {
  byId("stop").hidden = !on;
  byId("progress").hidden = true; // until it is known how long it takes
  byId("download").disabled = on || !state.painted;
  byId("view").setAttribute("aria-busy", String(on));
  byId("view").classList.toggle("is-working", on);
  if (on) told(state.pace ? "Opening the photo…" : "Preparing the net…");
}

function stop() {
  state.turn += 1;
  if (state.isPainting) discard();
  busy(false);
  told("Stopped.");
  say("Stopped.");
  prepare().catch(fail);
}

async function save() {
  const { blob, url, stem } = state.painted;
  const name = `${stem}-${ABOUT.name}`;
  if (byId("format").value === "png") return download(blob, `${name}.png`);
  const picture = element("img", { src: url });
  await picture.decode();
  const canvas = element("canvas", { width: picture.naturalWidth, height: picture.naturalHeight });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // JPEG knows no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0);
  return download(await asBlob(canvas, "image/jpeg", 0.95), `${name}.jpg`);
}

start();
