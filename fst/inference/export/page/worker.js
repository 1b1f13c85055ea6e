/* Paints, beside the page, so that this can be used meanwhile. ONNX Runtime's `ort` stands before
   these lines in the worker's script; a worker of a page without a server can load nothing. */

import { fromPixels, resized } from "./pixels.js";

const TRIAL = 128; // pixels of the first picture, which shows how quick this browser is
const LARGEST_CANVAS = 40e6; // pixels; of larger photos the browser itself makes a smaller copy

let session = null;

self.addEventListener("message", async ({ data }) => {
  try {
    if (data.kind === "start") await start(data);
    else await paint(data);
  } catch (error) {
    self.postMessage({ kind: "failed", asked: data.kind, message: String(error?.message ?? error) });
  }
});

async function start({ glue, wasm, net, provider, threads }) {
  ort.env.logLevel = "error";
  Object.assign(ort.env.wasm, {
    numThreads: threads,
    wasmBinary: wasm,
    wasmPaths: { mjs: URL.createObjectURL(new Blob([glue], { type: "text/javascript" })) },
  });
  session = await ort.InferenceSession.create(new Uint8Array(net), {
    executionProviders: [provider],
    enableCpuMemArena: false, // it would hold what the largest picture has ever needed
    enableMemPattern: false,
  });
  await run(new Float32Array(3 * TRIAL * TRIAL).fill(0.5), TRIAL, TRIAL);
  const began = performance.now();
  await run(new Float32Array(3 * TRIAL * TRIAL).fill(0.5), TRIAL, TRIAL);
  self.postMessage({ kind: "ready", pace: (performance.now() - began) / TRIAL ** 2 });
}

async function run(planes, width, height) {
  const photos = new ort.Tensor("float32", planes, [1, 3, height, width]);
  const { painted } = await session.run({ photos });
  const values = await painted.getData();
  painted.dispose();
  return values;
}

/* A picture in, a PNG file out. */
async function paint({ bitmap, width, height }) {
  const { planes, alpha } = small(bitmap, width, height);
  const began = performance.now();
  const painted = await run(planes, width, height);
  const milliseconds = performance.now() - began;
  const size = width * height;
  const pixels = new ImageData(width, height);
  for (let place = 0; place < size; place += 1) {
    for (let color = 0; color < 3; color += 1) pixels.data[4 * place + color] = Math.round(255 * painted[color * size + place]);
    pixels.data[4 * place + 3] = alpha ? Math.round(255 * alpha[place]) : 255;
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/png" });
  self.postMessage({ kind: "painted", blob, milliseconds });
}

/* The photo at the size that it is painted at. */
function small(bitmap, width, height) {
  const scale = Math.min(1, Math.sqrt(LARGEST_CANVAS / (bitmap.width * bitmap.height)));
  const [w, h] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(w, h);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, w, h);
  bitmap.close();
  const { planes, alpha } = fromPixels(context.getImageData(0, 0, w, h).data, w, h);
  return { planes: resized(planes, w, h, width, height), alpha: alpha && resized(alpha, w, h, width, height) };
}
