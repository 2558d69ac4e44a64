import type { DType, Kernels, Operand, Storage } from '@receptive/backend';
import { stridesOf } from '@receptive/backend';
import { conv, convInputGradient, convWeightGradient } from './conv.ts';
import * as elementwise from './elementwise.ts';
import type { Located } from './elementwise.ts';
import * as indexing from './indexing.ts';
import { matmul } from './matmul.ts';
import type { Plan, Reserve } from './plan.ts';
import { adamStep, sgdStep } from './optimisers.ts';
import { argReduce, reduce } from './reduce.ts';
import { softmax } from './softmax.ts';
import { concat, copyView, fill, im2col, pad } from './views.ts';
import * as windows from './windows.ts';

/** What runs plans: one thread or several, over one linear memory. */
export interface Host {
  /** Where a storage lies. Throws for a storage that is not the host's or has been freed. */
  addressOf(storage: Storage): number;
  /** Memory for a plan's intermediate results, until the next plan has run. */
  readonly reserve: Reserve;
  /** Runs a plan to its end. */
  run(plan: Plan): void;
}

/** All kernels of the backend contract, as plans that `host` runs. Any op/dtype pair without a kernel throws a TypeError that says so. */
export function plannedKernels(host: Host): Required<Kernels> {
  const { reserve } = host;
  const at = ({ storage, shape, dtype }: Operand): Located => ({ address: host.addressOf(storage), shape, dtype });
  const float = (op: string, operand: Operand): Located => {
    only(op, operand, 'float32');
    return at(operand);
  };

  return {
    fill: (out, value) => host.run(fill(at(out), value)),
    cast: (x, out) =>
      host.run(
        x.dtype === out.dtype
          ? copyView(at(x), at(out), { offset: 0, strides: stridesOf(x.shape) })
          : elementwise.cast(at(x), at(out)),
      ),
    unary: (name, x, out) => host.run(elementwise.unary(name, float(name, x), at(out))),
    binary: (name, a, b, out) => host.run(elementwise.binary(name, at(a), at(b), at(out))),
    activationGradient: (name, gradient, y, out) =>
      host.run(elementwise.binary(`${name}Gradient`, at(gradient), at(y), at(out))),
    compare: (name, a, b, out) => host.run(elementwise.binary(name, at(a), at(b), at(out))),
    where: (condition, a, b, out) => host.run(elementwise.where(at(condition), at(a), at(b), at(out))),
    copyView: (x, out, view) => host.run(copyView(at(x), at(out), view)),
    concat: (inputs, out, axis) => host.run(concat(inputs.map(at), at(out), axis)),
    pad: (x, out, padding, value) => host.run(pad(at(x), at(out), padding, value)),
    reduce: (name, x, out, axes) => host.run(reduce(name, at(x), at(out), axes, reserve)),
    argReduce: (name, x, out, axis) => host.run(argReduce(name, at(x), at(out), axis)),
    matmul: (a, b, out, options) => host.run(matmul(float('matmul', a), float('matmul', b), at(out), options, reserve)),
    gather: (x, index, out, axis) => host.run(indexing.gather(at(x), at(index), at(out), axis)),
    scatterAdd: (source, index, out, axis) => host.run(indexing.scatterAdd(at(source), at(index), at(out), axis)),
    im2col: (x, out, window, value) => host.run(im2col(at(x), at(out), window, value, reserve)),
    col2im: (columns, out, window) => host.run(windows.col2im(float('col2im', columns), at(out), window)),
    conv: (x, weight, bias, out, geometry) =>
      host.run(conv(float('conv', x), at(weight), bias && at(bias), at(out), geometry, reserve)),
    convInputGradient: (gradient, weight, out, geometry) =>
      host.run(convInputGradient(float('convInputGradient', gradient), at(weight), at(out), geometry, reserve)),
    convWeightGradient: (x, gradient, out, geometry) =>
      host.run(convWeightGradient(float('convWeightGradient', x), at(gradient), at(out), geometry, reserve)),
    maxPool: (x, out, indices, window) => host.run(windows.maxPool(float('maxPool', x), at(out), at(indices), window)),
    maxPoolGradient: (gradient, indices, out) =>
      host.run(windows.maxPoolGradient(float('maxPoolGradient', gradient), at(indices), at(out))),
    avgPool: (x, out, window, countPadding) =>
      host.run(windows.avgPool(float('avgPool', x), at(out), window, countPadding)),
    avgPoolGradient: (gradient, out, window, countPadding) =>
      host.run(windows.avgPoolGradient(float('avgPoolGradient', gradient), at(out), window, countPadding)),
    softmax: (x, out) => host.run(softmax('softmax', float('softmax', x), at(out))),
    logSoftmax: (x, out) => host.run(softmax('logSoftmax', float('logSoftmax', x), at(out))),
    sgdStep: ({ parameter, gradient, velocity }, next, options) =>
      host.run(
        sgdStep(
          float('sgdStep', parameter),
          at(gradient),
          velocity && at(velocity),
          { parameter: at(next.parameter), velocity: next.velocity && at(next.velocity) },
          options,
        ),
      ),
    adamStep: ({ parameter, gradient, mean, variance }, next, options) =>
      host.run(
        adamStep(
          { parameter: float('adamStep', parameter), mean: at(mean), variance: at(variance) },
          at(gradient),
          { parameter: at(next.parameter), mean: at(next.mean), variance: at(next.variance) },
          options,
        ),
      ),
  };
}

function only(op: string, { dtype }: Operand, expected: DType): void {
  if (dtype !== expected)
    throw new TypeError(`${op}: there is no kernel for ${dtype}, only for ${expected}. Convert with cast().`);
}
