import type { DType, Kernels, Operand, Storage } from '@receptive/backend';
import { stridesOf } from '@receptive/backend';
import * as elementwise from './elementwise.ts';
import type { Located } from './elementwise.ts';
import * as indexing from './indexing.ts';
import { matmul } from './matmul.ts';
import type { Plan, Reserve } from './plan.ts';
import { argReduce, reduce } from './reduce.ts';
import { concat, copyView, fill, im2col, pad } from './views.ts';
import { col2im } from './windows.ts';

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
export function plannedKernels(host: Host): Kernels {
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
    col2im: (columns, out, window) => host.run(col2im(float('col2im', columns), at(out), window)),
  };
}

function only(op: string, { dtype }: Operand, expected: DType): void {
  if (dtype !== expected)
    throw new TypeError(`${op}: there is no kernel for ${dtype}, only for ${expected}. Convert with cast().`);
}
