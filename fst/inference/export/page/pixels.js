/* Pictures as numbers, made as fst makes them: `{planes, width, height}`, where `planes` has red,
   green and blue one after the other, row by row, from 0 to 1. */

const HIDDEN = 2; // an alpha below this, of 255, is not seen

/**
 * @param {Uint8ClampedArray} rgba of a canvas.
 * @param {number} width
 * @param {number} height
 * @returns {{planes: Float32Array, width: number, height: number, alpha: ?Float32Array}} `alpha` is
 *     null where all is opaque; visible colors go on under what is transparent.
 */
export function fromPixels(rgba, width, height) {
  const size = width * height;
  const planes = new Float32Array(3 * size);
  const alpha = new Float32Array(size);
  let [isOpaque, isHidden] = [true, false];
  for (let place = 0; place < size; place += 1) {
    for (let color = 0; color < 3; color += 1) planes[color * size + place] = rgba[4 * place + color] / 255;
    const seen = rgba[4 * place + 3];
    alpha[place] = seen / 255;
    if (seen < 255) isOpaque = false;
    if (seen < HIDDEN) isHidden = true;
  }
  if (isHidden) fill(planes, alpha, width, height);
  return { planes, width, height, alpha: isOpaque ? null : alpha };
}

/* A net would see what lies hidden under transparency. Every hidden pixel gets the mean of the
   smallest square around it in which anything is seen, smoothly (fst.image.transparency). */
function fill(planes, alpha, width, height) {
  const size = width * height;
  const weights = alpha.map((seen) => (seen * 255 < HIDDEN ? 0 : seen));
  if (!weights.some((weight) => weight > 0)) return planes.fill(0);
  const spread = doubled(mixed(halved({ planes, weights, width, height })), width, height);
  for (let place = 0; place < size; place += 1) {
    if (weights[place] > 0) continue;
    for (let color = 0; color < 3; color += 1) planes[color * size + place] = spread[color * size + place];
  }
  return planes;
}

/* Mean colors of squares of 2 x 2 pixels, and their weights: 1 from one whole pixel on. */
function halved({ planes, weights, width, height }) {
  const [w, h] = [(width + 1) >> 1, (height + 1) >> 1];
  const half = { planes: new Float32Array(3 * w * h), weights: new Float32Array(w * h), width: w, height: h };
  const counts = new Float32Array(w * h);
  for (let place = 0; place < width * height; place += 1) {
    const to = (Math.floor(place / width) >> 1) * w + ((place % width) >> 1);
    counts[to] += 1;
    half.weights[to] += weights[place];
    for (let color = 0; color < 3; color += 1) half.planes[color * w * h + to] += weights[place] * planes[color * width * height + place];
  }
  for (let to = 0; to < w * h; to += 1) {
    for (let color = 0; color < 3; color += 1) half.planes[color * w * h + to] /= Math.max(half.weights[to], 1e-9);
    half.weights[to] = Math.min(1, (4 * half.weights[to]) / counts[to]);
  }
  return half;
}

/* Colors as far as they have a weight, and for the rest those of larger squares. */
function mixed(level) {
  const { planes, weights, width, height } = level;
  if (Math.max(width, height) === 1) return level;
  const around = doubled(mixed(halved(level)), width, height);
  const colors = planes.map((value, place) => around[place] + (value - around[place]) * weights[place % weights.length]);
  return { planes: colors, weights, width, height };
}

/* Twice as large, between pixels on a straight line. */
function doubled({ planes, width, height }, toWidth, toHeight) {
  const at = (place, length) => {
    const exact = Math.max(0, (place + 0.5) / 2 - 0.5);
    const first = Math.floor(exact);
    return { first, second: Math.min(length - 1, first + 1), share: exact - first };
  };
  const columns = Array.from({ length: toWidth }, (_, x) => at(x, width));
  const result = new Float32Array(3 * toWidth * toHeight);
  for (let row = 0; row < 3 * toHeight; row += 1) {
    const { first: above, second: below, share: down } = at(row % toHeight, height);
    const start = Math.floor(row / toHeight) * width * height;
    for (let x = 0; x < toWidth; x += 1) {
      const { first, second, share } = columns[x];
      const across = (y) => (1 - share) * planes[start + y * width + first] + share * planes[start + y * width + second];
      result[row * toWidth + x] = (1 - down) * across(above) + down * across(below);
    }
  }
  return result;
}

/**
 * Planes resized as fst does it: bicubic, antialiased.
 * @param {Float32Array} planes one or several of a size.
 * @param {number} width
 * @param {number} height
 * @param {number} toWidth
 * @param {number} toHeight
 * @returns {Float32Array} from 0 to 1.
 */
export function resized(planes, width, height, toWidth, toHeight) {
  if (width === toWidth && height === toHeight) return planes;
  const count = planes.length / (width * height);
  const across = taps(width, toWidth);
  const down = taps(height, toHeight);
  const wide = new Float32Array(count * height * toWidth);
  for (let row = 0; row < count * height; row += 1) {
    for (let x = 0; x < toWidth; x += 1) {
      const { first, weights } = across[x];
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap += 1) sum += weights[tap] * planes[row * width + first + tap];
      wide[row * toWidth + x] = sum;
    }
  }
  const result = new Float32Array(count * toHeight * toWidth);
  for (let row = 0; row < count * toHeight; row += 1) {
    const { first, weights } = down[row % toHeight];
    const start = (Math.floor(row / toHeight) * height + first) * toWidth;
    for (let x = 0; x < toWidth; x += 1) {
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap += 1) sum += weights[tap] * wide[start + tap * toWidth + x];
      result[row * toWidth + x] = Math.min(1, Math.max(0, sum));
    }
  }
  return result;
}

/* Of each pixel of a resized row: the first pixel that it is made of, and the weights from there. */
function taps(from, to) {
  const scale = from / to;
  const spread = Math.max(1, scale);
  return Array.from({ length: to }, (_, place) => {
    const center = (place + 0.5) * scale;
    const first = Math.max(0, Math.floor(center - 2 * spread + 0.5));
    const last = Math.min(from, Math.floor(center + 2 * spread + 0.5));
    const weights = Array.from({ length: last - first }, (_, tap) => cubic((first + tap - center + 0.5) / spread));
    const sum = weights.reduce((all, weight) => all + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

function cubic(distance) {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}
