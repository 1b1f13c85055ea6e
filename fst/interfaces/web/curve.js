/* The curve of a job: its objective by step, drawn as SVG, told as text. */

import { element } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * A curve that grows. Its numbers stand below it as text, so that nobody needs to see the line.
 * @param {string} title what falls, "Objective".
 * @param {{noisy?: boolean}} [options] noisy: every step saw other photos, so a running mean is told,
 *     and the steps are drawn faintly.
 * @returns {{element: HTMLElement, clear: function(): void,
 *            show: function([number, number][], number, ?number): void}} `show` takes the points,
 *     how many steps there will be, and the level of a pass to compare with, or null.
 */
export function makeCurve(title, { noisy = false } = {}) {
  const line = shape("polyline", { class: "curve-line" });
  const steps = shape("polyline", { class: "curve-steps" });
  const level = shape("line", { class: "curve-level", x1: 0, x2: 100, y1: 0, y2: 0 });
  // the drawing is stretched to its box; the lines' width is not (vector-effect in the style sheet)
  const drawing = shape("svg", { class: "curve-drawing", viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" });
  drawing.append(level, steps, line);
  const [high, low, last, levelName] = ["high", "low", "last", "level-name"].map((name) =>
    element("span", { class: `curve-label curve-${name}`, "aria-hidden": "true" }));
  const plot = element("div", { class: "curve-plot", role: "img" }, drawing, high, low, last, levelName);
  const caption = element("figcaption", { class: "small soft numbers" });
  const made = element("figure", { class: "curve" }, plot, caption);

  const tell = (sentence) => {
    caption.textContent = sentence;
    plot.setAttribute("aria-label", sentence);
  };
  const clear = () => {
    for (const drawn of [line, steps]) drawn.removeAttribute("points");
    level.classList.add("is-absent");
    for (const text of [high, low, last, levelName]) text.textContent = "";
    tell(`${title}: no figures yet`);
  };
  const show = (points, of, pass = null) => {
    const known = points.filter(([, value]) => Number.isFinite(value));
    if (!known.length) return clear();
    const scale = heights(known.map(([, value]) => value).concat(pass ?? []));
    const told = noisy ? runningMean(known) : known;
    const [step, value] = told.at(-1);
    const end = Math.max(of, step, 1);
    line.setAttribute("points", placed(told, end, scale));
    if (noisy) steps.setAttribute("points", placed(known, end, scale));
    high.textContent = figure(scale.high);
    low.textContent = figure(scale.low);
    last.textContent = `${end} steps`;
    level.classList.toggle("is-absent", pass === null);
    levelName.textContent = pass === null ? "" : "one pass";
    if (pass !== null) {
      const height = scale.at(pass);
      level.setAttribute("y1", height);
      level.setAttribute("y2", height);
      levelName.style.top = `${height}%`;
      levelName.classList.toggle("is-below", height < 25);
    }
    const beside = pass === null ? "" : `, one pass ${figure(pass)}`;
    tell(`${title}: ${noisy ? "about " : ""}${figure(value)} at step ${step} of ${end}${beside}`);
  };

  clear();
  return { element: made, show, clear };
}

/**
 * A number with three digits that count.
 * @param {number} value
 * @returns {string}
 */
export function figure(value) {
  const size = Math.abs(value);
  return size >= 1e5 || (size < 1e-3 && size > 0) ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

/* The points as SVG has them. */
function placed(points, end, scale) {
  const places = points.map(([at, height]) => [(100 * at) / end, scale.at(height)]);
  if (places.length === 1) places.push([places[0][0] + 1, places[0][1]]); // one alone is no line
  return places.map((place) => place.map((x) => x.toFixed(2)).join(",")).join(" ");
}

/**
 * Every value with those before it, the farther back the less.
 * @param {[number, number][]} points
 * @param {number} [share] of a new value, once there are many.
 * @returns {[number, number][]}
 */
export function runningMean(points, share = 0.1) {
  let mean = 0;
  return points.map(([at, value], index) => {
    mean += Math.max(share, 1 / (index + 1)) * (value - mean); // the plain mean at first
    return [at, mean];
  });
}

/* Where values lie in the box, from its top, 0, to 100: by ratios where all are above zero. */
function heights(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const ratios = least > 0;
  const low = ratios ? rounded(least, Math.floor) : least;
  const high = ratios ? rounded(most, Math.ceil) : most;
  const place = ratios ? Math.log : (value) => value;
  const span = place(high) - place(low) || 1;
  return { low, high, at: (value) => 4 + 92 * (1 - (place(value) - place(low)) / span) };
}

/* The next number of two digits, so that the ends of the axis seldom move. */
function rounded(value, toward) {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  const units = value / unit;
  const near = Math.round(units); // 2.3 / 0.1 is a little less than 23
  return (Math.abs(units - near) < 1e-9 ? near : toward(units)) * unit;
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}
