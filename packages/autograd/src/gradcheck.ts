import type { Shape } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import {
  Rng,
  Tensor,
  cast,
  currentBackend,
  formatShape,
  hasBackend,
  mul,
  scope,
  sum,
  tensor,
  withBackend,
} from '@receptive/tensor';
import { grad } from './grad.ts';

/** Options of {@link gradCheck}. */
export interface GradCheckOptions {
  /** Half the distance of the two points of each difference; 1e-6 by default. */
  readonly eps?: number;
  /** Largest accepted difference, relative to the larger of the two gradients and 1; 1e-6 by default. */
  readonly tolerance?: number;
  /** Seed of the inputs and of the weights by which an output of several elements is summed. */
  readonly seed?: number;
  /** Check the gradient of the gradient as well. */
  readonly second?: boolean;
}

/**
 * Compares the gradients of `f` with central differences, in float64, for every element of every input: on the current backend where it has float64, else
 * on a reference backend of its own.
 *
 * @param f A function of float64 tensors. It must be smooth near the inputs: a kink within `eps` makes the difference quotient wrong, not the gradient.
 * @param inputs For each argument a shape, filled with uniform numbers in [-1, 1), or a float64 tensor on that backend.
 * @returns The largest relative error.
 * @throws Error naming the input, the element and both gradients if one differs by more than the tolerance.
 */
export function gradCheck(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: readonly (Shape | Tensor)[],
  options: GradCheckOptions = {},
): number {
  const { eps = 1e-6, tolerance = 1e-6, seed = 0, second = false } = options;
  const rng = new Rng(seed);
  const backend = hasBackend() && currentBackend().dtypes.has('float64') ? currentBackend() : reference();
  return withBackend(backend, () =>
    scope(() => {
      const points = inputs.map((input) =>
        input instanceof Tensor ? input : cast(rng.uniform(input, -1, 1), 'float64'),
      );
      const first = checkOnce(weighted(f, rng.fork('first')), points, eps, tolerance);
      if (!second) return first;
      const gradient = (...xs: Tensor[]): Tensor => {
        const gradients = grad(() => weighted(f, rng.fork('first'))(...xs), xs);
        return gradients.map((g, i) => weighted(() => g, rng.fork(`second ${i}`))()).reduce((a, b) => a.add(b));
      };
      return Math.max(first, checkOnce(gradient, points, eps, tolerance));
    }),
  );
}

/** `f` as a function of one number: its elements summed with random weights, so that no two errors cancel. */
function weighted(f: (...inputs: Tensor[]) => Tensor, rng: Rng): (...inputs: Tensor[]) => Tensor {
  return (...inputs) => {
    const y = f(...inputs);
    return sum(mul(y, cast(rng.clone().uniform(y.shape, 0.5, 1.5), 'float64')));
  };
}

function checkOnce(
  f: (...inputs: Tensor[]) => Tensor,
  points: readonly Tensor[],
  eps: number,
  tolerance: number,
): number {
  const gradients = grad(() => f(...points), points);
  let worst = 0;
  points.forEach((point, i) => {
    const values = point.dataSync();
    const gradient = gradients[i]!.dataSync();
    for (let element = 0; element < values.length; element++) {
      const at = (offset: number): number =>
        scope(() => {
          const moved = Float64Array.from(values);
          moved[element]! += offset;
          const input = tensor(moved, { shape: point.shape });
          return f(...points.map((p, j) => (j === i ? input : p))).dataSync()[0]!;
        });
      const difference = (at(eps) - at(-eps)) / (2 * eps);
      const error =
        Math.abs(gradient[element]! - difference) / Math.max(1, Math.abs(difference), Math.abs(gradient[element]!));
      // Written so that NaN fails.
      if (!(error <= tolerance)) {
        throw new Error(
          `gradCheck: element ${element} of input ${i} ${formatShape(point.shape)}: the gradient is ${gradient[element]}, but the difference quotient ${difference} (relative error ${error}).`,
        );
      }
      worst = Math.max(worst, error);
    }
  });
  return worst;
}
