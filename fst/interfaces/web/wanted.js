/* From what is set to what the service is asked. */

/**
 * @param {{settings: typeof import("./settings.js").DEFAULTS, own: boolean, painting: ?File,
 *          styles: ReturnType<typeof import("./styles.js").makeStyles>}} state
 * @param {import("./picture.js").Photo} photo
 * @returns {import("./painter.js").Wanted}
 */
export function wantedOf({ settings, own, painting, styles }, photo) {
  const fields = {
    ...(own ? { painting } : { style: styleOf(settings, styles) }),
    strength: settings.strength < 1 ? settings.strength : null,
    preserve_color: settings.colors || null,
    stroke_size: settings.stroke === "small" ? null : settings.stroke, // the service's own
    seamless: settings.seamless || null,
    mask: photo.mask || null,
  };
  const key = keyOf(fields, photo);
  return { photo, key, fields, format: settings.format, isFine: settings.stroke !== "large", mix: mixOf(fields, photo) };
}

function keyOf({ mask, painting, ...plain }, photo) {
  return JSON.stringify([plain, painting && [painting.name, painting.size, painting.lastModified], mask && photo.maskVersion]);
}

/* How the browser can lay the whole painting over the photo so that it looks like this one: the
   service mixes as `opacity` does, and luma is what `luminosity` keeps. Lab's is close to it. */
function mixOf(fields, photo) {
  const { strength, preserve_color: colors } = fields;
  const canMix = [null, "luma", "lab"].includes(colors) && !fields.seamless;
  if (!canMix || (strength === null && colors === null)) return null;
  return { key: keyOf({ ...fields, strength: null, preserve_color: null }, photo), opacity: strength ?? 1, luminosity: colors !== null };
}

/* A style, or a blend as the command line writes it. */
function styleOf({ style, blend, share }, styles) {
  const other = styles.all.find(({ name }) => name === blend);
  const one = styles.all.find(({ name }) => name === style);
  if (!other || blend === style || other.kind !== one?.kind) return style;
  return `${style}=${(1 - share).toFixed(2)},${blend}=${share.toFixed(2)}`;
}

/**
 * What a job is asked for: the optimization after a pass, or, where there is no net, alone. It is
 * optimized small and brought to the photo's size, since the pixels of a large photo take hours.
 * @param {import("./session.js").Session} session
 * @param {import("./picture.js").Photo} photo
 * @param {number} side long side in pixels to optimize at.
 * @returns {Object<string, *>} fields of POST /jobs.
 */
export function refineFields(session, photo, side) {
  const kind = session.own && !session.styles.anyPainting ? "optimize" : "refine";
  const { style, painting, strength, preserve_color, mask } = wantedOf(session, photo).fields;
  const { format } = session.settings;
  const isLarger = Math.max(photo.width, photo.height) > side;
  const sizes = isLarger ? { size: side, upsample: "guided" } : {};
  return { kind, photo: photo.file, style, painting, strength, preserve_color, mask, ...sizes, format };
}

/**
 * @param {import("./session.js").Session} session
 * @param {import("./picture.js").Photo} photo
 * @returns {string} why the optimization can't follow, as a sentence; empty where it can.
 */
export function whyNotRefined(session, photo) {
  if (session.settings.seamless) return "A tile can't be refined. Switch the tile off first.";
  if (wantedOf(session, photo).fields.style?.includes("=")) {
    return "A blend can't be refined, as there is no painting of it. Choose No other style under Blend with.";
  }
  return "";
}
