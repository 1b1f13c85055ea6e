/* The camera, or a sentence that says why there is none. */

import { element } from "./dom.js";

/**
 * @param {"user"|"environment"} facing which camera of a phone.
 * @param {number} [width] in pixels, that is hoped for.
 * @returns {Promise<MediaStream>}
 * @throws {Error} whose message is a sentence.
 */
export async function openCamera(facing, width = 1280) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("This browser gives no camera to this page. It needs https, or the address localhost.");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing, width: { ideal: width } }, audio: false });
  } catch (error) {
    throw new Error(reason(error.name));
  }
}

function reason(name) {
  if (name === "NotAllowedError") return "The camera is not allowed. Allow it for this page in the browser's settings, then try again.";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "There is no camera. Connect one, or choose a photo in the tab Paint.";
  if (name === "NotReadableError") return "The camera is in use by another program. Close that one, then try again.";
  return "The camera could not be opened. Try again, or choose a photo in the tab Paint.";
}

/**
 * @param {?MediaStream} stream whose camera is switched off.
 */
export function closeCamera(stream) {
  for (const track of stream?.getTracks() || []) track.stop();
}

/**
 * Takes one photo in a dialog.
 * @returns {Promise<?File>} null where the user changed their mind.
 * @throws {Error} there is no camera; the message is a sentence.
 */
export async function takePhoto() {
  const stream = await openCamera("environment", 1920);
  const video = element("video", { autoplay: true, playsinline: true, "aria-label": "What the camera sees" });
  video.muted = true; // else a browser may not let it play by itself
  video.srcObject = stream;
  video.addEventListener("loadedmetadata", () => {
    video.style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
  });
  const dialog = element("dialog", { class: "camera", "aria-label": "Take a photo" }, video,
    element("div", { class: "row" },
      element("button", { type: "button", class: "primary", text: "Take the photo", onclick: () => dialog.close("take") }),
      element("button", { type: "button", text: "Cancel", onclick: () => dialog.close("") })));
  document.body.append(dialog);
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  const isTaken = dialog.returnValue === "take" && video.videoWidth > 0;
  const blob = isTaken ? await frameOf(video) : null;
  closeCamera(stream);
  dialog.remove();
  return blob && new File([blob], "camera.jpg", { type: "image/jpeg" });
}

function frameOf(video) {
  const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
}
