/* Photos as the browser has them: opened once, upright, with a small copy for quick tries. */

import { stylize } from "./api.js";
import { asBlob, decoded, stemOf } from "./files.js";

export { asBlob, decoded, download, stemOf, takeDrops, takePastes } from "./files.js";

/** Long side in pixels of the copy that is sent with every change. */
export const COPY = 512;

const CLEAR = ["image/png", "image/webp", "image/gif", "image/avif"];

/**
 * @typedef {{file: File, stem: string, width: number, height: number, copy: Blob, url: string}} Photo
 *     `url` shows it, `copy` has at most {@link COPY} pixels. Later `revealed`: a painting of it was
 *     shown; `most`: the pixels that the service takes, where the photo has more.
 */

/**
 * Opens a photo; what the browser can't decode (HEIC, TIFF), the service does.
 * @param {File} file
 * @param {string} style of which a pass may be asked for, where the service has to decode.
 * @returns {Promise<Photo>}
 * @throws {Error} it is no picture; the message says so.
 */
export async function openPhoto(file, style) {
  if (!file.size) throw new Error(`${file.name} is empty. Choose another photo.`);
  let shown = file;
  let bitmap = await decoded(file);
  if (!bitmap) {
    // strength 0 is the photo itself, as something that a browser can show
    const options = { style, strength: 0, preview: 1600, format: "jpeg" };
    shown = (await stylize({ photo: file, ...options })).blob;
    bitmap = await decoded(shown);
  }
  const copy = await smallCopy(bitmap, COPY, clearTypeOf(file));
  const photo = { file, stem: stemOf(file.name), width: bitmap.width, height: bitmap.height };
  bitmap.close();
  return { ...photo, copy, url: URL.createObjectURL(shown) };
}

/**
 * @param {File} file
 * @returns {string} what a copy of it is saved as, so that nothing transparent gets lost.
 */
export function clearTypeOf(file) {
  return CLEAR.includes(file.type) ? "image/png" : "image/jpeg";
}

/**
 * A copy that is small enough to be sent often.
 * @param {ImageBitmap|HTMLVideoElement|HTMLCanvasElement} source
 * @param {number} side its long side at most, in pixels.
 * @param {string} type of the copy: "image/jpeg" or "image/png".
 * @param {{mirror?: boolean, canvas?: HTMLCanvasElement, quality?: number}} [options] `canvas` is
 *     used again; `quality` of a JPEG, from 0 to 1.
 * @returns {Promise<Blob>}
 */
export function smallCopy(source, side, type, { mirror = false, canvas = document.createElement("canvas"), quality = 0.92 } = {}) {
  const width = source.videoWidth || source.width;
  const height = source.videoHeight || source.height;
  const scale = Math.min(1, side / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  if (mirror) {
    context.translate(canvas.width, 0);
    context.scale(-1, 1);
  }
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return asBlob(canvas, type, quality);
}
