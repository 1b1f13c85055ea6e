/* The Paint tab: what is set and what is shown, brought together. */

import { makeAdjust } from "./adjust.js";
import { request } from "./api.js";
import { takePhoto } from "./camera.js";
import { element, fail, forgive, say } from "./dom.js";
import { makeGallery, OWN } from "./gallery.js";
import { makeMask } from "./mask.js";
import { full, makePainter } from "./painter.js";
import { makeStrip } from "./photos.js";
import { download, openPhoto } from "./picture.js";
import { makeRefine } from "./refine.js";
import { loadSettings, saveSettings } from "./settings.js";
import { makeStage } from "./stage.js";
import { wantedOf } from "./wanted.js";

/**
 * @param {HTMLElement} panel
 * @param {{styles: ReturnType<typeof import("./styles.js").makeStyles>}} shared
 * @returns {{choose: function(string): void, hidden: function(): void}}
 */
export function start(panel, { styles }) {
  const state = { styles, settings: loadSettings(), photos: [], at: -1, painting: null, own: false, refined: null };
  const parts = { stage: makeStage(stageHost(state, () => parts, panel)) };
  parts.painter = makePainter(painterHost(state, parts));
  const changed = () => {
    saveSettings(state.settings);
    parts.stage.setTiled(state.settings.seamless);
    paint(state, parts);
  };
  parts.gallery = makeGallery(styles, {
    onStyle: (name) => choose(state, parts, name, changed),
    onPainting: (file) => {
      state.painting = file;
      parts.gallery.setPainting(file);
      choose(state, parts, OWN, changed);
    },
  });
  parts.adjust = makeAdjust(styles, state.settings, changed);
  parts.mask = makeMask(parts.stage.view, () => paint(state, parts));
  parts.refine = makeRefine(refineHost(state, parts));
  parts.strip = makeStrip({
    onChoose: (at) => showPhoto(state, parts, at),
    onRemove: (at) => remove(state, parts, at),
    wantedOf: (photo) => wantedOf(state, photo),
  });
  parts.stage.place(parts.strip.element);
  panel.append(element("h1", { class: "visually-hidden", text: "Paint a photo" }),
    element("div", { class: "studio" }, parts.stage.element, parts.gallery.element, makeSide(state, parts)));
  parts.stage.setPhoto(null);
  styles.onChange(() => takeSettings(state, parts));
  window.addEventListener("hashchange", () => {
    Object.assign(state.settings, loadSettings());
    takeSettings(state, parts);
  });
  return {
    choose: (name) => {
      parts.gallery.mark(name);
      choose(state, parts, name, changed);
    },
    hidden: () => parts.painter.stop(),
    shown: () => paint(state, parts),
  };
}

function makeSide(state, parts) {
  const brush = element("button", { type: "button", "aria-pressed": "false", text: "Paint only a part", disabled: true });
  brush.addEventListener("click", () => {
    if (parts.mask.isOpen()) parts.mask.close();
    else parts.mask.open(state.photos[state.at]);
    brush.setAttribute("aria-pressed", String(parts.mask.isOpen()));
  });
  parts.brush = brush;
  const link = element("button", { type: "button", class: "quiet", text: "Copy a link to these settings" });
  link.addEventListener("click", async () => {
    saveSettings(state.settings);
    try {
      await navigator.clipboard.writeText(location.href);
      link.textContent = "Copied";
      say("The link is copied. It carries the settings, no picture.");
    } catch {
      link.textContent = "Copy it from the address bar";
    }
    setTimeout(() => { link.textContent = "Copy a link to these settings"; }, 3000);
  });
  return element("section", { class: "adjust", "aria-labelledby": "adjust-title" }, element("h2", { id: "adjust-title", text: "Adjust" }),
    parts.adjust.element, brush, parts.mask.element, parts.refine.element, link);
}

function takeSettings(state, parts) {
  const { settings, styles } = state;
  if (!styles.all.some((style) => style.name === settings.style)) settings.style = styles.all[0]?.name || "";
  saveSettings(settings);
  parts.adjust.refresh(state.own);
  parts.stage.setFormat(settings.format);
  parts.stage.setTiled(settings.seamless);
  parts.gallery.mark(state.own ? OWN : settings.style);
  paint(state, parts);
}

function choose(state, parts, name, changed) {
  state.own = name === OWN;
  if (!state.own) state.settings.style = name;
  parts.adjust.refresh(state.own);
  changed();
}

function paint(state, parts) {
  const photo = state.photos[state.at];
  if (!photo || !(state.own || state.settings.style)) return;
  forgive();
  parts.refine.stop();
  state.refined = null;
  if (state.own && !state.styles.anyPainting) {
    parts.painter.stop();
    parts.refine.run(); // without a net for any painting, the pixels are optimized
  } else parts.painter.paint(wantedOf(state, photo));
}

function showPhoto(state, parts, at) {
  const photo = state.photos[at];
  state.at = photo ? at : -1;
  parts.painter.stop();
  parts.mask.close();
  parts.brush.setAttribute("aria-pressed", "false");
  parts.brush.disabled = !photo;
  parts.refine.setReady(Boolean(photo));
  parts.strip.show(state.photos, at);
  parts.stage.setPhoto(photo || null);
  parts.stage.view.setAfter(null);
  parts.stage.view.setBefore(photo ? photo.url : null).catch(fail);
  state.isNew = true;
  if (photo) return paint(state, parts);
  parts.refine.stop();
  parts.stage.setWorking(false);
  parts.stage.setStatus("");
}

function remove(state, parts, at) {
  const [gone] = state.photos.splice(at, 1);
  for (const url of [gone.url, gone.small]) if (url) URL.revokeObjectURL(url);
  for (const { url } of gone.painted?.values() || []) URL.revokeObjectURL(url);
  showPhoto(state, parts, Math.min(at, state.photos.length - 1));
}

function stageHost(state, partsOf, panel) {
  const take = async (files) => {
    forgive();
    const first = state.photos.length;
    for (const file of files) {
      try {
        state.photos.push(await openPhoto(file, state.settings.style));
        if (state.photos.length === first + 1) showPhoto(state, partsOf(), first);
        else partsOf().strip.show(state.photos, state.at);
      } catch (error) {
        fail(error);
      }
    }
  };
  return {
    onFiles: take,
    onSample: async () => {
      try {
        const blob = await (await request("/sample")).blob();
        await take([new File([blob], "sample.jpg", { type: blob.type })]);
      } catch (error) {
        fail(error);
      }
    },
    onCamera: async () => {
      try {
        const file = await takePhoto();
        if (file) await take([file]);
      } catch (error) {
        fail(error);
      }
    },
    onRemove: () => {
      remove(state, partsOf(), state.at);
      panel.querySelector(".empty:not([hidden]) input, .strip-item input:checked")?.focus();
    },
    onFormat: (format) => {
      state.settings.format = format;
      saveSettings(state.settings);
    },
    onDownload: () => save(state, partsOf()),
  };
}

async function save(state, { stage }) {
  const photo = state.photos[state.at];
  if (state.refined) return download(state.refined.blob, state.refined.name);
  stage.setSaving(true);
  try {
    const painted = await full(wantedOf(state, photo));
    download(painted.blob, painted.name);
    say(`${painted.name} is downloaded.`);
  } catch (error) {
    fail(error);
  }
  stage.setSaving(false);
}

function painterHost(state, { stage }) {
  const show = async ({ photo }, { url }, isKept) => {
    if (state.photos[state.at] !== photo) return;
    await stage.view.setAfter(url);
    stage.setTile(url);
    replaceUrl(state, isKept ? null : url);
    if (state.isNew) stage.view.reveal();
    state.isNew = false;
  };
  return {
    onPreview: (wanted, painted) => show(wanted, painted, false).catch(fail),
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
  };
}

/* What is shown for a while only gives its memory back. */
function replaceUrl(state, url) {
  if (state.passing) URL.revokeObjectURL(state.passing);
  state.passing = url;
}

function refineHost(state, { painter, stage }) {
  return {
    begin: () => {
      const photo = state.photos[state.at];
      if (!photo) return null;
      painter.stop();
      const kind = state.own && !state.styles.anyPainting ? "optimize" : "refine";
      return { kind, photo: photo.file, ...wantedOf(state, photo).fields };
    },
    onPicture: async (blob, isLast) => {
      const photo = state.photos[state.at];
      if (!photo) return;
      const url = URL.createObjectURL(blob);
      await stage.view.setAfter(url);
      replaceUrl(state, url);
      stage.setWorking(!isLast);
      if (!isLast) return;
      const style = state.own ? "painting" : state.settings.style;
      state.refined = { blob, name: `${photo.stem}-${style}-refined.${blob.type.split("/")[1] || "png"}` };
      stage.setStatus("Refined. Download gives this picture.");
    },
  };
}
