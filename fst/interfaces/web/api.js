/* What the service is asked. Addresses are relative, so that the page works behind a proxy's path. */

/** What the service refused, or why it could not be reached; the message is for the user. */
export class ServiceError extends Error {
  /**
   * @param {string} message one sentence.
   * @param {number} status of the answer; 0 where there was none.
   * @param {number} retryAfter seconds after which another try may work; 0 where it won't.
   */
  constructor(message, status = 0, retryAfter = 0) {
    super(message);
    this.name = "ServiceError";
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * @param {string} path as the service names it, "/styles".
 * @param {RequestInit} [options]
 * @returns {Promise<Response>} an answer that went well.
 * @throws {ServiceError}
 */
export async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(local(path), { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError("The service does not answer. Look whether fst serve still runs, then try again.");
  }
  if (answer.ok) return answer;
  throw new ServiceError(await sentence(answer), answer.status, Number(answer.headers.get("Retry-After")) || 0);
}

/**
 * @param {string} path as the service names it.
 * @returns {string} the address for this page.
 */
export function local(path) {
  return path.replace(/^\//, "");
}

async function sentence(answer) {
  try {
    const { error } = await answer.json();
    // "the queue is full" begins a sentence here; "photo.jpg is no picture" stays
    if (typeof error === "string") return error.replace(/^[a-z]+(?= )/, (word) => word[0].toUpperCase() + word.slice(1));
  } catch {
    // a proxy's page, not the service's answer
  }
  if (answer.status === 413) return "The file is too large for this service. Choose a smaller one.";
  return `The service answered ${answer.status}. Try again in a moment.`;
}

/**
 * @typedef {{name: string, title: string, painter: string, year: ?(string|number), kind: string,
 *            small: ?string, thumbnail: string, own: boolean}} Style
 *     `small`: the name of a net of half the width, which paints the same style quicker.
 * @returns {Promise<{styles: Style[], any_painting: boolean, training: boolean}>}
 */
export async function listStyles() {
  return (await request("/styles", { cache: "no-store" })).json();
}

/**
 * A form of what is set; empty values are left to the service.
 * @param {Object<string, *>} fields names of the API -> values; files as Blob or File.
 * @returns {FormData}
 */
export function formOf(fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined || value === "") continue;
    if (value instanceof File) form.append(name, value, value.name);
    else if (value instanceof Blob) form.append(name, value, `${name}.${value.type.split("/")[1] || "png"}`);
    else form.append(name, String(value));
  }
  return form;
}

/**
 * Paints a photo. Where the service has too much to do, it is asked again, a few times.
 * @param {Object<string, *>} fields of POST /stylize.
 * @param {AbortSignal} [signal] ends the painting, here and there.
 * @returns {Promise<{blob: Blob, seconds: number, name: string}>} the picture, the net's time, and
 *     the name that it has as a file.
 * @throws {ServiceError}
 */
export async function stylize(fields, signal) {
  for (let tries = 4; ; tries -= 1) {
    try {
      const answer = await request("/stylize", { method: "POST", body: formOf(fields), signal });
      const name = nameIn(answer.headers.get("Content-Disposition") || "");
      const seconds = Number(answer.headers.get("X-Seconds")) || 0;
      return { blob: await answer.blob(), seconds, name };
    } catch (error) {
      // what we aborted may still count as our work for a moment
      if (tries <= 1 || ![429, 503].includes(error.status)) throw error;
      await pause(error.status === 429 ? 300 : Math.min(error.retryAfter || 1, 3) * 1000, signal);
    }
  }
}

/* RFC 6266: the name with all its letters stands behind the star, where it has others than ASCII. */
function nameIn(disposition) {
  const all = /filename\*=UTF-8''([^;]+)/i.exec(disposition);
  const plain = /filename="([^"]+)"/.exec(disposition);
  return all ? decodeURIComponent(all[1]) : plain ? plain[1] : "painting";
}

/**
 * Waits, unless it is aborted.
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("aborted", "AbortError"));
    });
  });
}

/**
 * @param {string} path of a picture of the service's, as a job names it.
 * @param {AbortSignal} [signal]
 * @returns {Promise<Blob>}
 */
export async function pictureAt(path, signal) {
  return (await request(path, { signal, cache: "no-store" })).blob();
}
