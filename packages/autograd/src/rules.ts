import type { AttributesOf, Each, InputsOf, OpName, OutputsOf, Tensor } from '@receptive/tensor';
import {
  activationGradient,
  add,
  argmax,
  argmin,
  blend,
  broadcastTo,
  cast,
  col2im,
  columnGeometry,
  conv,
  convInputGradient,
  convWeightGradient,
  cos,
  curveGradient,
  curves,
  deformColumns,
  deformColumnsInputGradient,
  deformColumnsMaskGradient,
  deformColumnsOffsetGradient,
  div,
  equal,
  exp,
  flip,
  gather,
  greaterEqual,
  im2col,
  lessEqual,
  localResponseNormGradient,
  log,
  logSoftmaxGradient,
  matmul,
  mul,
  neg,
  pad,
  permute,
  pixelShuffle,
  pixelUnshuffle,
  pow,
  reshape,
  sample,
  sampleInputGradient,
  samplePointsGradient,
  scalarLike,
  scatterAdd,
  sigmoid,
  sign,
  sin,
  slice,
  softmaxCrossEntropyGradient,
  softmaxGradient,
  square,
  standardizeGradient,
  sub,
  sumPoolGradient,
  transposedBands,
  unsqueeze,
  where,
  avgPoolGradient,
  maxPoolGradient,
} from '@receptive/tensor';
import { batchNormGradients, perChannel } from './batch-norm.ts';
import { estimateStep } from './step.ts';

/**
 * Gradients of an op's inputs from that of its first output, each as a function that is called only if it is asked for; null where there is none. A
 * gradient may still have the output's broadcast shape: who calls the rule sums it down to the input's. Rules are written in ops, so that every backend
 * trains and every rule can be differentiated again.
 */
export type Rule<N extends OpName> = (
  gradient: Tensor,
  inputs: Each<InputsOf<N>, Tensor>,
  attributes: AttributesOf<N>,
  outputs: Each<OutputsOf<N>, Tensor>,
) => Each<InputsOf<N>, (() => Tensor) | null>;

/**
 * The derivative of every op: a rule, `'composition'` (differentiate the op's default composition), or `'nondifferentiable'` (zero almost everywhere, or
 * without meaning). An op without an entry does not compile.
 */
export const rules: { readonly [N in OpName]: Rule<N> | 'composition' | 'nondifferentiable' } = {
  fill: 'nondifferentiable',
  uniform: 'nondifferentiable',

  neg: (g) => [() => neg(g)],
  abs: (g, [x]) => [() => mul(g, sign(x))],
  sign: 'nondifferentiable',
  square: (g, [x]) => [() => mul(g, mul(x, 2))],
  sqrt: (g, _x, _, [y]) => [() => div(g, mul(y, 2))],
  rsqrt: (g, [x], _, [y]) => [() => mul(g, div(mul(y, -0.5), x))],
  reciprocal: (g, _x, _, [y]) => [() => neg(mul(g, square(y)))],
  exp: (g, _x, _, [y]) => [() => mul(g, y)],
  expm1: (g, _x, _, [y]) => [() => mul(g, add(y, 1))],
  log: (g, [x]) => [() => div(g, x)],
  log1p: (g, [x]) => [() => div(g, add(x, 1))],
  sin: (g, [x]) => [() => mul(g, cos(x))],
  cos: (g, [x]) => [() => neg(mul(g, sin(x)))],
  tanh: (g, _x, _, [y]) => [() => activationGradient('tanh', g, y)],
  sigmoid: (g, _x, _, [y]) => [() => activationGradient('sigmoid', g, y)],
  softplus: (g, [x]) => [() => mul(g, sigmoid(x))],
  relu: (g, _x, _, [y]) => [() => activationGradient('relu', g, y)],
  erf: (g, [x]) => [() => mul(g, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI)))],
  floor: 'nondifferentiable',
  ceil: 'nondifferentiable',
  round: 'nondifferentiable',

  add: (g) => [() => g, () => g],
  sub: (g) => [() => g, () => neg(g)],
  mul: (g, [a, b]) => [() => mul(g, b), () => mul(g, a)],
  div: (g, [_a, b], _, [y]) => [() => div(g, b), () => neg(div(mul(g, y), b))],
  pow: (g, [a, b], _, [y]) => [
    // At b = 0 the power is constant in a, and at a = 0 constant in b > 0; the formulas alone would give 0 times infinity there.
    () => where(equal(b, 0), scalarLike(g, 0), mul(g, mul(b, pow(a, sub(b, 1))))),
    () => where(equal(a, 0), scalarLike(g, 0), mul(g, mul(y, log(a)))),
  ],
  maximum: (g, [a, b]) => routed(g, greaterEqual(a, b)),
  minimum: (g, [a, b]) => routed(g, lessEqual(a, b)),
  equal: 'nondifferentiable',
  notEqual: 'nondifferentiable',
  less: 'nondifferentiable',
  lessEqual: 'nondifferentiable',
  greater: 'nondifferentiable',
  greaterEqual: 'nondifferentiable',
  activationGradient: 'composition',
  curveGradient: 'composition',
  leakyRelu: (g, [x], attributes) => [() => curveGradient(g, x, curves.leakyRelu(attributes))],
  prelu: 'composition',
  elu: (g, [x], attributes) => [() => curveGradient(g, x, curves.elu(attributes))],
  selu: (g, [x]) => [() => curveGradient(g, x, curves.selu())],
  celu: (g, [x], attributes) => [() => curveGradient(g, x, curves.celu(attributes))],
  gelu: (g, [x], attributes) => [() => curveGradient(g, x, curves.gelu(attributes))],
  silu: (g, [x]) => [() => curveGradient(g, x, curves.silu())],
  mish: (g, [x]) => [() => curveGradient(g, x, curves.mish())],
  softsign: (g, [x]) => [() => curveGradient(g, x, curves.softsign())],
  hardSigmoid: (g, [x]) => [() => curveGradient(g, x, curves.hardSigmoid())],
  hardSwish: (g, [x]) => [() => curveGradient(g, x, curves.hardSwish())],
  hardTanh: (g, [x], attributes) => [() => curveGradient(g, x, curves.hardTanh(attributes))],
  scaledTanh: (g, [x]) => [() => curveGradient(g, x, curves.scaledTanh())],
  step: (g, [x], options) => [() => estimateStep(g, x, options)],
  where: (g, [condition]) => [null, ...routed(g, condition)],
  cast: (g, [x]) => [() => cast(g, x.dtype)],

  reshape: (g, [x]) => [() => reshape(g, x.shape)],
  permute: (g, _x, { axes }) => [
    () =>
      permute(
        g,
        axes.map((_, axis) => axes.indexOf(axis)),
      ),
  ],
  slice: (g, [x], { start, end }) => [
    () =>
      pad(
        g,
        x.shape.map((length, axis) => [start[axis]!, length - end[axis]!]),
      ),
  ],
  flip: (g, _x, { axes }) => [() => flip(g, axes)],
  broadcastTo: (g) => [() => g],
  concat: (g, inputs, { axis }) => {
    let end = 0;
    return inputs.map(({ shape }) => {
      const start = end;
      end += shape[axis]!;
      const place = (at: number, otherwise: (length: number) => number): number[] =>
        shape.map((length, a) => (a === axis ? at : otherwise(length)));
      const [from, to] = [place(start, () => 0), place(end, (length) => length)];
      return () => slice(g, from, to);
    });
  },
  pad: (g, [x], { padding }) => [
    () =>
      slice(
        g,
        padding.map(([before]) => before),
        padding.map(([before], axis) => before + x.shape[axis]!),
      ),
  ],

  extend: 'composition',

  sum: (g, [x], { axes }) => [
    () =>
      broadcastTo(
        reshape(
          g,
          x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length)),
        ),
        x.shape,
      ),
  ],
  max: (g, [x], { axis, keepDims }) => [() => toIndex(g, argmax(x, axis, { keepDims: true }), x, axis, keepDims)],
  min: (g, [x], { axis, keepDims }) => [() => toIndex(g, argmin(x, axis, { keepDims: true }), x, axis, keepDims)],
  argmax: 'nondifferentiable',
  argmin: 'nondifferentiable',

  matmul: (g, [a, b], { transposeA, transposeB }) => [
    () =>
      transposeA
        ? matmul(b, g, { transposeA: transposeB, transposeB: true })
        : matmul(g, b, { transposeB: !transposeB }),
    () =>
      transposeB
        ? matmul(g, a, { transposeA: true, transposeB: transposeA })
        : matmul(a, g, { transposeA: !transposeA }),
  ],

  gather: (g, [x, index], { axis }) => [() => scatterAdd(g, index, axis, x.shape[axis]!), null],
  scatterAdd: (g, [_source, index], { axis }) => [() => gather(g, index, axis), null],

  softmax: (g, _x, _, [y]) => [() => softmaxGradient(g, y)],
  softmaxGradient: 'composition',
  logSoftmax: (g, _x, _, [y]) => [() => logSoftmaxGradient(g, y)],
  logSoftmaxGradient: 'composition',
  softmaxCrossEntropy: (g, [logits, classes], { reduction }) => [
    () => softmaxCrossEntropyGradient(g, logits, classes, reduction),
    null,
  ],
  softmaxCrossEntropyGradient: 'composition',

  conv: (g, [x, weight, bias], { geometry }) => {
    const gradients: [() => Tensor, () => Tensor] = [
      () => convInputGradient(g, weight, geometry, x.shape),
      () => convWeightGradient(x, g, geometry, weight.shape),
    ];
    return bias ? [...gradients, () => perChannel(g)] : gradients;
  },
  convActivation: 'composition',
  // Both gradients are linear in each of their inputs, and the inner products <g, gradient> are one trilinear form of input, weights and output.
  convInputGradient: (g, [gradient, weight], { geometry }) => [
    () => conv(g, weight, undefined, geometry),
    () => convWeightGradient(g, gradient, geometry, weight.shape),
  ],
  convWeightGradient: (g, [x, gradient], { geometry }) => [
    () => convInputGradient(gradient, g, geometry, x.shape),
    () => conv(x, g, undefined, geometry),
  ],
  locallyConnected: 'composition',
  im2col: (g, [x], { window }) => [() => col2im(g, x.shape, window)],
  col2im: (g, _columns, { window }) => [() => im2col(g, window)],

  maxPool: (g, [x], { window }, [_y, indices]) => [() => maxPoolGradient(g, indices, window, x.shape)],
  maxPoolValues: 'composition',
  maxPoolGradient: 'composition',
  avgPool: (g, [x], attributes) => [() => avgPoolGradient(g, attributes, x.shape)],
  avgPoolGradient: 'composition',
  sumPool: (g, [x], { window }) => [() => sumPoolGradient(g, window, x.shape)],
  sumPoolGradient: 'composition',
  variancePool: 'composition',
  stochasticPool: 'composition',
  blend: (g, [x], { axis, bands }) => [() => blend(g, { axis, bands: transposedBands(bands, x.shape[axis]!) })],
  interpolate: 'composition',
  pixelShuffle: (g, _x, { factor }) => [() => pixelUnshuffle(g, factor)],
  pixelUnshuffle: (g, _x, { factor }) => [() => pixelShuffle(g, factor)],

  sample: (g, [x, points]) => [() => sampleInputGradient(g, points, x.shape), () => samplePointsGradient(x, points, g)],
  // What sampling x at points gives, times a gradient, is also x times what this sends back.
  sampleInputGradient: (g, [gradient, points]) => [
    () => sample(g, points),
    () => samplePointsGradient(g, points, gradient),
  ],
  samplePointsGradient: 'composition',
  // What both the image and the offsets ask for is computed once: whoever trains one trains the other.
  deformConv: (g, [x, offset, weight, mask], { geometry, offsetGroups }) => {
    const [window, product] = [{ window: geometry, offsetGroups }, columnGeometry(geometry.groups)];
    const [images, filters] = g.shape as [number, number];
    const [upstream, weights] = [reshape(g, [images, filters, -1]), reshape(weight, [filters, -1, 1])];
    const places = upstream.shape[2]!;
    const shape = [images, (weight.size / filters) * geometry.groups, places];
    const columns = convInputGradient(upstream, weights, product, shape);
    const gradients: [() => Tensor, () => Tensor, () => Tensor] = [
      () => deformColumnsInputGradient(columns, offset, mask, window, x.shape),
      () => deformColumnsOffsetGradient(x, columns, offset, mask, window),
      () => {
        const read = deformColumns(x, offset, mask, window);
        return reshape(convWeightGradient(read, upstream, product, weights.shape), weight.shape);
      },
    ];
    return mask ? [...gradients, () => deformColumnsMaskGradient(x, columns, offset, window)] : gradients;
  },
  deformColumns: (g, [x, offset, mask], window) => {
    const gradients: [() => Tensor, () => Tensor] = [
      () => deformColumnsInputGradient(g, offset, mask, window, x.shape),
      () => deformColumnsOffsetGradient(x, g, offset, mask, window),
    ];
    return mask ? [...gradients, () => deformColumnsMaskGradient(x, g, offset, window)] : gradients;
  },
  deformColumnsInputGradient: 'composition',
  deformColumnsOffsetGradient: 'composition',
  deformColumnsMaskGradient: 'composition',

  standardize: (g, [x], attributes, outputs) => [() => standardizeGradient(g, x, outputs, attributes)],
  standardizeGradient: 'composition',
  batchNorm: batchNormGradients,
  localResponseNorm: (g, [x], attributes) => [() => localResponseNormGradient(g, x, attributes)],
  localResponseNormGradient: 'composition',

  sgdStep: 'nondifferentiable',
  adamStep: 'nondifferentiable',
  adagradStep: 'nondifferentiable',
  rmspropStep: 'nondifferentiable',
  adadeltaStep: 'nondifferentiable',
  nadamStep: 'nondifferentiable',

  stopGradient: 'nondifferentiable',
  custom: (g, inputs, f, [y]) => {
    const gradients = f.backward(g, inputs, y);
    return inputs.map((_, i) => (gradients[i] ? () => gradients[i]! : null));
  },
};

/** The gradient goes to the first of two inputs where `toFirst` is 1, else to the second. */
function routed(g: Tensor, toFirst: Tensor): [() => Tensor, () => Tensor] {
  return [() => where(toFirst, g, scalarLike(g, 0)), () => where(toFirst, scalarLike(g, 0), g)];
}

/** Zeros of x's shape but for the gradient at `index`, which keeps the reduced axis. */
function toIndex(g: Tensor, index: Tensor, x: Tensor, axis: number, keptDims: boolean): Tensor {
  return scatterAdd(keptDims ? g : unsqueeze(g, axis), index, axis, x.shape[axis]!);
}
