/* Long work of the service: started, followed, stopped. */

import { formOf, request } from "./api.js";

const PAUSE = 400;
const PAUSE_HIDDEN = 3000;
const PAUSE_AWAY = 2000;
/* Milliseconds between two questions; where the page is hidden; where the service is away. */

/**
 * @typedef {{id: string, kind: string, state: "queued"|"running"|"done"|"failed"|"stopped",
 *            place: ?number, step: number, steps: number, progress: number, seconds_left: ?number,
 *            curve: [number, number][], losses: ?{content: number, style: number, total: number},
 *            preview: ?string, result: ?string, style: ?string, error: ?string}} Job
 */

/**
 * Puts work into the queue.
 * @param {Object<string, *>} fields of POST /jobs.
 * @returns {Promise<{id: string, url: string}>}
 * @throws {import("./api.js").ServiceError}
 */
export async function startJob(fields) {
  return (await request("/jobs", { method: "POST", body: formOf(fields) })).json();
}

/**
 * Stops work that goes on; what has ended meanwhile stays as it is.
 * @param {string} id
 * @returns {Promise<void>}
 * @throws {import("./api.js").ServiceError}
 */
export async function stopJob(id) {
  const job = await (await request(address(id), { cache: "no-store" })).json();
  if (!hasEnded(job)) await endJob(id);
}

/**
 * Stops work that goes on; work that has ended is forgotten, with its files.
 * @param {string} id
 * @returns {Promise<void>}
 * @throws {import("./api.js").ServiceError}
 */
export async function endJob(id) {
  await request(address(id), { method: "DELETE" });
}

/**
 * Tells how work stands, until it ends.
 * @param {string} id
 * @param {{show: function(Job): void, gone: function(): void, away: function(Error): void,
 *          back: ?function(): void}} listener
 *     `gone`: the service does not know it (any more); `away`: no answer, it is asked again until
 *     it is `back`.
 * @returns {function(): void} ends the telling; the work goes on.
 */
export function followJob(id, { show, gone, away, back = () => {} }) {
  const left = new AbortController();
  let timer = 0;
  let isAway = false;
  const ask = async () => {
    let next = document.hidden ? PAUSE_HIDDEN : PAUSE;
    try {
      const job = await (await request(address(id), { signal: left.signal, cache: "no-store" })).json();
      if (left.signal.aborted) return;
      if (isAway) back();
      isAway = false;
      show(job);
      if (hasEnded(job)) return;
    } catch (error) {
      if (left.signal.aborted) return;
      if (error.status === 404) return gone();
      if (!isAway) away(error); // once: it would be read aloud each time
      isAway = true;
      next = PAUSE_AWAY;
    }
    if (!left.signal.aborted) timer = setTimeout(ask, next);
  };
  ask();
  return () => {
    left.abort();
    clearTimeout(timer);
  };
}

/**
 * @param {Job} job
 * @returns {boolean} nothing will change any more.
 */
export function hasEnded(job) {
  return ["done", "failed", "stopped"].includes(job.state);
}

/**
 * @param {number} seconds
 * @returns {string} as one says it: "40 s", "3 min", "1 h 5 min".
 */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 90) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
}

/**
 * @param {Job} job
 * @param {string} doing "Painting", "Learning".
 * @returns {string} how it stands, in a sentence.
 */
export function stateSentence(job, doing) {
  if (job.state === "failed") return job.error || "This did not work.";
  if (job.state === "stopped") return `Stopped at step ${job.step} of ${job.steps}.`;
  if (job.state === "done") return `Done after ${job.step} steps.`;
  if (job.state === "queued") return job.place > 1 ? `Waiting: number ${job.place} in the queue.` : "Waiting: next in the queue.";
  if (!job.step) return `${doing}: getting ready …`;
  const left = job.seconds_left === null ? "" : `, about ${duration(job.seconds_left)} left`;
  return `${doing}: step ${job.step} of ${job.steps}${left}.`;
}

function address(id) {
  return `/jobs/${encodeURIComponent(id)}`;
}
