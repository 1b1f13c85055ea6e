/* A picture that is replaced while it grows, in a box that keeps its size. */

import { local } from "./api.js";
import { element } from "./dom.js";

/**
 * @param {string} empty what the box says before there is a picture.
 * @returns {{element: HTMLElement, setRatio: function(number, number): void,
 *            show: function(?string, string): Promise<void>}} `show` takes an address, of the service
 *     or of a blob, and what the picture is, for those who don't see it.
 */
export function makePictureBox(empty) {
  const image = element("img", { alt: "", hidden: true });
  const words = element("p", { class: "soft small", text: empty });
  const box = element("div", { class: "picture-box" }, words, image);
  let wanted = "";

  const show = async (address, description = "") => {
    if (address === wanted && address) {
      image.alt = description;
      return;
    }
    wanted = address || "";
    if (!address) {
      image.hidden = true;
      image.removeAttribute("src");
      words.hidden = false;
      return;
    }
    const decoded = new Image();
    decoded.src = address.startsWith("blob:") ? address : local(address);
    try {
      await decoded.decode();
    } catch {
      return; // a newer one has taken its place, or it is of a kind that browsers can't show
    }
    if (wanted !== address) return;
    image.src = decoded.src;
    image.alt = description;
    image.hidden = false;
    words.hidden = true;
  };
  const setRatio = (width, height) => box.style.setProperty("--ratio", String(width / height));
  return { element: box, show, setRatio };
}
