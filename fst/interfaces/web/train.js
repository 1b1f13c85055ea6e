/* The tab where a net learns a painting. */

import { element, fail, forgive, say } from "./dom.js";
import { makeCurve } from "./curve.js";
import { endJob, followJob, hasEnded, startJob, stateSentence, stopJob } from "./jobs.js";
import { makePictureBox } from "./picturebox.js";
import { read, write } from "./settings.js";
import { makeTrainForm } from "./trainform.js";

const KEY = "fst.training";

/**
 * @param {HTMLElement} panel
 * @param {{styles: object, paintWith: function(string): Promise<void>}} shared
 */
export function start(panel, shared) {
  const { styles } = shared;
  const work = { state: "" };
  const form = makeTrainForm({
    isTaken: (name) => styles.all.some((style) => isOneOf(style, name.toLowerCase())),
    start: async ({ painting, name, budget }) => {
      const { id } = await startJob({ kind: "train", painting, name, budget });
      write(KEY, { id, name });
      follow(id, name, { work, form, progress, styles });
      progress.heading.focus();
      say("The training is in the queue.");
    },
  });
  const progress = makeProgress({
    stop: (job) => stopJob(job.id),
    use: (style) => shared.paintWith(style),
    another: (job) => {
      write(KEY, null);
      progress.clear();
      form.clear();
      // what the service keeps of it is of no use any more; it may have forgotten it by itself
      if (job) endJob(job.id).catch(() => {});
    },
  });
  const closed = element("p", { class: "plain-note", hidden: true },
    "This service does not train. Where fst is installed, a command does: fst train style=painting.jpg experiment=minute");
  const columns = element("div", { class: "work" }, form.element, progress.element);
  panel.append(element("div", { class: "page" },
    element("h1", { text: "Teach it a painting" }),
    element("p", { class: "soft lead", text: "A net looks at many photos until it paints each of them in the manner of your painting. Then it is a style like the others." }),
    closed, columns));
  styles.onChange(() => {
    closed.hidden = styles.training;
    columns.hidden = !styles.training;
    form.setTook(styles.took);
    form.check();
  });
  const kept = read(KEY);
  if (kept?.id) follow(String(kept.id), String(kept.name || ""), { work, form, progress, styles });
}

/* A style NAME_small would be taken for the quick net of NAME, which the gallery does not show. */
function isOneOf({ name }, wanted) {
  return [name, `${name}_small`].some((taken) => taken.toLowerCase() === wanted);
}

/* Shows how a training stands until it ends. */
function follow(id, name, { work, form, progress, styles }) {
  form.setBusy(true);
  progress.begin(name);
  work.state = "";
  followJob(id, {
    show: (job) => {
      progress.show(job);
      if (job.state === work.state) return;
      if (work.state) forgive();
      work.state = job.state;
      say(stateSentence(job, "Learning"));
      if (!hasEnded(job)) return;
      form.setBusy(false);
      if (job.style) styles.refresh();
    },
    gone: () => {
      write(KEY, null);
      progress.clear();
      form.setBusy(false);
      fail(`The service does not know the training of ${name} any more. If it has ended, its style is in the gallery.`);
      styles.refresh();
    },
    away: fail,
    back: forgive,
  });
}

/* What is seen of a training: where it stands, what it paints, how its objective falls. */
function makeProgress({ stop, use, another }) {
  const { made, box, curve, heading, sentence, bar, stopper, user, other, setBegun } = makeProgressParts();
  let job = null;
  let stopping = false;
  // not disabled, which would take the focus from who uses the keyboard
  const setStopping = (now) => {
    stopping = now;
    stopper.setAttribute("aria-disabled", String(now));
  };
  stopper.addEventListener("click", async () => {
    if (stopping) return; // a second stop would give up what is made of it
    setStopping(true);
    try {
      await stop(job);
    } catch (error) {
      setStopping(false);
      if (error.status !== 404) fail(error);
    }
  });
  user.addEventListener("click", () => use(job.style).catch(fail));
  other.addEventListener("click", () => another(job));
  const clear = () => {
    job = null;
    setStopping(false);
    heading.textContent = "No training yet";
    sentence.textContent = "Choose a painting to begin.";
    bar.value = 0;
    for (const button of [stopper, user, other]) button.hidden = true;
    setBegun(false);
    box.show(null);
    curve.clear();
  };
  const begin = (name) => {
    clear();
    setBegun(true);
    heading.textContent = name;
    sentence.textContent = "Asking how it stands …";
  };
  const show = (now) => {
    job = now;
    const ended = hasEnded(now);
    if (ended) sentence.textContent = endSentence(now);
    else sentence.textContent = stopping ? "Stopping: a style is made of what is learned so far …" : stateSentence(now, "Learning");
    bar.value = now.state === "done" ? 1 : now.progress;
    // focus must not fall off the page with the button that had it
    const focused = document.activeElement === stopper && ended;
    stopper.hidden = ended;
    user.hidden = !(ended && now.style);
    other.hidden = !ended;
    if (focused) (now.style ? user : other).focus();
    const address = now.result || now.preview;
    const title = `Photos, and below them the same in the style ${heading.textContent}, step ${now.step} of ${now.steps}`;
    if (address) box.show(address, title);
    curve.show(now.curve, now.steps, null);
  };
  return { element: made, heading, clear, begin, show };
}

function makeProgressParts() {
  const box = makePictureBox("Photos are shown here, and how the net paints them while it learns.");
  box.setRatio(2, 1); // of most previews: four photos, and below them what the net makes of each
  const curve = makeCurve("Objective", { noisy: true });
  const heading = element("h2", { text: "No training yet", tabindex: -1 });
  const sentence = element("p", { class: "numbers", text: "Choose a painting to begin." });
  const bar = element("progress", { max: 1, value: 0, "aria-label": "Progress of the training" });
  const stopper = element("button", { type: "button", text: "Stop, keep what is there", hidden: true });
  const user = element("button", { type: "button", class: "primary", text: "Paint with it", hidden: true });
  const other = element("button", { type: "button", text: "Train another painting", hidden: true });
  const begun = [bar, element("div", { class: "row" }, stopper, user, other), box.element, curve.element];
  const steps = ["Choose a painting whose strokes or patterns one sees.", "Give it a name, and time to learn.", "Watch how it learns. Then paint your photos with it."];
  const before = element("ol", { class: "how-to" }, ...steps.map((text) => element("li", { text })));
  const setBegun = (now) => {
    before.hidden = now;
    for (const part of begun) part.hidden = !now;
  };
  setBegun(false);
  const made = element("section", { class: "card progress-card", "aria-label": "The training" }, heading, sentence, before, ...begun);
  return { made, box, curve, heading, sentence, bar, stopper, user, other, setBegun };
}

function endSentence(job) {
  const end = stateSentence(job, "");
  if (job.style) return `${end} The style ${job.style} is in the gallery.`;
  if (job.state === "stopped" && job.error) return job.error;
  if (job.state === "stopped") return `${end} That was too early for a style.`;
  return end;
}
