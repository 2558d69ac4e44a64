import type { Kernels, Operand } from '@receptive/backend';
import { blend } from './blend.ts';
import { conv, convActivation, convInputGradient, convWeightGradient } from './conv.ts';
import * as deformable from './deformable.ts';
import { curve } from './curves.ts';
import * as elementwise from './elementwise.ts';
import type { Located } from './elementwise.ts';
import * as indexing from './indexing.ts';
import { matmul } from './matmul.ts';
import { batchNorm, standardize, standardizeGradient } from './norms.ts';
import { adamNumbers, adamStep, sgdNumbers, sgdStep } from './optimisers.ts';
import type { Kept } from './kept.ts';
import type { Plan } from './plan.ts';
import { float } from './plan.ts';
import type { Builder, Host } from './planner.ts';
import { Planner, Scalar } from './planner.ts';
import { uniform, uniformWords } from './random.ts';
import { argReduce, reduce } from './reduce.ts';
import { localResponseNorm, localResponseNormGradient } from './response-norm.ts';
import { sample, sampleInputGradient, samplePointsGradient } from './sampling.ts';
import { softmax, softmaxCrossEntropy, softmaxCrossEntropyGradient, softmaxGradient } from './softmax.ts';
import { cast, concat, copyView, fill, im2col, pad, wordOf } from './views.ts';
import * as windows from './windows.ts';

/** What each kernel of the contract takes. */
type Contract = { readonly [Name in keyof Kernels]-?: Parameters<Required<Kernels>[Name]> };

/** What is planned for: the same, but for the scalars that change from call to call. */
type Planned = Omit<Contract, 'fill' | 'pad' | 'im2col' | 'uniform' | 'sgdStep' | 'adamStep'> & {
  readonly fill: [out: Operand, value: Scalar];
  readonly pad: [x: Operand, out: Operand, padding: Contract['pad'][2], value: Scalar];
  readonly im2col: [x: Operand, out: Operand, window: Contract['im2col'][2], value: Scalar];
  readonly uniform: [out: Operand, numbers: Scalar[]];
  readonly sgdStep: [inputs: Contract['sgdStep'][0], next: Contract['sgdStep'][1], Scalar[], nesterov: boolean];
  readonly adamStep: [inputs: Contract['adamStep'][0], next: Contract['adamStep'][1], Scalar[]];
};

const builders: { readonly [Name in keyof Kernels]-?: Builder<Planned[Name]> } = {
  fill,
  cast,
  unary: (name, x, out) => ofFloats(name, elementwise.unary.bind(undefined, name))(x, out),
  binary: elementwise.binary,
  compare: elementwise.binary,
  activationGradient: (name, gradient, y, out) => elementwise.binary(`${name}Gradient`, gradient, y, out),
  curve: (name, x, out, constants) =>
    ofFloats(name, (from: Located) => curve(name, undefined, from, out, constants))(x),
  curveGradient: (name, gradient, x, out, constants) =>
    ofFloats(name, (from: Located) => curve(name, gradient, from, out, constants))(x),
  where: elementwise.where,
  copyView,
  concat,
  pad,
  reduce,
  argReduce,
  matmul: ofFloats('matmul', matmul),
  gather: indexing.gather,
  scatterAdd: indexing.scatterAdd,
  im2col,
  col2im: ofFloats('col2im', windows.col2im),
  conv: ofFloats('conv', conv),
  convActivation: ofFloats('convActivation', convActivation),
  convInputGradient: ofFloats('convInputGradient', convInputGradient),
  convWeightGradient: ofFloats('convWeightGradient', convWeightGradient),
  maxPool: ofFloats('maxPool', windows.maxPool),
  maxPoolGradient: ofFloats('maxPoolGradient', windows.maxPoolGradient),
  avgPool: ofFloats('avgPool', windows.avgPool),
  avgPoolGradient: ofFloats('avgPoolGradient', windows.avgPoolGradient),
  sumPool: ofFloats('sumPool', windows.sumPool),
  sumPoolGradient: ofFloats('sumPoolGradient', windows.sumPoolGradient),
  blend: ofFloats('blend', blend),
  sample: ofFloats('sample', sample),
  sampleInputGradient: ofFloats('sampleInputGradient', sampleInputGradient),
  samplePointsGradient: ofFloats('samplePointsGradient', samplePointsGradient),
  deformConv: ofFloats('deformConv', deformable.deformConv),
  deformColumns: ofFloats('deformColumns', deformable.deformColumns),
  deformColumnsInputGradient: ofFloats('deformColumnsInputGradient', deformable.deformColumnsInputGradient),
  deformColumnsOffsetGradient: ofFloats('deformColumnsOffsetGradient', deformable.deformColumnsOffsetGradient),
  deformColumnsMaskGradient: ofFloats('deformColumnsMaskGradient', deformable.deformColumnsMaskGradient),
  softmax: ofFloats('softmax', (x, out) => softmax('softmax', x, out)),
  logSoftmax: ofFloats('logSoftmax', (x, out) => softmax('logSoftmax', x, out)),
  softmaxGradient: ofFloats('softmaxGradient', (gradient, y, out) =>
    softmaxGradient('softmaxGradient', gradient, y, out),
  ),
  logSoftmaxGradient: ofFloats('logSoftmaxGradient', (gradient, y, out) =>
    softmaxGradient('logSoftmaxGradient', gradient, y, out),
  ),
  softmaxCrossEntropy: ofFloats('softmaxCrossEntropy', softmaxCrossEntropy),
  softmaxCrossEntropyGradient: ofFloats('softmaxCrossEntropyGradient', softmaxCrossEntropyGradient),
  batchNorm: ofFloats('batchNorm', batchNorm),
  standardize: ofFloats('standardize', standardize),
  standardizeGradient: ofFloats('standardizeGradient', standardizeGradient),
  localResponseNorm: ofFloats('localResponseNorm', localResponseNorm),
  localResponseNormGradient: ofFloats('localResponseNormGradient', localResponseNormGradient),
  uniform,
  sgdStep,
  adamStep,
};

/** A builder that refuses a first operand of anything but floats. */
function ofFloats<A extends readonly unknown[]>(
  op: string,
  build: (x: Located, ...more: A) => Plan,
): (x: Located, ...more: A) => Plan {
  return (x, ...more) => {
    if (x.dtype !== 'float32')
      throw new TypeError(`${op}: there is no kernel for ${x.dtype}, only for float32. Convert with cast().`);
    return build(x, ...more);
  };
}

/** All kernels of the backend contract, as programs that `host` runs; what they make of weights alone is kept in `kept`, if there is such a place. Any op/dtype pair without a kernel throws a TypeError that says so. */
export function plannedKernels(host: Host, kept?: Kept): Required<Kernels> {
  const planner = new Planner(host, kept);
  const kernels = Object.fromEntries(
    Object.entries(builders).map(([name, build]) => [name, planner.planned(build as Builder<unknown[]>)]),
  ) as { readonly [Name in keyof Planned]: (...args: Planned[Name]) => void };
  const element = ({ dtype }: Operand, value: number): Scalar => new Scalar(wordOf(dtype, value));
  const floats = (numbers: readonly number[]): Scalar[] => numbers.map((number) => new Scalar(float(number)));
  return {
    ...kernels,
    fill: (out, value) => kernels.fill(out, element(out, value)),
    pad: (x, out, padding, value) => kernels.pad(x, out, padding, element(x, value)),
    im2col: (x, out, window, value) => kernels.im2col(x, out, window, element(x, value)),
    uniform: (out, place, range) =>
      kernels.uniform(
        out,
        uniformWords(place, range).map((word) => new Scalar(word | 0)),
      ),
    sgdStep: (inputs, next, options) => kernels.sgdStep(inputs, next, floats(sgdNumbers(options)), options.nesterov),
    adamStep: (inputs, next, options) => kernels.adamStep(inputs, next, floats(adamNumbers(options))),
  };
}
