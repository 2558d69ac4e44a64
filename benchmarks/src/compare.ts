/** Largest difference that two engines' float32 results may have, relative to the largest result. */
const TOLERANCE = 1e-4;

/**
 * Refuses to time engines that do not compute the same.
 * @throws Error naming the workload, the engines and the difference.
 */
export function checkSame(workload: string, outputs: ReadonlyMap<string, readonly number[]>): void {
  const [first, ...rest] = outputs;
  if (!first) return;
  const [engine, expected] = first;
  const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  for (const [other, values] of rest) {
    const difference =
      values.length === expected.length
        ? values.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0) / scale
        : Number.NaN;
    // Written so that NaN fails.
    if (!(difference <= TOLERANCE)) {
      throw new Error(
        `${workload}: ${other} and ${engine} compute different results (largest difference ${difference} of the largest value), so their times cannot be compared.`,
      );
    }
  }
}
