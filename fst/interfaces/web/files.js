/* Files that come and go: decoded, encoded, dropped, pasted, handed out. */

/**
 * @param {Blob} blob
 * @returns {Promise<?ImageBitmap>} upright; null where the browser can't decode it.
 */
export async function decoded(blob) {
  try {
    return await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    return null;
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {string} type
 * @param {number} [quality] from 0 to 1, for JPEG.
 * @returns {Promise<Blob>}
 */
export function asBlob(canvas, type, quality) {
  return new Promise((resolve, reject) => {
    const done = (blob) => (blob ? resolve(blob) : reject(new Error("The browser could not make a picture.")));
    canvas.toBlob(done, type, quality);
  });
}

/**
 * @param {string} name of a file.
 * @returns {string} without its suffix.
 */
export function stemOf(name) {
  return name.replace(/\.[^.]+$/, "") || "photo";
}

/**
 * Hands a picture to the user as a file.
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * Files that are dropped on a place.
 * @param {HTMLElement} place
 * @param {function(File[]): void} take
 */
export function takeDrops(place, take) {
  const isOn = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (event, on) => {
    if (!isOn(event)) return;
    event.preventDefault();
    place.classList.toggle("is-dropping", on);
  };
  place.addEventListener("dragenter", (event) => mark(event, true));
  place.addEventListener("dragover", (event) => mark(event, true));
  place.addEventListener("dragleave", (event) => {
    if (!place.contains(event.relatedTarget)) mark(event, false);
  });
  place.addEventListener("drop", (event) => {
    mark(event, false);
    if (isOn(event)) take([...event.dataTransfer.files]);
  });
}

/**
 * Photos that are pasted while a place is shown.
 * @param {HTMLElement} place
 * @param {function(File[]): void} take
 */
export function takePastes(place, take) {
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (files.length && place.offsetParent !== null) take(files);
  });
}
