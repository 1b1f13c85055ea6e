/* A painting refined by the optimization: it grows on the picture, a curve falls, stop keeps it. */

import { choice } from "./adjust.js";
import { local, pictureAt } from "./api.js";
import { makeCurve } from "./curve.js";
import { element, fail, forgive, say } from "./dom.js";
import { endJob, followJob, hasEnded, startJob, stateSentence, stopJob } from "./jobs.js";

/**
 * @param {{begin: function(number): ?Object<string, *>, onPicture: function(Blob, boolean): void,
 *          onEnd: function(boolean): void}} host
 *     `begin(side)` gives the fields of what is painted, or null where there is no photo;
 *     `onPicture(blob, isLast)` shows what the job has so far; `onEnd(isGood)` is told that nothing
 *     goes on any more.
 * @returns {{element: HTMLElement, run: function(): void, stop: function(): void,
 *            isRunning: function(): boolean, setReady: function(boolean): void}}
 *     `stop()` gives the job up, since something else is wanted, and says so.
 */
export function makeRefine(host) {
  const parts = makeParts();
  const work = { id: "", unfollow: () => {}, preview: "", turn: 0, isHalted: false };
  const isRunning = () => parts.start.hidden;
  const run = () => begin(host, parts, work);
  parts.start.addEventListener("click", run);
  parts.stop.addEventListener("click", () => {
    parts.stop.disabled = true;
    work.isHalted = true;
    if (work.id) halt(parts, work.id);
  });
  // nobody would ever see it again, and others wait for it
  window.addEventListener("pagehide", () => {
    if (work.id) fetch(local(`/jobs/${work.id}`), { method: "DELETE", keepalive: true });
  });
  return {
    element: parts.root,
    run: () => {
      parts.root.open = true;
      run();
    },
    setReady: (ready) => { parts.start.disabled = !ready; },
    isRunning,
    stop: () => {
      if (isRunning()) parts.note.textContent = "The refining was stopped, as something else was chosen.";
      parts.start.textContent = "Refine";
      if (work.id) endJob(work.id).catch(() => {}); // it may have ended in the meantime
      parts.progress.hidden = true;
      idle(parts, work);
    },
  };
}

function makeParts() {
  const chosen = { iterations: "60", size: "512" };
  const effort = choice("How far", [["30", "A little (30 steps)"], ["60", "Clearly (60 steps)"], ["200", "All the way (200 steps)"]], (value) => { chosen.iterations = value; });
  const size = choice("Size", [["512", "512 pixels, quick"], ["768", "768 pixels"], ["1024", "1024 pixels, slow"]], (value) => { chosen.size = value; });
  effort.show(chosen.iterations);
  const start = element("button", { type: "button", text: "Refine", disabled: true });
  const stop = element("button", { type: "button", text: "Stop, keep this", hidden: true });
  const bar = element("progress", { max: 1, value: 0, "aria-label": "Refining" });
  const line = element("p", { class: "small soft numbers" });
  const note = element("p", { class: "small soft refine-note", role: "status" });
  const curve = makeCurve("Loss");
  const progress = element("div", { class: "refine-progress", hidden: true }, bar, line, curve.element);
  const root = element("details", { class: "refine" }, element("summary", { text: "Refine" }),
    element("div", { class: "adjust-fields" },
      element("p", { class: "small soft", text: "Optimizes the painting itself, step by step: closer to the painter's strokes, but slow. Done at the size below, then brought to the photo's." }),
      effort.element, size.element, element("div", { class: "row" }, start, stop), note, progress));
  return { root, chosen, start, stop, note, bar, line, curve, progress };
}

async function begin(host, parts, work) {
  const { iterations, size } = parts.chosen;
  const fields = host.begin(Number(size));
  if (!fields) return;
  forgive();
  const turn = (work.turn += 1);
  work.isHalted = false;
  parts.note.textContent = "";
  parts.start.hidden = true;
  parts.stop.hidden = parts.progress.hidden = false;
  parts.stop.focus();
  parts.curve.clear();
  parts.line.textContent = "Starting…";
  try {
    const { id } = await startJob({ ...fields, iterations });
    if (turn !== work.turn) return void endJob(id).catch(() => {}); // given up meanwhile
    Object.assign(work, { id, preview: "" });
    if (work.isHalted) halt(parts, id); // asked for before it had begun
    const away = (error) => { parts.line.textContent = error.message; };
    work.unfollow = followJob(id, { show: (job) => show(job, host, parts, work), gone: () => lost(host, parts, work), away });
  } catch (error) {
    if (turn !== work.turn) return;
    parts.progress.hidden = true;
    idle(parts, work);
    host.onEnd(false);
    fail(error);
  }
}

function halt({ stop }, id) {
  stopJob(id).catch((error) => {
    stop.disabled = false; // it may be tried again
    fail(error);
  });
}

function lost(host, parts, work) {
  idle(parts, work);
  host.onEnd(false);
  fail("The service has forgotten this work. Refine again.");
}

function idle(parts, work) {
  const hadFocus = document.activeElement === parts.stop;
  work.turn += 1;
  work.id = "";
  work.unfollow();
  parts.start.hidden = false;
  parts.stop.hidden = true;
  parts.stop.disabled = false;
  if (hadFocus) parts.start.focus(); // a focus on what is hidden would be lost
}

function show(job, host, parts, work) {
  parts.line.textContent = stateSentence(job, "Refining");
  if (job.state === "queued") parts.bar.removeAttribute("value"); // nobody knows how long it waits
  else parts.bar.value = job.progress;
  parts.curve.show(job.curve, job.steps);
  pictures(job, host, work).catch(fail);
  if (!hasEnded(job)) return;
  idle(parts, work);
  parts.start.textContent = "Refine again";
  host.onEnd(Boolean(job.result));
  if (job.state === "failed") fail(job.error);
  else say(parts.line.textContent);
}

async function pictures(job, { onPicture }, work) {
  const { id, turn } = work;
  if (hasEnded(job) && job.result) {
    const blob = await pictureAt(job.result);
    if (work.turn === turn + 1) onPicture(blob, true); // one more since it ended; else another began
    return;
  }
  if (!job.preview || job.preview === work.preview) return;
  work.preview = job.preview;
  const blob = await pictureAt(job.preview);
  if (work.id === id) onPicture(blob, false);
}
