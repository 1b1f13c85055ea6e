/* What is set, kept over a reload and carried by a link. Pictures never are. */

const KEY = "fst.settings";
const OWN_ENTRY = { isOwn: true };

/** Names of the settings of the Paint tab -> what they are before anybody chose. */
export const DEFAULTS = Object.freeze({
  style: "",
  strength: 1,
  colors: "",
  stroke: "large",
  blend: "",
  share: 0.5,
  seamless: false,
  format: "jpeg",
});

const ALLOWED = {
  colors: ["", "luma", "lab", "histogram"],
  stroke: ["small", "medium", "large"],
  format: ["jpeg", "png"],
};

/**
 * @param {Object<string, *>} given from a link or the storage: anything may be in it.
 * @returns {typeof DEFAULTS} only what can be.
 */
export function checked(given) {
  const result = { ...DEFAULTS };
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const value = given?.[name];
    if (value === undefined || value === null) continue;
    if (typeof usual === "number") {
      const number = Number(value);
      if (value !== "" && number >= 0 && number <= 1) result[name] = number;
    } else if (typeof usual === "boolean") result[name] = value === true || value === "true" || value === "1";
    else if (!ALLOWED[name] || ALLOWED[name].includes(value)) result[name] = String(value).slice(0, 200);
  }
  return result;
}

/** @returns {typeof DEFAULTS} a link's settings, else those of the last visit, else the usual ones. */
export function loadSettings() {
  const linked = readHash();
  return checked(Object.keys(linked).some((name) => name in DEFAULTS) ? linked : read(KEY));
}

/** @returns {string} what a link asks for that can't be, as a sentence; empty where all can. */
export function linkTrouble() {
  const linked = readHash();
  const kept = checked(linked);
  const isKept = (name) => (typeof DEFAULTS[name] === "number" ? linked[name] && Number(linked[name]) === kept[name] : String(kept[name]) === linked[name]);
  const wrong = Object.keys(DEFAULTS).filter((name) => name in linked && typeof DEFAULTS[name] !== "boolean" && !isKept(name));
  if (!wrong.length) return "";
  const said = wrong.map((name) => `${name} can't be “${linked[name].slice(0, 40)}”`);
  return `In this link, ${said.join(", and ")}. The usual is taken instead.`;
}

/**
 * Keeps the settings, in the storage and in the address.
 * @param {typeof DEFAULTS} settings
 */
export function saveSettings(settings) {
  write(KEY, settings);
  const differing = Object.entries(DEFAULTS).map(([name, usual]) => {
    const value = settings[name];
    return [name, value === usual ? null : value];
  });
  writeHash(Object.fromEntries(differing), { state: OWN_ENTRY });
}

/** @returns {Object<string, string>} what the address says behind its #. */
export function readHash() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

/** @returns {string} the address to give away: without a query, in which a token may stand. */
export function linkHere() {
  return location.origin + location.pathname + location.hash;
}

/** @returns {boolean} the address was written by the page, not by a link or by hand. */
export function isOwnEntry() {
  return history.state?.isOwn === true;
}

/**
 * Changes some of what the address says.
 * @param {Object<string, *>} changes null takes a name away.
 * @param {{isStep?: boolean, state?: *}} [options] `isStep`: one that Back takes back; `state` marks
 *     the entry of the history.
 */
export function writeHash(changes, { isStep = false, state = history.state } = {}) {
  const values = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) values.delete(name);
    else values.set(name, String(value));
  }
  const hash = values.toString();
  const address = location.pathname + (hash ? `#${hash}` : "");
  if (isStep) {
    history.replaceState(OWN_ENTRY, "");
    history.pushState(OWN_ENTRY, "", address);
  } else history.replaceState(state, "", address);
}

/**
 * @param {string} key
 * @returns {*} what was kept; null where there is nothing, or no storage (a private window).
 */
export function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {*} value null forgets it.
 */
export function write(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // no storage: all works, but is not kept
  }
}
