// The curve of a job: its objective by step, drawn as SVG, told as text.

const SVG = "http://www.w3.org/2000/svg";

/**
 * A curve that grows. Its numbers stand beside it as text, so nobody needs to see the line.
 * @param {string} title what falls, e.g. "Objective"
 * @returns {{element: HTMLElement, show: (points: [number, number][], steps: number,
 *   pass?: number | null) => void, clear: () => void}} `pass` is a level to compare with
 */
export function makeCurve(title) {
  const line = shape("polyline", "curve-line");
  const level = shape("line", "curve-level");
  const drawing = shape("svg", "curve-drawing");
  drawing.setAttribute("viewBox", "0 0 100 100");
  // the line is stretched to the box; its width is not (vector-effect in the style sheet)
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("aria-hidden", "true");
  drawing.append(level, line);
  const [high, low, first, last, levelName] = ["high", "low", "first", "last", "level"].map(label);
  const plot = box("div", "curve-plot", drawing, high, low, first, last, levelName);
  plot.setAttribute("role", "img");
  const caption = box("figcaption", "curve-caption");
  const element = box("figure", "curve", plot, caption);

  function clear() {
    line.removeAttribute("points");
    level.classList.add("absent");
    for (const text of [high, low, first, last, levelName]) text.textContent = "";
    tell(`${title}: no figures yet`);
  }

  function tell(sentence) {
    caption.textContent = sentence;
    plot.setAttribute("aria-label", sentence);
  }

  function show(points, steps, pass = null) {
    const known = points.filter(([, value]) => Number.isFinite(value));
    if (!known.length) return clear();
    const scale = heights([...known.map(([, value]) => value), ...(pass === null ? [] : [pass])]);
    const end = Math.max(steps, known.at(-1)[0], 1);
    const places = known.map(([step, value]) => [(100 * step) / end, scale.at(value)]);
    // one point alone would be no line
    if (places.length === 1) places.push([places[0][0] + 1, places[0][1]]);
    line.setAttribute("points", places.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" "));
    high.textContent = figure(scale.high);
    low.textContent = figure(scale.low);
    first.textContent = "0";
    last.textContent = `${end} steps`;
    level.classList.toggle("absent", pass === null);
    levelName.textContent = pass === null ? "" : `one pass ${figure(pass)}`;
    if (pass !== null) {
      const y = scale.at(pass);
      for (const [name, value] of Object.entries({ x1: 0, x2: 100, y1: y, y2: y })) {
        level.setAttribute(name, String(value));
      }
      levelName.style.top = `${y}%`;
      levelName.classList.toggle("below", y < 20);
    }
    const [step, value] = known.at(-1);
    const beside = pass === null ? "" : `; one pass: ${figure(pass)}`;
    tell(`${title}: ${figure(value)} at step ${step} of ${end}${beside}`);
  }

  clear();
  return { element, show, clear };
}

/**
 * A number with three digits that count.
 * @param {number} value
 * @returns {string}
 */
export function figure(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1000 || size < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

/** Where values lie in the box, top 0 to bottom 100: by ratios where all are above zero. */
function heights(values) {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const ratios = least > 0;
  const low = ratios ? rounded(least, Math.floor) : least;
  const high = ratios ? rounded(most, Math.ceil) : most;
  const place = ratios ? Math.log : (value) => value;
  const span = place(high) - place(low) || 1;
  return { low, high, at: (value) => 4 + 92 * (1 - (place(value) - place(low)) / span) };
}

/** The next number of two digits, so that the ends of the axis seldom move. */
function rounded(value, toward) {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  const units = value / unit;
  // 2.3 / 0.1 is a little less than 23
  const near = Math.round(units);
  return (Math.abs(units - near) < 1e-9 ? near : toward(units)) * unit;
}

function shape(tag, name) {
  const made = document.createElementNS(SVG, tag);
  made.setAttribute("class", name);
  return made;
}

function box(tag, name, ...children) {
  const made = document.createElement(tag);
  made.className = name;
  made.append(...children);
  return made;
}

function label(name) {
  const made = box("span", `curve-label curve-${name}`);
  made.setAttribute("aria-hidden", "true");
  return made;
}
