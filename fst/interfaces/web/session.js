/* What the Paint tab holds, and what happens to it: photos, the style, the settings. */

import { fail, forgive, say } from "./dom.js";
import { OWN } from "./gallery.js";
import { full } from "./painter.js";
import { download, openPhoto } from "./picture.js";
import { linkTrouble, loadSettings, readHash, saveSettings } from "./settings.js";
import { longestSide, shrink } from "./toolarge.js";
import { wantedOf } from "./wanted.js";

/**
 * @typedef {{styles: ReturnType<typeof import("./styles.js").makeStyles>,
 *            settings: typeof import("./settings.js").DEFAULTS,
 *            photos: import("./picture.js").Photo[], at: number, painting: ?File, own: boolean,
 *            refined: ?{blob: Blob, name: string}, passing: ?string, taken: string,
 *            linkTrouble: string}} Session
 *     `at`: which photo is shown, or -1; `painting`: the user's own, which is the style if `own`;
 *     `passing`: the address of a picture that is shown for a while only; `taken`: the settings that
 *     were painted last; `linkTrouble`: what is still to be said about the link.
 * @param {ReturnType<typeof import("./styles.js").makeStyles>} styles
 * @returns {Session}
 */
export function makeSession(styles) {
  const nothing = { photos: [], at: -1, painting: null, own: false, refined: null, passing: null, taken: "" };
  return { styles, settings: loadSettings(), linkTrouble: linkTrouble(), ...nothing };
}

/**
 * Shows the settings; a style that is not there becomes the first one.
 * @param {Session} session
 * @param {Object<string, *>} parts of the tab.
 */
export function takeSettings(session, parts) {
  const { settings, styles } = session;
  const missing = missingIn(readHash(), styles);
  if (!styles.all.some((style) => style.name === settings.style)) {
    const whole = styles.all.find((style) => style.small && style.small === settings.style);
    settings.style = (whole || styles.all[0])?.name || "";
  }
  if (missing.includes(settings.blend)) settings.blend = "";
  saveSettings(settings);
  parts.adjust.refresh(session.own);
  parts.stage.setFormat(settings.format);
  parts.stage.setTiled(settings.seamless);
  parts.gallery.mark(session.own ? OWN : settings.style);
  // a style that came elsewhere does not end what goes on here
  if (session.taken !== JSON.stringify(settings)) paint(session, parts);
  if (missing.length || session.linkTrouble) fail([...missing.map((name) => `This service has no style “${name}”.`), session.linkTrouble].join(" ").trim());
  session.linkTrouble = "";
}

/* Styles that a link asks for, and that are not here; the list has to be. */
function missingIn({ style, blend }, { all, loaded }) {
  const isHere = (name) => all.some((one) => name === one.name || name === one.small);
  return loaded ? [style, blend].filter((name) => name && !isHere(name)) : [];
}

/**
 * @param {Session} session
 * @param {Object<string, *>} parts
 * @param {string} name of a style, or OWN.
 */
export function choose(session, parts, name) {
  session.own = name === OWN;
  if (!session.own) session.settings.style = name;
  parts.adjust.refresh(session.own);
  change(session, parts);
}

/**
 * Something was set: it is kept, and painted.
 * @param {Session} session
 * @param {Object<string, *>} parts
 */
export function change(session, parts) {
  saveSettings(session.settings);
  parts.stage.setTiled(session.settings.seamless);
  paint(session, parts);
}

/**
 * Paints what is shown anew; a refining that goes on is given up.
 * @param {Session} session
 * @param {Object<string, *>} parts
 */
export function paint(session, parts) {
  const photo = session.photos[session.at];
  if (!photo || !(session.own || session.settings.style)) return;
  forgive();
  session.taken = JSON.stringify(session.settings);
  parts.refine.stop();
  session.refined = null;
  if (isOptimized(session)) {
    parts.painter.stop();
    parts.refine.run();
  } else parts.painter.paint(wantedOf(session, photo));
}

/**
 * @param {Session} session
 * @returns {boolean} there is no net for the style, so the pixels are optimized.
 */
export function isOptimized({ own, styles }) {
  return own && !styles.anyPainting;
}

/**
 * @param {Session} session
 * @param {Object<string, *>} parts
 * @param {number} at which photo; -1 is none.
 */
export function showPhoto(session, parts, at) {
  const photo = session.photos[at];
  session.at = photo ? at : -1;
  parts.painter.stop();
  parts.refine.stop();
  parts.mask.close();
  parts.brush.setAttribute("aria-pressed", "false");
  parts.brush.disabled = !photo;
  parts.refine.setReady(Boolean(photo));
  parts.strip.show(session.photos, session.at);
  parts.stage.setPhoto(photo || null);
  parts.stage.setWorking(false);
  parts.stage.setStatus("");
  parts.stage.setSmaller(photo?.most ? longestSide(photo, photo.most) : 0);
  parts.stage.view.setAfter(null);
  parts.stage.view.setBefore(photo ? photo.url : null).catch(fail);
  paint(session, parts);
}

/**
 * Opens photos and shows the first of them.
 * @param {Session} session
 * @param {Object<string, *>} parts
 * @param {File[]} files
 */
export async function takeFiles(session, parts, files) {
  forgive();
  let isFirst = true;
  for (const file of files) {
    const done = parts.stage.tellOpening(file.name);
    try {
      const photo = await openPhoto(file, session.settings.style).finally(done);
      session.photos.push(photo);
      if (isFirst) showPhoto(session, parts, session.photos.length - 1);
      else parts.strip.show(session.photos, session.at);
      isFirst = false;
    } catch (error) {
      const { message } = error;
      fail(new Error(message.includes(file.name) ? message : `${file.name}: ${message}`));
    }
  }
}

/**
 * Forgets a photo and what was painted of it.
 * @param {Session} session
 * @param {Object<string, *>} parts
 * @param {number} at
 */
export function remove(session, parts, at) {
  const [gone] = session.photos.splice(at, 1);
  for (const url of [gone.url, gone.small]) if (url) URL.revokeObjectURL(url);
  for (const { url } of gone.painted?.values() || []) URL.revokeObjectURL(url);
  const next = at < session.at ? session.at - 1 : session.at;
  showPhoto(session, parts, Math.min(next, session.photos.length - 1));
}

/**
 * Hands out the picture of full size; what is not painted yet is painted first. A photo that is too
 * large becomes smaller.
 * @param {Session} session
 * @param {Object<string, *>} parts
 */
export async function save(session, parts) {
  const { stage } = parts;
  const photo = session.photos[session.at];
  if (session.refined) return download(session.refined.blob, session.refined.name);
  stage.setSaving(true);
  try {
    const wanted = wantedOf(session, photo); // before anything is waited for
    if (photo.most) {
      await shrink(photo);
      if (photo === session.photos[session.at]) {
        stage.setSmaller(0);
        paint(session, parts);
      }
    }
    const painted = await full(wanted);
    download(painted.blob, painted.name);
    say(`${painted.name} is downloaded.`);
  } catch (error) {
    fail(error);
  }
  stage.setSaving(false);
}

/**
 * What is shown for a while only gives its memory back when the next picture is there.
 * @param {Session} session
 * @param {?string} url of the next one, null where it is kept.
 */
export function replacePassing(session, url) {
  if (session.passing) URL.revokeObjectURL(session.passing);
  session.passing = url;
}
