import type { Tensor } from '@receptive/tensor';
import {
  celu,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  maxout,
  mish,
  prelu,
  relu6,
  scaledTanh,
  selu,
  silu,
  softplus,
  softsign,
  step,
} from '@receptive/tensor';
import { uniform } from '../case.ts';
import { exact, formula } from '../tolerance.ts';
import type { Draw } from './draw.ts';
import { away } from './draw.ts';
import { scalar } from './elementwise.ts';
import type { Generator, Generators, OnnxNode } from './generator.ts';

/** One draw of an activation: its options, the calls with them, and where it has kinks. */
interface Activation {
  readonly options?: object;
  readonly f: (x: Tensor) => Tensor;
  readonly kinks?: readonly number[];
  readonly onnx?: OnnxNode;
}

/** Random calls of a function of one tensor, element by element. */
function activation(drawActivation: (draw: Draw) => Activation, nondifferentiable?: string): Generator {
  return {
    tolerance: formula,
    ...(nondifferentiable === undefined ? {} : { nondifferentiable }),
    draw(draw) {
      const shape = draw.wholes(draw.whole(1, 4), 1, 3);
      const { options, f, kinks = [], onnx } = drawActivation(draw);
      return {
        description: JSON.stringify({ shape, options }),
        inputs: [away(shape, -5, 8, kinks)],
        f,
        ...(onnx && { onnx }),
      };
    },
  };
}

/** An activation without options; ONNX's name for it, if it has one. */
function plain(f: (x: Tensor) => Tensor, op?: string, kinks: readonly number[] = []): Generator {
  return activation(() => ({ f, kinks, ...(op !== undefined && { onnx: { op } }) }));
}

export const activationGenerators: Generators = {
  leakyRelu: activation((draw) => {
    const negativeSlope = draw.real(-0.5, 1.5);
    return {
      options: { negativeSlope },
      f: (x) => leakyRelu(x, { negativeSlope }),
      kinks: [0],
      onnx: { op: 'LeakyRelu', floats: { alpha: negativeSlope } },
    };
  }),
  prelu: {
    tolerance: formula,
    draw(draw) {
      const shape = draw.wholes(draw.whole(1, 4), 1, 3);
      const channels = shape[1] ?? 1;
      const slopes = draw.pick([[], [1], [channels]]);
      // ONNX's slopes are aligned at the right: with those of places, only if there are none.
      const aligned = shape.length <= 2 || slopes[0] !== channels || channels === 1;
      return {
        description: JSON.stringify({ shape, slopes }),
        inputs: [away(shape, -5, 5, [0]), uniform(slopes, -0.5, 1.5)],
        f: prelu,
        ...(aligned && { onnx: { op: 'PRelu' } }),
      };
    },
  },
  elu: activation((draw) => {
    const alpha = draw.real(-0.5, 2);
    return {
      options: { alpha },
      f: (x) => elu(x, { alpha }),
      kinks: [0],
      onnx: { op: 'Elu', floats: { alpha } },
    };
  }),
  selu: plain(selu, 'Selu', [0]),
  celu: activation((draw) => {
    const alpha = draw.real(0.5, 2);
    return {
      options: { alpha },
      f: (x) => celu(x, { alpha }),
      kinks: [0],
      onnx: { op: 'Celu', floats: { alpha } },
    };
  }),
  gelu: activation((draw) => {
    const approximate = draw.pick(['none', 'tanh'] as const);
    return {
      options: { approximate },
      f: (x) => gelu(x, { approximate }),
      onnx: { op: 'Gelu', strings: { approximate } },
    };
  }),
  silu: plain(silu),
  mish: plain(mish, 'Mish'),
  softplus: activation((draw) => {
    const beta = draw.pick([1, draw.real(0.5, 3)]);
    const threshold = draw.pick([Infinity, draw.real(-2, 20)]);
    return {
      options: { beta, threshold: `${threshold}` },
      f: (x) => softplus(x, { beta, threshold }),
      kinks: [threshold / beta],
      ...(beta === 1 && threshold === Infinity && { onnx: { op: 'Softplus' } }),
    };
  }),
  softsign: plain(softsign, 'Softsign', [0]),
  hardSigmoid: activation(() => ({
    f: hardSigmoid,
    kinks: [-3, 3],
    onnx: { op: 'HardSigmoid', floats: { alpha: 1 / 6, beta: 0.5 } },
  })),
  hardSwish: plain(hardSwish, 'HardSwish', [-3, 3]),
  hardTanh: activation((draw) => {
    const minVal = draw.real(-4, 1);
    const maxVal = minVal + draw.real(0.5, 6);
    return {
      options: { minVal, maxVal },
      f: (x) => hardTanh(x, { minVal, maxVal }),
      kinks: [minVal, maxVal],
      onnx: { op: 'Clip', inputs: [0, scalar(minVal), scalar(maxVal)] },
    };
  }),
  relu6: activation(() => ({
    f: relu6,
    kinks: [0, 6],
    onnx: { op: 'Clip', inputs: [0, scalar(0), scalar(6)] },
  })),
  scaledTanh: plain(scaledTanh),
  step: activation((draw) => {
    const options = draw.pick([
      { estimator: 'straightThrough' },
      { estimator: 'clippedLinear', width: draw.real(0.5, 4) },
      { estimator: 'steepSigmoid', slope: draw.real(0.5, 4) },
      { estimator: 'difference', h: draw.real(0.5, 4) },
    ] as const);
    return { options, f: (x) => step(x, options), kinks: [0] };
  }, 'its derivative is estimated, and is not that of its values: the estimators are tested by value'),
  maxout: {
    tolerance: exact,
    draw(draw) {
      const groups = draw.wholes(draw.whole(1, 3), 1, 3);
      const [axis, pieces] = [draw.whole(-groups.length, groups.length - 1), draw.whole(1, 3)];
      const shape = groups.map((length, a) => (a === axis || a === axis + groups.length ? length * pieces : length));
      return {
        description: JSON.stringify({ shape, pieces, axis }),
        inputs: [draw.distinct(shape)],
        f: (x) => maxout(x, pieces, axis),
      };
    },
  },
};
