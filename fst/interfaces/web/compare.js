/* The tab where one pass of a net stands beside the optimization, which goes on while you look. */

import { local, pictureAt, stylize } from "./api.js";
import { makeBeforeAfter } from "./beforeafter.js";
import { makeCompareForm } from "./compareform.js";
import { makeCurve } from "./curve.js";
import { element, fail, forgive, say } from "./dom.js";
import { endJob, followJob, hasEnded, startJob, stateSentence, stopJob } from "./jobs.js";
import { measurePass } from "./passlevel.js";
import { download } from "./picture.js";
import { makePictureBox } from "./picturebox.js";

const STOPPED_EARLY = "Stopped before the first step.";

/**
 * @param {HTMLElement} panel
 * @param {{styles: object}} shared
 */
export function start(panel, shared) {
  const results = makeResults(shared.styles, () => form.trySample());
  const work = { leave: () => {}, giveUp: () => {}, running: null, aborter: new AbortController() };

  const stop = async () => {
    work.giveUp();
    if (work.running) await stopJob(work.running);
    else {
      work.aborter.abort();
      form.setRunning(false);
    }
  };
  const form = makeCompareForm({
    styles: shared.styles,
    begin: (asked) => begin(asked, work, form, results),
    stop: async () => {
      const early = !work.running; // no job that could say so
      await stop();
      if (early) results.setStopped();
    },
    onPhoto: (photo) => {
      stop().catch(fail);
      work.leave();
      work.running = null;
      form.setRunning(false);
      results.setEmpty("Now press Compare.");
    },
  });
  panel.append(element("div", { class: "page" },
    element("h1", { text: "One pass, or many steps" }),
    element("p", { class: "soft lead", text: "A trained net paints in one pass. The way that came before it changes the pixels step by step. Watch both." }),
    element("div", { class: "work" }, form.element, results.element)));

  // nobody would ever see it again
  window.addEventListener("pagehide", () => {
    if (work.running) fetch(local(`/jobs/${work.running}`), { method: "DELETE", keepalive: true });
  });
}

async function begin({ photo, style, iterations, size }, work, form, results) {
  work.leave();
  work.aborter = new AbortController();
  const { signal } = work.aborter;
  results.clear(photo);
  form.setRunning(true);
  // a photo is never enlarged
  const fields = { photo: photo.file, style, size: Math.max(photo.width, photo.height) > size ? size : null };
  try {
    const pass = await stylize({ ...fields, format: "png" }, signal);
    results.showPass(pass);
    const ask = { kind: "optimize", ...fields };
    const found = (level) => signal.aborted || results.setLevel(level);
    const giveUp = await measurePass(ask, found).catch(() => () => {}); // the line is not worth an alert
    if (signal.aborted) return giveUp();
    work.giveUp = giveUp;
    const { id } = await startJob({ ...ask, iterations });
    if (signal.aborted) return void endJob(id).catch(() => {});
    work.running = id;
    say(`One pass took ${pass.seconds.toFixed(1)} seconds. The optimization has begun.`);
    forgive();
    const ended = () => {
      work.running = null;
      form.setRunning(false);
    };
    work.leave = followJob(id, {
      show: (job) => {
        results.showJob(job, `${photo.stem}-${style}-optimized.png`);
        if (!hasEnded(job)) return;
        ended();
        if (job.state === "failed") fail(stateSentence(job, ""));
        else say(stateSentence(job, ""));
      },
      gone: () => {
        ended();
        fail("The service does not know this optimization any more. Start it again.");
      },
      away: fail,
      back: forgive,
    });
  } catch (error) {
    if (signal.aborted) return;
    form.setRunning(false);
    work.giveUp();
    fail(error);
  }
}

/* The two pictures, the curve, and both on top of each other. */
function makeResults(styles, onSample) {
  const empty = makeEmpty(styles, onSample);
  const pass = makeSide("One pass", "It is being painted.");
  const steps = makeSide("Optimization", "It grows here, step by step.");
  const curve = makeCurve("Objective");
  const slider = makeBeforeAfter({ before: "One pass", after: "Optimization" });
  const view = element("div", { class: "compare-view" }, slider.element);
  const bar = element("progress", { max: 1, value: 0, "aria-label": "Progress of the optimization" });
  let passUrl = "";
  let shownStep = "";
  let level = null;
  let newest = null; // what the job said last
  let offered = false;

  const clear = (photo) => {
    empty.element.hidden = true;
    body.hidden = false;
    if (passUrl) URL.revokeObjectURL(passUrl);
    passUrl = shownStep = "";
    level = newest = null;
    offered = false;
    for (const side of [pass, steps]) side.clear(photo);
    view.style.setProperty("--ratio", String(photo.width / photo.height));
    slider.setSize(photo.width, photo.height);
    slider.setBefore(null);
    slider.setAfter(null);
    slider.setPosition(50);
    bar.value = 0;
    curve.clear();
  };
  const showPass = ({ blob, seconds, name }) => {
    passUrl = URL.createObjectURL(blob);
    pass.show(passUrl, "The photo, painted in one pass", `${seconds.toFixed(2)} s`);
    pass.offer(() => download(blob, name));
    slider.setBefore(passUrl);
  };
  const draw = () => newest && curve.show(newest.curve, newest.steps, level);
  const setLevel = (found) => {
    level = found;
    draw();
  };
  const showJob = (job, name) => {
    newest = job;
    bar.value = job.state === "done" ? 1 : job.progress;
    const address = job.result || job.preview;
    steps.show(address, `The photo, optimized for ${job.step} of ${job.steps} steps`, stateSentence(job, "Optimizing"));
    draw();
    if (address && address !== shownStep) {
      shownStep = address;
      slider.setAfter(local(address)).catch(() => {}); // a newer one has taken its place
    }
    if (hasEnded(job) && job.result && !offered) {
      offered = true;
      steps.offer(async () => download(await pictureAt(job.result), name));
    }
  };
  const body = element("div", { class: "results", hidden: true },
    element("div", { class: "pair" }, pass.element, steps.element), bar,
    element("div", { class: "pair" },
      element("div", { class: "card" }, element("h2", { text: "On top of each other" }), view),
      element("div", { class: "card" }, element("h2", { text: "How far it has come" }), curve.element)));
  const setEmpty = (words) => {
    body.hidden = true;
    empty.element.hidden = false;
    empty.words.textContent = words;
  };
  const made = element("section", { class: "compare-results", "aria-label": "Results" }, empty.element, body);
  const setStopped = () => {
    steps.show(null, "", STOPPED_EARLY);
    say(STOPPED_EARLY);
  };
  return { element: made, clear, setEmpty, setStopped, showPass, showJob, setLevel };
}

/* What is there before the first comparison. */
function makeEmpty(styles, onSample) {
  const art = element("div", { class: "empty-art", "aria-hidden": "true" });
  const words = element("p", { class: "soft", text: "Choose a photo and a style, then press Compare." });
  const sample = element("button", { type: "button", text: "Compare with a sample", onclick: onSample });
  styles.onChange(() => {
    const addresses = ["/sample", ...styles.all.slice(0, 2).map((style) => style.thumbnail)];
    art.replaceChildren(...addresses.map((path) => element("img", { src: local(path), alt: "", width: 256, height: 192 })));
    sample.disabled = !styles.all.length;
  });
  const made = element("div", { class: "empty compare-empty" }, element("div", { class: "empty-inner" }, art,
    element("h2", { class: "empty-title", text: "Nothing compared yet" }), words, element("div", { class: "row" }, sample)));
  return { element: made, words };
}

/* One of the two, with what it took and a way to keep it. */
function makeSide(title, empty) {
  const box = makePictureBox(empty);
  const words = element("p", { class: "small soft numbers", text: " " });
  const button = element("button", { type: "button", text: "Download", disabled: true, "aria-label": `Download: ${title}` });
  let give = async () => {};
  button.addEventListener("click", () => Promise.resolve(give()).catch(fail));
  const made = element("figure", { class: "card side" },
    element("div", { class: "side-head" }, element("figcaption", {}, element("h2", { text: title }), words), button),
    box.element);
  return {
    element: made,
    clear: (photo) => {
      box.show(null);
      box.setRatio(photo.width, photo.height);
      words.textContent = " ";
      button.disabled = true;
    },
    show: (address, description, sentence) => {
      if (address) box.show(address, description);
      words.textContent = sentence;
    },
    offer: (handler) => {
      give = handler;
      button.disabled = false;
    },
  };
}
