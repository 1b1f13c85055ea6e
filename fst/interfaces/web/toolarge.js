/* A photo with more pixels than the service takes: how large it may be, and a copy that is. */

import { clearTypeOf, decoded, smallCopy } from "./picture.js";

const THIN = 64; // the service counts no side as shorter
const LONGEST = 16384; // of a canvas, in pixels

/**
 * @param {unknown} error that a painting ended with.
 * @returns {number} how many pixels a photo may have, where it has more; else 0.
 */
export function pixelsTaken(error) {
  if (error?.status !== 413) return 0;
  const said = /^the photo has .* ([\d.]+) million/i.exec(error.message);
  return said ? Number(said[1]) * 1e6 : 0;
}

/**
 * @param {{width: number, height: number}} photo
 * @param {number} most pixels that are taken; at least 64 x 64.
 * @returns {number} the largest long side in pixels with which the photo has no more than these.
 */
export function longestSide({ width, height }, most) {
  const long = Math.max(width, height);
  const count = (side) => [width, height].reduce((all, one) => all * Math.max(THIN, Math.round((one * side) / long)), 1);
  let side = Math.min(LONGEST, long, Math.ceil(Math.sqrt((most * long) / Math.min(width, height))));
  side = Math.min(side, Math.ceil(most / THIN));
  while (side > 1 && count(side) > most - Math.floor(most * 1e-5)) side -= 1; // what the service says is rounded
  return side;
}

/**
 * Makes a photo smaller, for good: what is painted of it from now on is painted of the copy.
 * @param {import("./picture.js").Photo} photo is changed in place; `most` is what it may have.
 */
export async function shrink(photo) {
  const bitmap = await decoded(photo.file);
  if (!bitmap) throw new Error(`${photo.file.name} can't be made smaller here. Save it smaller, then choose it again.`);
  const type = clearTypeOf(photo.file);
  const copy = await smallCopy(bitmap, longestSide(photo, photo.most), type, { quality: 0.95 });
  bitmap.close();
  const small = await decoded(copy);
  photo.file = new File([copy], `${photo.stem}.${type === "image/png" ? "png" : "jpg"}`, { type });
  [photo.width, photo.height] = [small.width, small.height];
  small.close();
  photo.most = 0;
}
