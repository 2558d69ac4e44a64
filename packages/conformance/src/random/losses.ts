import type { Shape } from '@receptive/backend';
import type { LossOptions } from '@receptive/layers';
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  gradientPenalty,
  hinge,
  huber,
  klDivergence,
  l1,
  l1Penalty,
  l2Penalty,
  mse,
  multiMargin,
  rbfLoss,
  smoothL1,
} from '@receptive/layers';
import type { Tensor } from '@receptive/tensor';
import { matmul, tanh } from '@receptive/tensor';
import type { Input } from '../case.ts';
import { numbers, uniform, whole } from '../case.ts';
import type { Tolerance } from '../tolerance.ts';
import { formula } from '../tolerance.ts';
import type { Draw } from './draw.ts';
import { away } from './draw.ts';
import type { Generator, Generators, RandomCase } from './generator.ts';

/** Sums of a few dozen losses, each a formula of a few steps. */
const losses: Tolerance = { ...formula, c: 32 };

const reductions = ['mean', 'sum', 'none'] as const;

/** Random calls of a loss of predictions and targets of one shape; `draw` makes both, and the call without its reduction. */
function pairs(
  drawPair: (
    draw: Draw,
    shape: Shape,
  ) => {
    readonly options?: object;
    readonly inputs: readonly Input[];
    readonly f: (options: LossOptions, inputs: readonly [Tensor, Tensor, ...Tensor[]]) => Tensor;
  },
): Generator {
  return {
    tolerance: losses,
    draw(draw) {
      const shape = draw.wholes(draw.whole(1, 3), 1, 3);
      const { options, inputs, f } = drawPair(draw, shape);
      const reduction = draw.pick(reductions);
      return {
        description: JSON.stringify({ shape, ...options, reduction }),
        inputs,
        f: (...tensors) => f({ reduction }, tensors as [Tensor, Tensor]),
      };
    },
  };
}

/** Scores `[N, C, ...spatial]`, the classes `[N, ...spatial]`, and perhaps a weight for each class. */
function drawClasses(draw: Draw, scores: (shape: Shape) => Input, mayWeigh = true) {
  const [n, c, ...spatial] = [draw.whole(1, 3), draw.whole(2, 4), ...draw.wholes(draw.pick([0, 0, 1, 2]), 1, 2)];
  const weighted = mayWeigh && draw.chance();
  const classes = whole([n, ...spatial], 0, c, draw.pick(['int32', 'uint8'] as const));
  const shape = [n, c, ...spatial];
  return {
    drawn: { shape, weighted, reduction: draw.pick(reductions) },
    inputs: [scores(shape), classes, ...(weighted ? [uniform([c], 0.5, 2)] : [])],
  };
}

/** Random calls of a penalty of some parameters. */
function penalty(f: (parameters: readonly Tensor[], factor: number) => Tensor): Generator {
  return {
    tolerance: losses,
    draw(draw): RandomCase {
      const shapes = Array.from({ length: draw.whole(1, 3) }, () => draw.wholes(draw.whole(0, 3), 1, 3));
      const factor = draw.real(-1, 1);
      return {
        description: JSON.stringify({ shapes, factor }),
        inputs: shapes.map((shape) => draw.distinct(shape)),
        f: (...parameters) => f(parameters, factor),
      };
    },
  };
}

export const lossGenerators: Generators = {
  crossEntropy: {
    tolerance: losses,
    draw(draw) {
      const { drawn, inputs } = drawClasses(draw, (shape) => uniform(shape, -3, 3));
      const labelSmoothing = draw.chance() ? draw.unit() : 0;
      return {
        description: JSON.stringify({ ...drawn, labelSmoothing }),
        inputs,
        f: (logits, classes, weight) =>
          crossEntropy(logits, classes, { reduction: drawn.reduction, labelSmoothing, ...(weight && { weight }) }),
        ...(labelSmoothing === 0 && {
          onnx: {
            op: 'SoftmaxCrossEntropyLoss',
            inputs: [0, { input: 1, as: 'int64' as const }, ...(drawn.weighted ? [2] : [])],
            strings: { reduction: drawn.reduction },
          },
        }),
      };
    },
  },
  multiMargin: {
    tolerance: losses,
    draw(draw) {
      const { drawn, inputs } = drawClasses(draw, (shape) => draw.distinct(shape));
      const [p, classReduction] = [draw.pick([1, 2] as const), draw.pick(['mean', 'sum'] as const)];
      // Between the distances of the scores, which are tenths.
      const margin = 0.05 + 0.1 * draw.whole(0, 15);
      const options = { p, margin, classReduction, reduction: drawn.reduction };
      return {
        description: JSON.stringify({ ...drawn, ...options }),
        inputs,
        f: (scores, classes, weight) => multiMargin(scores, classes, { ...options, ...(weight && { weight }) }),
      };
    },
  },
  hinge: pairs((draw, shape) => {
    const margin = draw.real(0.5, 2);
    const sides: Input = { shape, dtype: 'any', element: (unit) => (unit < 0.5 ? -1 : 1) };
    return {
      options: { margin },
      inputs: [away(shape, -3, 3, [-margin, margin]), sides],
      f: (options, [scores, targets]) => hinge(scores, targets, { margin, ...options }),
    };
  }),
  mse: pairs((_, shape) => ({
    inputs: [numbers(shape), numbers(shape)],
    f: (options, [x, y]) => mse(x, y, options),
  })),
  l1: pairs((_, shape) => ({
    inputs: [away(shape, -3, 3, [0], 0.05), uniform(shape, -0.04, 0.04)],
    f: (options, [x, y]) => l1(x, y, options),
  })),
  huber: pairs((draw, shape) => {
    const delta = draw.real(0.5, 2);
    return {
      options: { delta },
      inputs: [away(shape, -3, 3, [-delta, 0, delta], 0.05), uniform(shape, -0.04, 0.04)],
      f: (options, [x, y]) => huber(x, y, { delta, ...options }),
    };
  }),
  smoothL1: pairs((draw, shape) => {
    const beta = draw.chance(0.2) ? 0 : draw.real(0.5, 2);
    return {
      options: { beta },
      inputs: [away(shape, -3, 3, [-beta, 0, beta], 0.05), uniform(shape, -0.04, 0.04)],
      f: (options, [x, y]) => smoothL1(x, y, { beta, ...options }),
    };
  }),
  binaryCrossEntropy: pairs((_, shape) => ({
    inputs: [uniform(shape, 0.1, 0.9), uniform(shape, 0, 1)],
    f: (options, [p, y]) => binaryCrossEntropy(p, y, options),
  })),
  binaryCrossEntropyWithLogits: pairs((draw, shape) => {
    const posWeight = draw.pick(['none', 'number', 'tensor'] as const);
    const factor = draw.real(0.5, 3);
    return {
      options: { posWeight, factor },
      inputs: [
        numbers(shape),
        uniform(shape, 0, 1),
        ...(posWeight === 'tensor' ? [uniform(shape.slice(-1), 0.5, 3)] : []),
      ],
      f: (options, [x, y, weight]) =>
        binaryCrossEntropyWithLogits(x, y, {
          ...options,
          ...(posWeight !== 'none' && { posWeight: weight ?? factor }),
        }),
    };
  }),
  klDivergence: {
    tolerance: losses,
    draw(draw) {
      const shape = draw.wholes(draw.whole(1, 3), 1, 3);
      const options = { logTarget: draw.chance(), reduction: draw.pick([...reductions, 'batchmean'] as const) };
      return {
        description: JSON.stringify({ shape, ...options }),
        inputs: [uniform(shape, -3, 0), options.logTarget ? uniform(shape, -3, 0) : uniform(shape, 0.1, 1)],
        f: (logProbabilities, targets) => klDivergence(logProbabilities, targets, options),
      };
    },
  },
  rbfLoss: {
    tolerance: losses,
    draw(draw) {
      const { drawn, inputs } = drawClasses(draw, (shape) => uniform(shape, 0, 6), false);
      const j = draw.real(0.1, 4);
      return {
        description: JSON.stringify({ ...drawn, j }),
        inputs,
        f: (distances, classes) => rbfLoss(distances, classes, { j, reduction: drawn.reduction }),
      };
    },
  },
  l1Penalty: penalty(l1Penalty),
  l2Penalty: penalty(l2Penalty),
  gradientPenalty: {
    tolerance: losses,
    draw(draw) {
      const [n, features, hidden] = [draw.whole(1, 3), draw.whole(1, 3), draw.whole(2, 4)];
      const target = draw.pick([0, 1]);
      return {
        description: JSON.stringify({ n, features, hidden, target }),
        // Weights of one sign: no gradient is near 0, where the norm has a kink.
        inputs: [numbers([n, features]), uniform([features, hidden], 0.2, 0.8), uniform([hidden, 1], 0.3, 1)],
        f: (x, w, v) => gradientPenalty((each) => matmul(tanh(matmul(each, w)), v), x, { target }),
      };
    },
  },
};
