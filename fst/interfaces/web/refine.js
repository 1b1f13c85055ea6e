/* A painting refined by the optimization: it grows on the picture, a curve falls, stop keeps it. */

import { pictureAt } from "./api.js";
import { makeCurve } from "./curve.js";
import { element, fail, forgive, say } from "./dom.js";
import { endJob, followJob, hasEnded, startJob, stateSentence } from "./jobs.js";
import { choice } from "./adjust.js";

/**
 * @param {{begin: function(): ?Object<string, *>, onPicture: function(Blob, boolean): void}} host
 *     `begin()` gives the fields of what is painted, or null where there is no photo;
 *     `onPicture(blob, isLast)` shows what the job has so far.
 * @returns {{element: HTMLElement, run: function(): void, stop: function(): void,
 *            setReady: function(boolean): void}}
 *     `stop()` gives the job up, since something else is wanted.
 */
export function makeRefine({ begin, onPicture }) {
  const work = { id: "", unfollow: () => {}, preview: "", turn: 0, iterations: "60", size: "512" };
  const effort = choice("How far", [["30", "A little (30 steps)"], ["60", "Clearly (60 steps)"], ["200", "All the way (200 steps)"]], (value) => { work.iterations = value; });
  effort.show(work.iterations);
  const size = choice("Size", [["512", "512 pixels, quick"], ["768", "768 pixels"], ["1024", "1024 pixels, slow"]], (value) => { work.size = value; });
  const start = element("button", { type: "button", text: "Refine", disabled: true });
  const stop = element("button", { type: "button", text: "Stop, keep this", hidden: true });
  const bar = element("progress", { max: 1, value: 0, "aria-label": "Refining" });
  const line = element("p", { class: "small soft numbers" });
  const curve = makeCurve("Loss");
  const progress = element("div", { class: "refine-progress", hidden: true }, bar, line, curve.element);
  const root = element("details", { class: "refine" }, element("summary", { text: "Refine" }),
    element("div", { class: "adjust-fields" },
      element("p", { class: "small soft", text: "Optimizes the painting itself, step by step: closer to the style's strokes, but slow. The result has the size chosen here." }),
      effort.element, size.element, element("div", { class: "row" }, start, stop), progress));

  const idle = () => {
    work.id = "";
    work.unfollow();
    start.hidden = false;
    stop.hidden = true;
    stop.disabled = false;
  };
  const show = (job) => {
    line.textContent = stateSentence(job, "Refining");
    if (job.state === "queued") bar.removeAttribute("value"); // nobody knows how long it waits
    else bar.value = job.progress;
    curve.show(job.curve, job.steps);
    pictures(job, work, onPicture).catch(fail);
    if (!hasEnded(job)) return;
    idle();
    if (job.state === "failed") fail(job.error);
    else say(line.textContent);
  };
  const run = async () => {
    const fields = begin();
    if (!fields) return;
    forgive();
    start.hidden = true;
    stop.hidden = progress.hidden = false;
    curve.clear();
    line.textContent = "Starting…";
    const turn = (work.turn += 1);
    try {
      const { id } = await startJob({ ...fields, iterations: work.iterations, size: work.size });
      if (turn !== work.turn) return void endJob(id).catch(() => {}); // given up meanwhile
      Object.assign(work, { id, preview: "" });
      work.unfollow = followJob(id, { show, gone: idle, away: (error) => { line.textContent = error.message; } });
    } catch (error) {
      if (turn !== work.turn) return;
      progress.hidden = true;
      idle();
      fail(error);
    }
  };
  start.addEventListener("click", run);
  stop.addEventListener("click", () => {
    stop.disabled = true;
    if (work.id) endJob(work.id).catch(fail);
  });
  return {
    element: root,
    run: () => {
      root.open = true;
      return run();
    },
    setReady: (ready) => { start.disabled = !ready; },
    stop: () => {
      if (work.id) endJob(work.id).catch(() => {}); // it may have ended in the meantime
      work.turn += 1;
      progress.hidden = true;
      idle();
    },
  };
}

async function pictures(job, work, onPicture) {
  const { id } = work;
  if (hasEnded(job) && job.result) return onPicture(await pictureAt(job.result), true);
  if (!job.preview || job.preview === work.preview) return;
  work.preview = job.preview;
  const blob = await pictureAt(job.preview);
  if (work.id === id) onPicture(blob, false);
}
