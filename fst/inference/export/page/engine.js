/* What paints: the net, ONNX Runtime and a worker that has both. */

/**
 * @typedef {{blob: Blob, milliseconds: number}} Painted
 */

const packed = new Map(); // what the scripts of this folder brought: name -> base64 of gzip

/* Called by these scripts: a page without a server can load scripts, and nothing else. */
self.fstFile = (name, text) => packed.set(name, text);

/**
 * @returns {Promise<"webgpu"|"wasm">} what this browser paints best with; `#wasm` and `#webgpu` at
 *     the end of the page's address decide it.
 */
export async function bestWay() {
  const asked = location.hash.slice(1);
  if (asked === "webgpu" || asked === "wasm") return asked;
  try {
    const adapter = await navigator.gpu?.requestAdapter();
    if (adapter && !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter)) return "webgpu";
  } catch {
    // no GPU then
  }
  return "wasm";
}

/**
 * A worker that is ready to paint.
 * @param {"webgpu"|"wasm"} way
 * @returns {Promise<{pace: number, way: string, threads: number, paint: function(ImageBitmap, number, number): Promise<Painted>,
 *                    stop: function(): void}>} `pace` is milliseconds for a pixel; who stops it makes another one.
 */
export async function makeEngine(way) {
  const [runtime, glue, wasm, net] = await Promise.all(
    [`${way}.js`, `${way}.mjs`, `${way}.wasm`, "net.onnx"].map((name, place) => unpacked(place < 3 ? `runtime-${way}.js` : "net.js", name)),
  );
  const script = URL.createObjectURL(new Blob([runtime, "\n", WORKER], { type: "text/javascript" }));
  const worker = new Worker(script);
  const ask = asking(worker);
  const threads = self.crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency || 1) : 1;
  const started = ask({ kind: "start", glue, wasm, net, provider: way, threads });
  const { pace } = await started.catch((error) => {
    worker.terminate();
    throw error;
  });
  URL.revokeObjectURL(script);
  return {
    pace,
    way,
    threads,
    paint: (bitmap, width, height) => ask({ kind: "paint", bitmap, width, height }, [bitmap]),
    stop: () => {
      worker.terminate();
      ask.end();
    },
  };
}

/* One question at a time, and its answer. */
function asking(worker) {
  let waiting = null;
  const settle = (answer, value) => {
    waiting?.[answer](value);
    waiting = null;
  };
  worker.addEventListener("message", ({ data }) => {
    if (data.kind === "failed") settle("reject", new Error(data.message));
    else settle("resolve", data);
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    settle("reject", new Error(event.message || "the worker could not start"));
  });
  const ask = (question, given = []) =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      worker.postMessage(question, given);
    });
  ask.end = () => settle("reject", new DOMException("stopped", "AbortError"));
  return ask;
}

/* A file that a script of this folder has brought, as bytes. */
async function unpacked(script, name) {
  await loaded(script);
  const packedBytes = bytesOf(packed.get(name));
  return new Response(new Blob([packedBytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place += 1) bytes[place] = text.charCodeAt(place);
  return bytes;
}

const scripts = new Map();

function loaded(name) {
  if (!scripts.has(name)) {
    scripts.set(name, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = name;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`The file ${name} is missing beside this page. Copy the whole folder.`));
      document.head.append(script);
    }));
  }
  return scripts.get(name);
}
