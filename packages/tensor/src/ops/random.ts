import type { RandomPlace, Shape, UniformRange } from '@receptive/backend';
import { fillUniform, sizeOf } from '@receptive/backend';
import { tensor } from '../create.ts';
import { dispatch } from '../dispatch.ts';
import type { Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';

const uniformOp: Op<{ readonly shape: Shape; readonly place: RandomPlace; readonly range: UniformRange }, [], [y: 0]> =
  {
    name: 'uniform',
    fused: 'uniform',
    infer: (_, { shape }) => [{ shape, dtype: 'float32' }],
    run: (kernels, _, [y], { place, range }) => kernels.uniform(y, place, range),
    // The host's arithmetic is everybody's.
    compose(_, { shape, place, range }) {
      const values = new Float32Array(sizeOf(shape));
      fillUniform(values, place, range);
      return [tensor(values, { shape })];
    },
  };

export const randomOps = { uniform: uniformOp };

/** Uniform numbers of a range, float32, on the current backend, of the words from a place of a generator's on. */
export function uniform(shape: Shape, place: RandomPlace, range: UniformRange): Tensor<'float32'> {
  return dispatch(uniformOp, [], { shape: [...shape], place, range })[0] as Tensor<'float32'>;
}
