/* When is what painted: a small picture at once, the full one after a pause; one change ends both. */

import { pause, stylize } from "./api.js";
import { COPY } from "./picture.js";
import { pixelsTaken } from "./toolarge.js";

const QUIET = 70; // milliseconds: a slider that moves asks for no more than it needs to
const SETTLED = 600;
const SOON = 150; // where only the full picture shows the strokes

/**
 * @typedef {{blob: Blob, url: string, seconds: number, name: string, format: string}} Painted
 * @typedef {{key: string, opacity: number, luminosity: boolean}} Mix
 *     what the painting of `key` looks like, if it is laid over the photo so.
 * @typedef {{photo: import("./picture.js").Photo, key: string, fields: Object<string, *>,
 *            format: string, isFine: boolean, mix: ?Mix}} Wanted
 *     `isFine`: a preview has larger strokes than the full picture.
 */

/**
 * @param {{onPreview: function(Wanted, Painted): void, onFull: function(Wanted, Painted): void,
 *          onMix: function(Wanted, Painted, Mix): void,
 *          onState: function(string): void, onError: function(unknown): void,
 *          onTooLarge: function(Wanted): void}} listeners
 *     `onState` is told "waiting", "preview", "full", "done" or "failed"; `onTooLarge`, that it ends
 *     with the preview, as the photo has too many pixels.
 * @returns {{paint: function(Wanted): void, stop: function(): void,
 *            full: function(Wanted, AbortSignal=): Promise<Painted>}}
 */
export function makePainter({ onPreview, onFull, onMix, onState, onError, onTooLarge }) {
  let running = new AbortController();

  const stop = () => running.abort();

  async function steps(wanted, signal) {
    const kept = wanted.photo.painted?.get(wanted.key);
    if (kept) {
      onFull(wanted, kept);
      return onState("done");
    }
    const whole = wanted.mix && wanted.photo.painted?.get(wanted.mix.key);
    if (whole) {
      keep(wanted.photo.painted, wanted.mix.key, whole); // it may be mixed again
      onMix(wanted, whole, wanted.mix);
      await pause(SETTLED, signal);
    } else {
      await pause(QUIET, signal);
      await preview(wanted, signal);
    }
    if (wanted.photo.most) return onTooLarge(wanted);
    onState("full");
    onFull(wanted, await full(wanted, signal));
    onState("done");
  }

  async function preview(wanted, signal) {
    const { photo, fields } = wanted;
    if (Math.max(photo.width, photo.height) <= COPY) return;
    onState("preview");
    const small = await stylize({ photo: photo.copy, ...fields, format: "jpeg", quality: 90 }, signal);
    onPreview(wanted, { ...small, url: URL.createObjectURL(small.blob), format: "jpeg" });
    await pause(wanted.isFine ? SOON : SETTLED, signal);
  }

  async function paint(wanted) {
    stop();
    running = new AbortController();
    const { signal } = running;
    onState("waiting");
    try {
      await steps(wanted, signal);
    } catch (error) {
      if (signal.aborted) return; // another change came: that one tells how it goes
      onState("failed");
      wanted.photo.most = pixelsTaken(error);
      if (wanted.photo.most) onTooLarge(wanted);
      onError(error);
    }
  }
  return { paint, stop, full };
}

/**
 * The picture of a photo's full size; what was painted, or is being painted, is not painted again.
 * @param {Wanted} wanted
 * @param {AbortSignal} [signal]
 * @returns {Promise<Painted>}
 */
export async function full(wanted, signal) {
  const { photo, key, format } = wanted;
  photo.painted ??= new Map();
  photo.inWork ??= new Map();
  const kept = photo.painted.get(key);
  if (kept?.format === format) return kept;
  const name = `${format} ${key}`;
  const running = photo.inWork.get(name);
  if (running) {
    try {
      return await running;
    } catch {
      signal?.throwIfAborted(); // whoever asked first gave it up, or it failed: ask ourselves
    }
  }
  const work = fetched(wanted, signal);
  photo.inWork.set(name, work);
  try {
    return await work;
  } finally {
    photo.inWork.delete(name);
  }
}

async function fetched({ photo, key, fields, format }, signal) {
  const quality = format === "jpeg" ? 95 : null;
  const got = await stylize({ photo: photo.file, ...fields, format, quality }, signal);
  const painted = { ...got, url: URL.createObjectURL(got.blob), format };
  keep(photo.painted, key, painted);
  return painted;
}

/* The last few are kept, so that one can go back and forth; the rest gives its memory back. */
function keep(painted, key, value) {
  painted.delete(key);
  painted.set(key, value);
  for (const [old, { url }] of painted) {
    if (painted.size <= 6) break;
    URL.revokeObjectURL(url);
    painted.delete(old);
  }
}
