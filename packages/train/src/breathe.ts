/** Milliseconds for which the event loop is kept waiting at most, give or take a step. */
const PATIENCE = 100;

/**
 * Makes a function to be awaited in a long loop of computation: now and then it lets the event loop turn, so that signals, timers and the page are served. A
 * backend that computes synchronously would otherwise keep everything waiting: promises alone do not let the loop turn.
 */
export function breather(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < PATIENCE) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    last = performance.now();
  };
}
