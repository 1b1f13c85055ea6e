/* The styles to choose from: a radio group of thumbnails, with a search, and a painting of one's own. */

import { local } from "./api.js";
import { element, say } from "./dom.js";
import { takeDrops } from "./picture.js";

/** What the radio button of a painting of one's own is called; no style can have this name. */
export const OWN = " own";

/**
 * @param {ReturnType<typeof import("./styles.js").makeStyles>} styles
 * @param {{onStyle: function(string): void, onPainting: function(File): void}} listeners
 * @returns {{element: HTMLElement, mark: function(string): void, setPainting: function(File): void}}
 *     `mark(name)` shows which style is chosen.
 */
export function makeGallery(styles, { onStyle, onPainting }) {
  const search = element("input", { type: "search", placeholder: "Find a style or a painter", "aria-label": "Find a style or a painter", autocomplete: "off" });
  const file = element("input", { type: "file", accept: "image/*,.heic,.heif,.tif,.tiff", "aria-label": "Use a painting of your own as the style" });
  const own = element("label", { class: "button file-button own-painting" }, "Use your own painting", file);
  const tiles = element("div", { class: "tiles-list", role: "radiogroup", "aria-label": "Style" });
  const none = element("p", { class: "soft small", hidden: true });
  const root = element("section", { class: "gallery", "aria-labelledby": "gallery-title" },
    element("div", { class: "gallery-head" }, element("h2", { id: "gallery-title", text: "Style" }), search, none, own), tiles);
  const made = new Map();
  let chosen = "";
  let painting = null;

  const mark = (name) => {
    chosen = name;
    for (const field of tiles.querySelectorAll("input")) field.checked = field.value === name;
    reveal(tiles, tiles.querySelector("input:checked")?.parentElement);
  };
  const filter = () => {
    const found = showFound(tiles, search.value);
    none.hidden = found > 0 || !styles.loaded;
    none.textContent = tiles.children.length ? "No style is called that. Try another word." : "There are no styles here yet. Train one, or use your own painting.";
    return found;
  };
  const draw = () => {
    tiles.replaceChildren(...tilesOf(styles, painting, made));
    filter();
    mark(chosen);
  };
  const setPainting = (given) => {
    if (painting) URL.revokeObjectURL(painting.url);
    painting = { url: URL.createObjectURL(given), title: given.name };
    search.value = "";
    draw();
    mark(OWN);
  };
  const take = (files) => files[0] && onPainting(files[0]);

  search.addEventListener("input", () => {
    const found = filter();
    say(`${found} ${found === 1 ? "style" : "styles"}`);
  });
  file.addEventListener("change", () => {
    take([...file.files]);
    file.value = "";
  });
  tiles.addEventListener("change", (event) => {
    chosen = event.target.value;
    reveal(tiles, event.target.parentElement);
    onStyle(chosen);
  });
  takeDrops(root, take);
  styles.onChange(draw);
  return { element: root, mark, setPainting };
}

/* `made`: what was there before stays, so that its pictures don't come anew. */
function tilesOf(styles, painting, made) {
  const list = styles.all.map((style) => {
    const key = JSON.stringify(style);
    if (!made.has(key)) made.set(key, tile(style, local(style.thumbnail)));
    return made.get(key);
  });
  if (painting) list.unshift(tile({ name: OWN, title: "Your painting", painter: painting.title }, painting.url));
  loadInTurn(list);
  return list;
}

function showFound(tiles, text) {
  const words = plain(text).split(/\s+/);
  let found = 0;
  for (const label of tiles.children) {
    label.hidden = !words.every((word) => label.dataset.words.includes(word));
    found += label.hidden ? 0 : 1;
  }
  return found;
}

function tile(style, address) {
  const year = style.year && String(style.year).replace(/ /g, "\u00a0"); // "c. 1904" stays in one line
  const about = [style.painter, year].filter(Boolean).join(", ");
  const made = element("label", { class: "tile" },
    element("input", { type: "radio", name: "style", value: style.name }),
    element("img", { "data-src": address, alt: "", width: 256, height: 192, decoding: "async", fetchpriority: "low" }),
    element("span", { class: "tile-title", text: style.title }),
    about ? element("span", { class: "tile-about", text: about }) : null);
  made.title = [style.title, about].filter(Boolean).join(", ");
  made.dataset.words = plain(`${style.title} ${style.painter} ${style.name}`);
  return made;
}

/* A new service paints its thumbnails when they are asked for. Two at a time, from the top: a browser
   has six connections to a host, and a photo must not wait behind the gallery. */
function loadInTurn(tiles) {
  const waiting = tiles.map((made) => made.querySelector("img[data-src]")).filter(Boolean);
  const next = () => {
    const image = waiting.shift();
    if (!image) return;
    for (const name of ["load", "error"]) image.addEventListener(name, next, { once: true });
    image.src = image.dataset.src;
    delete image.dataset.src;
  };
  next();
  next();
}

/* "Cézanne" is found by "cezanne". */
function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();
}

/* Scrolls the list alone: scrollIntoView would move the page, too. */
function reveal(list, chosen) {
  if (!chosen) return;
  const [box, inner] = [list.getBoundingClientRect(), chosen.getBoundingClientRect()];
  if (inner.top < box.top || inner.bottom > box.bottom) list.scrollTop += inner.top - box.top - 12;
  if (inner.left < box.left || inner.right > box.right) list.scrollLeft += inner.left - box.left - 12;
}
