/* The Paint tab: its parts, and who tells whom. */

import { makeAdjust } from "./adjust.js";
import { local, request } from "./api.js";
import { takePhoto } from "./camera.js";
import { element, fail, say } from "./dom.js";
import { makeGallery, OWN } from "./gallery.js";
import { makeMask } from "./mask.js";
import { makePainter } from "./painter.js";
import { makeStrip } from "./photos.js";
import { makeRefine } from "./refine.js";
import { change, choose, isOptimized, makeSession, paint, remove, replacePassing, save, showPhoto, takeFiles, takeSettings } from "./session.js";
import { isOwnEntry, linkHere, linkTrouble, loadSettings, saveSettings } from "./settings.js";
import { makeStage } from "./stage.js";
import { longestSide } from "./toolarge.js";
import { refineFields, wantedOf, whyNotRefined } from "./wanted.js";

/**
 * @param {HTMLElement} panel
 * @param {{styles: ReturnType<typeof import("./styles.js").makeStyles>}} shared
 * @returns {{choose: function(string): void}}
 */
export function start(panel, { styles }) {
  const session = makeSession(styles);
  const parts = {};
  parts.stage = makeStage(stageHost(session, parts, panel));
  parts.painter = makePainter(painterHost(session, parts));
  parts.gallery = makeGallery(styles, {
    onStyle: (name) => choose(session, parts, name),
    onPainting: (file) => {
      session.painting = file;
      parts.gallery.setPainting(file);
      choose(session, parts, OWN);
    },
  });
  parts.adjust = makeAdjust(styles, session.settings, () => change(session, parts));
  parts.mask = makeMask(parts.stage.view, () => paint(session, parts));
  parts.refine = makeRefine(refineHost(session, parts));
  parts.strip = makeStrip({
    onChoose: (at) => showPhoto(session, parts, at),
    onRemove: (at) => remove(session, parts, at),
    wantedOf: (photo) => wantedOf(session, photo),
  });
  parts.brush = makeBrush(session, parts);
  parts.stage.place(parts.strip.element);
  parts.stage.setPhoto(null);
  const side = element("section", { class: "adjust", "aria-labelledby": "adjust-title" },
    element("h2", { id: "adjust-title", text: "Adjust" }), parts.adjust.element, parts.brush, parts.mask.element,
    parts.refine.element, makeLink(session));
  panel.append(element("h1", { class: "visually-hidden", text: "Paint a photo" }),
    element("div", { class: "studio" }, parts.stage.element, parts.gallery.element, side));
  styles.onChange(() => {
    takeSettings(session, parts);
    parts.stage.setExamples(styles.all.slice(0, 4).slice(-3).map((style) => local(style.thumbnail)));
  });
  window.addEventListener("hashchange", () => {
    if (isOwnEntry()) return saveSettings(session.settings); // Back changes the tab alone
    session.linkTrouble = linkTrouble();
    Object.assign(session.settings, loadSettings());
    takeSettings(session, parts);
  });
  window.addEventListener("beforeunload", (event) => {
    if (parts.refine.isRunning() || parts.strip.isBusy()) event.preventDefault();
  });
  return {
    choose: (name) => {
      parts.gallery.mark(name);
      choose(session, parts, name);
    },
  };
}

function makeBrush(session, { mask }) {
  const brush = element("button", { type: "button", "aria-pressed": "false", text: "Paint only a part", disabled: true });
  brush.addEventListener("click", () => {
    if (mask.isOpen()) mask.close();
    else mask.open(session.photos[session.at]);
    brush.setAttribute("aria-pressed", String(mask.isOpen()));
  });
  return brush;
}

function makeLink(session) {
  const usual = "Copy a link to these settings";
  const link = element("button", { type: "button", class: "quiet", text: usual });
  link.addEventListener("click", async () => {
    saveSettings(session.settings);
    try {
      await navigator.clipboard.writeText(linkHere());
      link.textContent = session.own ? "Copied, but your painting is not in it" : "Copied";
      say(session.own ? "The link is copied. It carries the settings; your painting is not in it." : "The link is copied. It carries the settings, no picture.");
    } catch {
      link.textContent = "Copy it from the address bar";
    }
    setTimeout(() => { link.textContent = usual; }, 3000);
  });
  return link;
}

function stageHost(session, parts, panel) {
  const take = (files) => takeFiles(session, parts, files);
  const orFail = (work) => () => work().catch(fail);
  return {
    onFiles: take,
    onSample: orFail(async () => {
      const blob = await (await request("/sample")).blob();
      await take([new File([blob], "sample.jpg", { type: blob.type })]);
    }),
    onCamera: orFail(async () => {
      const file = await takePhoto();
      if (file) await take([file]);
    }),
    onRemove: () => {
      remove(session, parts, session.at);
      panel.querySelector(".strip:not([hidden]) input:checked, .empty:not([hidden]) input")?.focus();
    },
    onFormat: (format) => {
      session.settings.format = format;
      saveSettings(session.settings);
    },
    onDownload: () => save(session, parts),
  };
}

function painterHost(session, { stage }) {
  const show = async ({ photo, fields }, { url }, isKept, mix = null) => {
    if (session.photos[session.at] !== photo || !(await stage.view.setAfter(url, mix))) return;
    stage.setTile(fields.seamless ? url : null);
    replacePassing(session, isKept ? null : url);
    revealOnce(photo, stage);
  };
  return {
    onPreview: (wanted, painted) => show(wanted, painted, false).catch(fail),
    onMix: (wanted, whole, mix) => show(wanted, whole, true, mix).catch(fail),
    onFull: (wanted, painted) => {
      show(wanted, painted, true).catch(fail);
      const { width, height } = wanted.photo;
      const time = painted.seconds ? `, painted in ${painted.seconds.toFixed(1)} s` : "";
      stage.setStatus(`${width} × ${height} pixels${time}`);
      say("Painted.");
    },
    onState: (name) => {
      stage.setWorking(["waiting", "preview", "full"].includes(name));
      if (name === "preview") stage.setStatus("Painting a quick preview…");
      if (name === "full") stage.setStatus("Painting every pixel…");
      if (name === "failed") stage.setStatus("Not painted.");
    },
    onError: fail,
    onTooLarge: ({ photo }) => {
      if (session.photos[session.at] !== photo) return;
      stage.setWorking(false);
      stage.setSmaller(longestSide(photo, photo.most));
      stage.setStatus(`A preview: this service takes ${photo.most / 1e6} million pixels, not ${photo.width} × ${photo.height}.`);
    },
  };
}

function revealOnce(photo, stage) {
  if (!photo.revealed) stage.view.reveal();
  photo.revealed = true;
}

function refineHost(session, { painter, stage }) {
  return {
    begin: (side) => {
      const photo = session.photos[session.at];
      if (!photo) return null;
      const trouble = whyNotRefined(session, photo);
      if (trouble) return void fail(trouble);
      painter.stop();
      session.refined = null;
      stage.setWorking(true);
      stage.setStatus(isOptimized(session) ? "Optimizing, as there is no net for this painting…" : "Refining…");
      return refineFields(session, photo, side);
    },
    onPicture: async (blob, isLast) => {
      const photo = session.photos[session.at];
      if (!photo) return;
      const url = URL.createObjectURL(blob);
      if (!(await stage.view.setAfter(url))) return;
      replacePassing(session, url);
      revealOnce(photo, stage);
      if (!isLast) return;
      const style = session.own ? "painting" : session.settings.style;
      session.refined = { blob, name: `${photo.stem}-${style}-refined.${blob.type === "image/png" ? "png" : "jpg"}` };
      stage.setStatus("Refined. Download gives this picture.");
    },
    onEnd: (isGood) => {
      stage.setWorking(false);
      if (!isGood) stage.setStatus("Not refined.");
    },
  };
}
