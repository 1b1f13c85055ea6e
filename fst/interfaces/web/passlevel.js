/* Where one pass lies on the curve of the optimization. */

import { endJob, followJob, hasEnded, startJob } from "./jobs.js";

/**
 * Asks for the objective of the pass: an optimization that begins with it tells that at step 0.
 * @param {Object<string, *>} fields of the optimization that it is compared with.
 * @param {function(number): void} found
 * @returns {Promise<function(): void>} gives it up.
 * @throws {import("./api.js").ServiceError}
 */
export async function measurePass(fields, found) {
  const { id } = await startJob({ ...fields, init: "pass", iterations: 1 });
  const forget = () => void endJob(id).catch(() => {}); // it may be forgotten already
  const leave = followJob(id, {
    show: (job) => {
      if (!hasEnded(job)) return;
      if (job.curve.length) found(job.curve[0][1]);
      forget();
    },
    gone: () => {},
    away: () => {}, // the optimization's own following tells that
  });
  return () => {
    leave();
    forget();
  };
}
