/* The controls beside the picture; what they say is the settings, nothing else. */

import { element } from "./dom.js";

/* What a small preview shows of them: a net paints strokes of so many pixels, and only the large ones
   stand to the photo as they stand to the painting, whatever its size. */
const STROKES = [["small", "Fine"], ["medium", "Medium"], ["large", "Bold"]];
const ONLY_FULL = "They show in the full picture only.";
const STROKE_NOTES = { small: ONLY_FULL, medium: ONLY_FULL, large: "As bold as in the painting itself." };

/**
 * @param {ReturnType<typeof import("./styles.js").makeStyles>} styles
 * @param {typeof import("./settings.js").DEFAULTS} settings is changed in place.
 * @param {function(): void} onChange
 * @returns {{element: HTMLElement, refresh: function(boolean): void}} `refresh(own)` shows the
 *     settings; `own`: the style is a painting of the user's, which can't be blended.
 */
export function makeAdjust(styles, settings, onChange) {
  const set = (name, value) => {
    settings[name] = value;
    refresh(own);
    onChange();
  };
  const strength = slider("Strength", (value) => set("strength", value));
  const colors = choice("Colors", [
    ["", "The painting's"],
    ["luma", "The photo's (luma)"],
    ["lab", "The photo's (Lab)"],
    ["histogram", "As many as the photo's (histogram)"],
  ], (value) => set("colors", value));
  const stroke = segments("Brush strokes", "stroke", STROKES, (value) => set("stroke", value));
  const strokeNote = element("p", { class: "small soft", id: "stroke-note" });
  stroke.element.append(strokeNote);
  stroke.element.setAttribute("aria-describedby", strokeNote.id);
  const blend = choice("Blend with", [["", "No other style"]], (value) => set("blend", value));
  const share = slider("Share of the other style", (value) => set("share", value), { min: 0.05, max: 0.95 });
  const seamless = element("input", { type: "checkbox", onchange: () => set("seamless", seamless.checked) });
  const root = element("div", { class: "adjust-fields" }, strength.element, colors.element, stroke.element, blend.element, share.element,
    element("label", { class: "check" }, seamless, "Make a tile without seams"));
  let own = false;

  function refresh(isOwn) {
    own = isOwn;
    strength.show(settings.strength);
    colors.show(settings.colors);
    stroke.show(settings.stroke);
    strokeNote.textContent = STROKE_NOTES[settings.stroke];
    share.show(settings.share);
    seamless.checked = settings.seamless;
    const others = own ? [] : blendable(styles.all, settings.style);
    const isKnown = others.some((style) => style.name === settings.blend);
    blend.fill([["", own ? "Not with your own painting" : "No other style"], ...others.map(({ name, label }) => [name, label])]);
    blend.show(isKnown ? settings.blend : "");
    blend.disable(!others.length);
    share.element.hidden = !isKnown;
  }
  styles.onChange(() => refresh(own));
  refresh(false);
  return { element: root, refresh };
}

/**
 * Styles whose nets can be mixed with that of another: those of its kind.
 * @param {import("./api.js").Style[]} all
 * @param {string} name of the style.
 * @returns {import("./api.js").Style[]}
 */
export function blendable(all, name) {
  const kind = all.find((style) => style.name === name)?.kind;
  return all.filter((style) => style.name !== name && style.kind === kind);
}

/**
 * A slider from 0 to 1 that shows percent.
 * @param {string} label
 * @param {function(number): void} onInput
 * @param {{min?: number, max?: number}} [range]
 * @returns {{element: HTMLElement, show: function(number): void}}
 */
export function slider(label, onInput, { min = 0, max = 1 } = {}) {
  const field = element("input", { type: "range", min: min * 100, max: max * 100, step: 1, "aria-label": label });
  const output = element("output", { "aria-hidden": "true" });
  field.addEventListener("input", () => onInput(Number(field.value) / 100));
  const show = (value) => {
    field.value = String(Math.round(value * 100));
    field.setAttribute("aria-valuetext", `${field.value} percent`);
    output.textContent = `${field.value} %`;
  };
  const head = element("div", { class: "field-head" }, element("span", { class: "label", text: label, "aria-hidden": "true" }), output);
  return { element: element("div", { class: "field" }, head, field), show };
}

/**
 * A choice of a list.
 * @param {string} label
 * @param {Array<[string, string]>} options value and text.
 * @param {function(string): void} onChoose
 */
export function choice(label, options, onChoose) {
  const field = element("select", { "aria-label": label, onchange: () => onChoose(field.value) });
  let filled = "";
  const fill = (list) => {
    // filled again only if it differs: an open list would close
    if (filled === (filled = JSON.stringify(list))) return;
    field.replaceChildren(...list.map(([value, text]) => element("option", { value, text })));
  };
  fill(options);
  return {
    element: element("div", { class: "field" }, element("span", { class: "label", text: label, "aria-hidden": "true" }), field),
    fill,
    show: (value) => { field.value = value; },
    disable: (disabled) => { field.disabled = disabled; },
  };
}

/**
 * A choice of a few, side by side.
 * @param {string} label
 * @param {string} name of the radio buttons.
 * @param {Array<[string, string]>} options value and text.
 * @param {function(string): void} onChoose
 */
export function segments(label, name, options, onChoose) {
  const row = element("div", { class: "segments" }, ...options.map(([value, text]) => element("label", {},
    element("input", { type: "radio", name, value, onchange: () => onChoose(value) }), element("span", { text }))));
  const show = (value) => {
    for (const field of row.querySelectorAll("input")) field.checked = field.value === value;
  };
  return { element: element("fieldset", { class: "field" }, element("legend", { text: label }), row), show };
}
