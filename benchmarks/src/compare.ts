/** Largest difference that two engines' float32 results may have, relative to the largest result: that of a deep network of fast convolutions. */
const TOLERANCE = 1e-3;

/**
 * Refuses to time engines that do not compute the same.
 * @throws Error naming the workload, the engines and the difference.
 */
export function checkSame(workload: string, outputs: ReadonlyMap<string, ArrayLike<number>>): void {
  const [first, ...rest] = outputs;
  if (!first) return;
  const [engine, expected] = first;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!));
  for (const [other, values] of rest) {
    let worst = values.length === expected.length ? 0 : Number.NaN;
    for (let i = 0; i < expected.length; i++) worst = Math.max(worst, Math.abs(values[i]! - expected[i]!));
    const difference = worst / scale;
    // Written so that NaN fails.
    if (!(difference <= TOLERANCE)) {
      throw new Error(
        `${workload}: ${other} and ${engine} compute different results (largest difference ${difference} of the largest value), so their times cannot be compared.`,
      );
    }
  }
}
