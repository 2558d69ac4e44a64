import type { Shape, Window } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import type { OpName, Tensor } from '@receptive/tensor';
import * as t from '@receptive/tensor';
import { Rng, cast, setBackend, tensor } from '@receptive/tensor';
import { describe, expect, it } from 'vitest';
import { gradCheck, rules } from '../src/index.ts';

setBackend(reference());

/** A float64 tensor of uniform numbers in [low, high). */
function between(low: number, high: number, shape: Shape = [3, 4]): Tensor {
  return cast(new Rng(7).uniform(shape, low, high), 'float64');
}

/** Distinct numbers, at least 0.1 apart, and from 0, so that no kink is near. */
function distinct(shape: Shape): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float64Array.from(new Rng(3).permutation(size), (i) => i / 10 - size / 20 + 0.03),
    { shape },
  );
}

function indices(values: number[][]): Tensor {
  return tensor(values, { dtype: 'int32' });
}

interface Case {
  readonly f: (...inputs: Tensor[]) => Tensor;
  readonly inputs: readonly (Shape | Tensor)[];
}

const window: Window = {
  kernel: [3, 2],
  stride: [2, 1],
  dilation: [1, 2],
  padding: [
    [1, 0],
    [1, 2],
  ],
};

/** What deformable columns are read with: offsets in two groups, for two rows of two places. */
const deformed = {
  window: {
    kernel: [2, 1],
    stride: [2, 1],
    dilation: [1, 1],
    padding: [
      [1, 1],
      [0, 0],
    ],
  },
  offsetGroups: 2,
} as const;
const geometry = { ...window, groups: 2 };
const square = [3, 4];
/** A class for each row of `square`. */
const labels = tensor([2, 0, 3], { dtype: 'int32' });

/** At least one case for each op that has a derivative. */
const cases: { readonly [N in OpName]?: readonly Case[] } = {
  neg: [{ f: t.neg, inputs: [square] }],
  abs: [
    { f: t.abs, inputs: [between(0.2, 1)] },
    { f: t.abs, inputs: [between(-1, -0.2)] },
  ],
  square: [{ f: t.square, inputs: [square] }],
  sqrt: [{ f: t.sqrt, inputs: [between(0.5, 2)] }],
  rsqrt: [{ f: t.rsqrt, inputs: [between(0.5, 2)] }],
  reciprocal: [{ f: t.reciprocal, inputs: [between(0.5, 2)] }],
  exp: [{ f: t.exp, inputs: [square] }],
  expm1: [{ f: t.expm1, inputs: [square] }],
  log: [{ f: t.log, inputs: [between(0.5, 2)] }],
  log1p: [{ f: t.log1p, inputs: [between(-0.5, 2)] }],
  sin: [{ f: t.sin, inputs: [square] }],
  cos: [{ f: t.cos, inputs: [square] }],
  tanh: [{ f: t.tanh, inputs: [square] }],
  sigmoid: [{ f: t.sigmoid, inputs: [square] }],
  softplus: [{ f: (x) => t.softplus(x), inputs: [square] }],
  relu: [{ f: (x) => t.relu(x).square(), inputs: [distinct(square)] }],
  activationGradient: [
    { f: (g, y) => t.activationGradient('tanh', g, y), inputs: [square, square] },
    { f: (g, y) => t.activationGradient('sigmoid', g, y), inputs: [square, square] },
    { f: (g) => t.activationGradient('relu', g, distinct(square)).square(), inputs: [square] },
  ],
  erf: [{ f: t.erf, inputs: [square] }],
  leakyRelu: [{ f: (x) => t.leakyRelu(x, { negativeSlope: 0.1 }).square(), inputs: [distinct(square)] }],
  prelu: [
    { f: (x, weight) => t.prelu(x, weight).square(), inputs: [distinct([2, 3, 2]), [3]] },
    { f: (x, weight) => t.prelu(x, weight).square(), inputs: [distinct(square), []] },
  ],
  elu: [{ f: (x) => t.elu(x, { alpha: 1.5 }), inputs: [distinct(square)] }],
  selu: [{ f: (x) => t.selu(x), inputs: [distinct(square)] }],
  celu: [{ f: (x) => t.celu(x, { alpha: 0.5 }), inputs: [distinct(square)] }],
  gelu: [
    { f: (x) => t.gelu(x), inputs: [square] },
    { f: (x) => t.gelu(x, { approximate: 'tanh' }), inputs: [square] },
  ],
  silu: [{ f: t.silu, inputs: [square] }],
  mish: [{ f: t.mish, inputs: [square] }],
  softsign: [{ f: t.softsign, inputs: [distinct(square)] }],
  hardSigmoid: [{ f: (x) => t.hardSigmoid(x.mul(7)).square(), inputs: [distinct(square)] }],
  hardSwish: [{ f: (x) => t.hardSwish(x.mul(7)), inputs: [distinct(square)] }],
  hardTanh: [{ f: (x) => t.hardTanh(x, { minVal: -0.4, maxVal: 0.2 }).square(), inputs: [distinct(square)] }],
  scaledTanh: [{ f: t.scaledTanh, inputs: [square] }],
  curveGradient: [
    ...(['gelu', 'geluTanh', 'silu', 'mish', 'scaledTanh'] as const).map((curve) => ({
      f: (g: Tensor, x: Tensor) => t.curveGradient(g, x, { curve, constants: [] }),
      inputs: [square, square],
    })),
    ...(['softsign', 'hardSigmoid', 'hardSwish'] as const).map((curve) => ({
      f: (g: Tensor, x: Tensor) => t.curveGradient(g, x, { curve, constants: [] }),
      inputs: [square, distinct(square)],
    })),
    {
      f: (g, x) => t.curveGradient(g, x, { curve: 'elu', constants: [1.5, 2, 0.5] }),
      inputs: [square, distinct(square)],
    },
  ],
  // An estimate is not the derivative. But there is a difference quotient between two places of one side, and it is what the difference must be.
  step: [{ f: (x) => t.step(x, { estimator: 'difference', h: 0.01 }), inputs: [distinct(square)] }],

  add: [
    { f: t.add, inputs: [square, square] },
    {
      f: (a, b) => t.add(a, b).square(),
      inputs: [
        [2, 1, 3],
        [4, 1],
      ],
    },
  ],
  sub: [
    {
      f: (a, b) => t.sub(a, b).square(),
      inputs: [
        [2, 1, 3],
        [4, 1],
      ],
    },
  ],
  mul: [
    { f: t.mul, inputs: [square, square] },
    { f: t.mul, inputs: [[], square] },
    { f: (x) => t.mul(x, x), inputs: [square] },
  ],
  div: [
    { f: t.div, inputs: [square, between(0.5, 2)] },
    { f: t.div, inputs: [[4], between(0.5, 2, [3, 1])] },
  ],
  pow: [
    { f: t.pow, inputs: [between(0.5, 2), square] },
    { f: (x) => t.pow(x, 3), inputs: [square] },
  ],
  maximum: [{ f: (a, b) => t.maximum(a, b).square(), inputs: [distinct(square), between(-0.04, 0.04)] }],
  minimum: [{ f: (a, b) => t.minimum(a, b).square(), inputs: [distinct(square), between(-0.04, 0.04)] }],
  where: [{ f: (a, b) => t.where(t.greater(distinct(square), 0), a, b).square(), inputs: [square, [4]] }],
  cast: [{ f: (x) => t.cast(x, 'float64').square(), inputs: [square] }],

  reshape: [{ f: (x) => t.reshape(x, [2, 6]).square(), inputs: [square] }],
  permute: [{ f: (x) => t.permute(x, [2, 0, 1]).square(), inputs: [[2, 3, 4]] }],
  slice: [{ f: (x) => t.slice(x, [1, 0], [3, -1]).square(), inputs: [square] }],
  flip: [{ f: (x) => t.flip(x, [1]).square(), inputs: [square] }],
  broadcastTo: [{ f: (x) => t.broadcastTo(x, [2, 3, 4]).square(), inputs: [[3, 1]] }],
  concat: [
    {
      f: (a, b) => t.concat([a, b, a], 1).square(),
      inputs: [
        [2, 3],
        [2, 1],
      ],
    },
  ],
  pad: [
    {
      f: (x) =>
        t
          .pad(
            x,
            [
              [1, 0],
              [0, 2],
            ],
            { value: 5 },
          )
          .square(),
      inputs: [square],
    },
  ],
  extend: (['reflect', 'replicate', 'circular'] as const).map((mode) => ({
    f: (x) =>
      t
        .pad(
          x,
          [
            [2, 0],
            [1, 3],
          ],
          { mode },
        )
        .square(),
    inputs: [square],
  })),

  sum: [
    { f: (x) => t.sum(x, [0, 2]).square(), inputs: [[2, 3, 4]] },
    { f: (x) => t.sum(x, 1, { keepDims: true }).square(), inputs: [square] },
  ],
  max: [
    { f: (x) => t.max(x, 1).square(), inputs: [distinct(square)] },
    { f: (x) => t.max(x, [0, 2], { keepDims: true }).square(), inputs: [distinct([2, 3, 4])] },
  ],
  min: [{ f: (x) => t.min(x, 0, { keepDims: true }).square(), inputs: [distinct(square)] }],

  matmul: [
    {
      f: (a, b) => t.matmul(a, b),
      inputs: [
        [3, 2],
        [2, 4],
      ],
    },
    {
      f: (a, b) => t.matmul(a, b, { transposeA: true }),
      inputs: [
        [2, 3],
        [2, 4],
      ],
    },
    {
      f: (a, b) => t.matmul(a, b, { transposeB: true }),
      inputs: [
        [3, 2],
        [4, 2],
      ],
    },
    {
      f: (a, b) => t.matmul(a, b, { transposeA: true, transposeB: true }),
      inputs: [
        [2, 2, 3],
        [2, 4, 2],
      ],
    },
    {
      f: (a, b) => t.matmul(a, b),
      inputs: [
        [2, 1, 3, 2],
        [5, 2, 2],
      ],
    },
  ],

  gather: [
    {
      f: (x) =>
        t
          .gather(
            x,
            indices([
              [0, 0, 3],
              [1, 2, 1],
              [3, 0, 0],
            ]),
            1,
          )
          .square(),
      inputs: [square],
    },
  ],
  scatterAdd: [
    {
      f: (x) =>
        t
          .scatterAdd(
            x,
            indices([
              [0, 0, 3],
              [1, 2, 1],
            ]),
            1,
            5,
          )
          .square(),
      inputs: [[2, 3]],
    },
  ],

  softmax: [
    { f: (x) => t.softmax(x), inputs: [square] },
    { f: (x) => t.softmax(x, 0), inputs: [square] },
  ],
  logSoftmax: [{ f: (x) => t.logSoftmax(x), inputs: [square] }],
  softmaxGradient: [{ f: t.softmaxGradient, inputs: [square, square] }],
  logSoftmaxGradient: [{ f: t.logSoftmaxGradient, inputs: [square, square] }],
  softmaxCrossEntropy: (['mean', 'sum', 'none'] as const).map((reduction) => ({
    f: (x) => t.softmaxCrossEntropy(x, labels, reduction),
    inputs: [square],
  })),
  softmaxCrossEntropyGradient: [
    { f: (g, x) => t.softmaxCrossEntropyGradient(g, x, labels, 'none'), inputs: [between(-2, 2, [3]), square] },
    { f: (g, x) => t.softmaxCrossEntropyGradient(g, x, labels, 'mean'), inputs: [between(1, 2, []), square] },
  ],

  conv: [
    {
      f: (x, w, b) =>
        t.conv2d(x, w, b, {
          stride: 2,
          padding: [
            [0, 1],
            [2, 1],
          ],
          dilation: [1, 2],
        }),
      inputs: [[2, 3, 5, 6], [2, 3, 3, 2], [2]],
    },
    {
      f: (x, w) => t.conv2d(x, w, null, { groups: 2, padding: 'same' }),
      inputs: [
        [1, 4, 4, 3],
        [6, 2, 3, 2],
      ],
    },
  ],
  convActivation: [
    {
      f: (x, w, b) => t.convActivation(x, w, b, geometry, 'tanh'),
      inputs: [[2, 4, 5, 4], [2, 2, 3, 2], [2]],
    },
  ],
  convInputGradient: [
    {
      f: (g, w) => t.convInputGradient(g, w, geometry, [2, 4, 5, 4]),
      inputs: [
        [2, 2, 2, 5],
        [2, 2, 3, 2],
      ],
    },
  ],
  convWeightGradient: [
    {
      f: (x, g) => t.convWeightGradient(x, g, geometry, [2, 2, 3, 2]),
      inputs: [
        [2, 4, 5, 4],
        [2, 2, 2, 5],
      ],
    },
  ],
  locallyConnected: [
    {
      f: (x, w, b) =>
        t.locallyConnected2d(x, w, b, {
          stride: [2, 1],
          padding: [
            [1, 0],
            [0, 1],
          ],
          dilation: [1, 2],
        }),
      inputs: [
        [2, 2, 3, 4],
        [2, 3, 2, 2, 2, 2],
        [2, 2, 3],
      ],
    },
  ],
  im2col: [{ f: (x) => t.im2col(x, window, 2).square(), inputs: [[2, 2, 5, 4]] }],
  col2im: [{ f: (x) => t.col2im(x, [2, 1, 5, 4], window).square(), inputs: [[2, 6, 10]] }],

  maxPool: [{ f: (x) => t.maxPool2d(x, [3, 2], { stride: 1, padding: 1 }).square(), inputs: [distinct([2, 2, 4, 3])] }],
  maxPoolValues: [
    {
      f: (x) =>
        t.dispatch(t.ops.maxPoolValues, [x], { window: { ...window, kernel: [3, 2], stride: [1, 2] } })[0].square(),
      inputs: [distinct([2, 2, 4, 3])],
    },
  ],
  maxPoolGradient: [
    {
      f: (g) => {
        const x = distinct([1, 2, 5, 4]);
        const [, places] = t.maxPool2dWithIndices(x, window.kernel, window);
        return t.maxPoolGradient(g, places, window, x.shape).square();
      },
      inputs: [[1, 2, 2, 5]],
    },
  ],
  avgPool: [
    { f: (x) => t.avgPool2d(x, 2).square(), inputs: [[2, 2, 4, 4]] },
    { f: (x) => t.avgPool2d(x, 3, { stride: 2, padding: 1, countIncludePad: false }).square(), inputs: [[1, 2, 5, 4]] },
  ],
  avgPoolGradient: [
    { f: (g) => t.avgPoolGradient(g, { window, countPadding: false }, [1, 2, 5, 4]).square(), inputs: [[1, 2, 2, 5]] },
  ],
  sumPool: [{ f: (x) => t.sumPool2d(x, window.kernel, window).square(), inputs: [[1, 2, 5, 4]] }],
  sumPoolGradient: [{ f: (g) => t.sumPoolGradient(g, window, [1, 2, 5, 4]).square(), inputs: [[1, 2, 2, 5]] }],
  variancePool: [{ f: (x) => t.variancePool2d(x, window.kernel, window), inputs: [[1, 2, 5, 4]] }],
  stochasticPool: [
    {
      f: (x) => t.stochasticPool2d(x, window.kernel, { ...window, rng: new Rng(1) }).square(),
      inputs: [distinct([1, 2, 5, 4])],
    },
  ],
  blend: [
    {
      f: (x) => t.blend(x, { axis: 1, bands: [[0, 0.5], [0, 0.25, 0.75], [3], [1, 1, -2, 3]] }).square(), // prettier-ignore
      inputs: [[2, 4, 3]],
    },
  ],
  interpolate: [
    { f: (x) => t.interpolate(x, { size: [2, 5], mode: 'linear' }).square(), inputs: [[1, 2, 3, 3]] },
    { f: (x) => t.interpolate(x, { size: [5], mode: 'linear', alignCorners: true }).square(), inputs: [[1, 2, 3]] },
    { f: (x) => t.interpolate(x, { scaleFactor: 1.7 }).square(), inputs: [[1, 2, 3, 2]] },
  ],
  pixelShuffle: [{ f: (x) => t.pixelShuffle(x, 2).square(), inputs: [[1, 4, 2, 3]] }],
  pixelUnshuffle: [{ f: (x) => t.pixelUnshuffle(x, 2).square(), inputs: [[1, 2, 4, 2]] }],

  sample: [
    { f: t.sample, inputs: [[2, 2, 5], between(-1.4, 5.4, [2, 6, 1])] },
    { f: t.sample, inputs: [[2, 2, 3, 4], between(-1.2, 3.9, [2, 5, 2])] },
    { f: t.sample, inputs: [[1, 2, 2, 3, 2], between(-0.9, 2.9, [1, 4, 3])] },
  ],
  deformConv: [
    {
      f: (x, offset, w, b) => t.deformConv2d(x, offset, w, b, { padding: 1 }),
      inputs: [[1, 1, 2, 3], between(-1.9, -1.1, [1, 8, 3, 4]), [2, 1, 2, 2], [2]],
    },
    {
      f: (x, offset, w, mask) =>
        t.deformConv2d(x, offset, w, null, { mask, stride: 2, padding: 1, groups: 2, offsetGroups: 2 }),
      inputs: [[2, 4, 3, 4], between(0.1, 0.9, [2, 8, 2, 3]), [2, 2, 2, 1], [2, 4, 2, 3]],
    },
  ],
  deformColumns: [
    {
      f: (x, offset, mask) => t.deformColumns(x, offset, mask, deformed),
      inputs: [[1, 2, 3, 2], between(0.1, 0.9, [1, 8, 2, 2]), [1, 4, 2, 2]],
    },
  ],
  deformColumnsInputGradient: [
    {
      f: (g, offset, mask) => t.deformColumnsInputGradient(g, offset, mask, deformed, [1, 2, 3, 2]),
      inputs: [[1, 4, 4], between(0.1, 0.9, [1, 8, 2, 2]), [1, 4, 2, 2]],
    },
  ],
  deformColumnsOffsetGradient: [
    {
      f: (x, g, offset, mask) => t.deformColumnsOffsetGradient(x, g, offset, mask, deformed),
      inputs: [[1, 2, 3, 2], [1, 4, 4], between(0.1, 0.9, [1, 8, 2, 2]), [1, 4, 2, 2]],
    },
  ],
  deformColumnsMaskGradient: [
    {
      f: (x, g, offset) => t.deformColumnsMaskGradient(x, g, offset, deformed),
      inputs: [[1, 2, 3, 2], [1, 4, 4], between(0.1, 0.9, [1, 8, 2, 2])],
    },
  ],
  sampleInputGradient: [
    {
      f: (g, points) => t.sampleInputGradient(g, points, [1, 2, 3, 4]),
      inputs: [[1, 2, 6], between(-1.2, 3.9, [1, 6, 2])],
    },
  ],
  samplePointsGradient: [
    { f: t.samplePointsGradient, inputs: [[1, 2, 3, 4], between(-1.2, 3.9, [1, 6, 2]), [1, 2, 6]] },
    { f: t.samplePointsGradient, inputs: [[1, 1, 2, 3, 2], between(-0.9, 2.9, [1, 3, 3]), [1, 1, 3]] },
  ],

  standardize: [
    { f: (x) => t.standardize(x, [0, 2], 0.1)[0], inputs: [[2, 3, 4]] },
    { f: (x) => t.standardize(x, 1, 0)[0].square(), inputs: [distinct(square)] },
  ],
  standardizeGradient: [
    {
      f: (g, x) => t.standardizeGradient(g, x, t.standardize(x, [0, 2], 0.1), { axes: [0, 2], eps: 0.1 }),
      inputs: [
        [2, 3, 4],
        [2, 3, 4],
      ],
    },
  ],
  batchNorm: [
    {
      f: (x, mean, variance, weight, bias) =>
        t.batchNorm(x, { statistics: { mean, variance }, weight, bias, eps: 0.1 }),
      inputs: [[2, 3, 4], [3], between(0.5, 2, [3]), [3], [3]],
    },
    {
      f: (x, mean, variance) => t.batchNorm(x, { statistics: { mean, variance }, eps: 0.1 }).square(),
      inputs: [square, [4], between(0.5, 2, [4])],
    },
  ],
  localResponseNorm: [
    { f: (x) => t.localResponseNorm(x, { size: 3, alpha: 0.5, k: 1 }), inputs: [[2, 5, 2]] },
    { f: (x) => t.localResponseNorm(x, { size: 4, alpha: 2, beta: 1.5, divideBySize: true }), inputs: [[1, 3, 2, 2]] },
  ],
  localResponseNormGradient: [
    {
      f: (g, x) => t.localResponseNormGradient(g, x, { size: 4, alpha: 0.5, beta: 0.75, k: 1 }),
      inputs: [
        [2, 5, 2],
        [2, 5, 2],
      ],
    },
  ],

  custom: [
    {
      f: (x) => t.customDerivative({ forward: (y) => y.square(), backward: (g, [y]) => [g.mul(y!).mul(2)] }, x),
      inputs: [square],
    },
  ],
};

const differentiable = (Object.keys(rules) as OpName[]).filter((name) => rules[name] !== 'nondifferentiable');

describe('every derivative rule agrees with central differences', () => {
  it.each(differentiable)('%s', (name) => {
    const own = cases[name];
    expect(own, `${name} has a derivative, so it needs a case here`).toBeDefined();
    for (const { f, inputs } of own!) gradCheck(f, inputs, { tolerance: 1e-7, eps: 1e-5 });
  });
});

describe('every derivative rule can be differentiated again', () => {
  it.each(differentiable)('%s', (name) => {
    for (const { f, inputs } of cases[name] ?? []) gradCheck(f, inputs, { second: true, tolerance: 1e-6, eps: 1e-5 });
  });
});
