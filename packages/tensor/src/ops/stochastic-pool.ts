import type { Window } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { scalarLike } from '../create.ts';
import { withBackend } from '../current.ts';
import { dispatch } from '../dispatch.ts';
import type { Op } from '../op.ts';
import type { Rng } from '../rng.ts';
import { scope } from '../scope.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { im2col } from './conv.ts';
import { cast, div, equal, log, maximum, neg, relu, square, where } from './elementwise.ts';
import { gather } from './indexing.ts';
import { sumPool } from './pool-variants.ts';
import { planes, poolShape, poolWindow } from './pool-window.ts';
import type { Pool, PoolOptions } from './pool-window.ts';
import { argmax } from './reduce.ts';
import { reshape } from './views.ts';

const stochasticPoolOp: Op<{ readonly window: Window }, [x: 0, noise: 0], [y: 0]> = {
  name: 'stochasticPool',
  infer([x, noise], { window }) {
    floats('stochasticPool', x);
    sameDtype('stochasticPool', x, noise);
    const shape = poolShape('stochasticPool', x.shape, window);
    shapeIs('stochasticPool', 'the noise', noise, columnsShape(shape, window));
    return [{ shape, dtype: x.dtype }];
  },
  // A race: of exponential waiting times with rates a, the shortest is that of a with probability a / sum of a. Padding is 0, which never arrives.
  compose([x, noise], { window }) {
    const columns = im2col(planes(relu(x)), window);
    const winner = argmax(div(columns, noise), 1, { keepDims: true });
    return [reshape(gather(columns, winner, 1), poolShape('stochasticPool', x.shape, window))];
  },
};

export const stochasticPoolOps = { stochasticPool: stochasticPoolOp };

/** A number for each tap of each window: what im2col makes of the planes. */
function columnsShape([n, c, ...output]: readonly number[], window: Window): number[] {
  return [n! * c!, sizeOf(window.kernel), sizeOf(output)];
}

/** Options of {@link stochasticPool2d}. */
export interface StochasticPoolOptions extends PoolOptions {
  /** Where places are drawn from, in training. Without it the mean is computed. */
  readonly rng?: Rng | undefined;
}

const stochasticPool =
  (axes: number): Pool<StochasticPoolOptions> =>
  (x, kernelSize, { rng, ...options } = {}) =>
    scope(() => {
      const door = `stochasticPool${axes}d`;
      floats(door, x);
      if (!rng) {
        const activations = relu(x);
        const total = sumPool(axes, door)(activations, kernelSize, options);
        const weighted = sumPool(axes, door)(square(activations), kernelSize, options);
        // All zeros: 0 / 1.
        return div(weighted, where(equal(total, 0), scalarLike(total, 1), total));
      }
      const window = poolWindow(door, axes, x, kernelSize, options);
      const shape = columnsShape(poolShape(door, x.shape, window), window);
      const uniform = withBackend(x.backend, () => rng.uniform(shape, 2 ** -25, 1));
      // On some devices the logarithm of a number near 1 is 0, by which nothing must be divided.
      const noise = maximum(neg(log(uniform)), 2 ** -24);
      return dispatch(stochasticPoolOp, [x, cast(noise, x.dtype)], { window })[0];
    });

/**
 * Stochastic pooling of `[N, C, H, W]`. With a generator (in training), each window gives one of its elements, drawn with probability
 * `p = a / sum of a` where `a = max(x, 0)`, and the gradient goes to that element. Without one (in inference), each gives what it would on average:
 * `sum of p * a`. A window without a positive element gives 0, and passes no gradient.
 *
 * The paper pools what comes out of a ReLU. Here negative elements count as 0, as if there were one, and are never drawn.
 * Source: Zeiler and Fergus, Stochastic pooling for regularization of deep convolutional neural networks, arXiv:1301.3557, equations 4 to 6.
 * @throws ShapeError if the window does not fit, or would see padding alone.
 */
export const stochasticPool2d: Pool<StochasticPoolOptions> = stochasticPool(2);
/** {@link stochasticPool2d} of `[N, C, L]`. */
export const stochasticPool1d: Pool<StochasticPoolOptions> = stochasticPool(1);
/** {@link stochasticPool2d} of `[N, C, D, H, W]`. */
export const stochasticPool3d: Pool<StochasticPoolOptions> = stochasticPool(3);
