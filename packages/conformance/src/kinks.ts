import { grad } from '@receptive/autograd';
import type { Backend } from '@receptive/backend';
import type { Tensor } from '@receptive/tensor';
import {
  abs,
  adaptiveMaxPool2d,
  add,
  celu,
  clamp,
  elu,
  gridSample,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  localContrastNorm,
  lpPool2d,
  max,
  maxPool2d,
  maximum,
  maxout,
  min,
  minPool2d,
  minimum,
  prelu,
  relu,
  relu6,
  reshape,
  sample,
  slice,
  stochasticPool2d,
  sum,
} from '@receptive/tensor';
import { expect } from 'vitest';
import type { Registry } from './registry.ts';
import { compute } from './run.ts';

/** A function that somewhere has no derivative, and the gradients that stand for it there. */
interface Kink {
  readonly name: string;
  readonly f: (...inputs: readonly [Tensor, Tensor]) => Tensor;
  readonly inputs: readonly (readonly number[])[];
  readonly gradients: readonly (readonly number[])[];
}

const kinks: readonly Kink[] = [
  { name: 'relu has none at 0', f: relu, inputs: [[-1, 0, 1]], gradients: [[0, 0, 1]] },
  { name: 'abs has none at 0', f: abs, inputs: [[-1, 0, 1]], gradients: [[-1, 0, 1]] },
  {
    name: 'clamp lets it pass at its limits',
    f: (x) => clamp(x, 0, 1),
    inputs: [[-1, 0, 0.5, 1, 2]],
    gradients: [[0, 1, 1, 1, 0]],
  },
  {
    name: 'hardTanh has none at its limits',
    f: (x) => hardTanh(x, { minVal: -1, maxVal: 2 }),
    inputs: [[-2, -1, 0, 2, 3]],
    gradients: [[0, 0, 1, 0, 0]],
  },
  { name: 'relu6 has none at 0 and 6', f: relu6, inputs: [[-1, 0, 3, 6, 7]], gradients: [[0, 0, 1, 0, 0]] },
  {
    name: 'hardSigmoid has none at -3 and 3',
    f: (x) => hardSigmoid(x).mul(6),
    inputs: [[-4, -3, 1, 3, 4]],
    gradients: [[0, 0, 1, 0, 0]],
  },
  {
    name: 'hardSwish has none at -3, and that above at 3',
    f: hardSwish,
    inputs: [[-4, -3, 3, 4]],
    gradients: [[0, 0, 1, 1]],
  },
  {
    name: 'leakyRelu has its slope at 0',
    f: (x) => leakyRelu(x, { negativeSlope: 0.25 }),
    inputs: [[-1, 0, 1]],
    gradients: [[0.25, 0.25, 1]],
  },
  {
    name: 'prelu has its slope at 0',
    f: prelu,
    inputs: [[-2, 0, 1], [0.25]],
    gradients: [[0.25, 0.25, 1], [-2]],
  },
  { name: 'elu has alpha at 0', f: (x) => elu(x, { alpha: 2 }), inputs: [[0, 1]], gradients: [[2, 1]] },
  { name: 'celu has 1 at 0', f: (x) => celu(x, { alpha: 2 }), inputs: [[0, 1]], gradients: [[1, 1]] },
  {
    name: 'maxout gives it to the first of equals',
    f: (x) => maxout(x, 2, 0),
    inputs: [[2, 2, 1, 5]],
    gradients: [[1, 0, 0, 1]],
  },
  {
    name: 'max gives it to the first of equals',
    f: (x) => max(x, 0),
    inputs: [[2, 5, 5, 1]],
    gradients: [[0, 1, 0, 0]],
  },
  {
    name: 'min gives it to the first of equals',
    f: (x) => min(x, 0),
    inputs: [[2, 1, 5, 1]],
    gradients: [[0, 1, 0, 0]],
  },
  {
    name: 'maximum gives it to its first argument',
    f: maximum,
    inputs: [
      [1, 2, 3],
      [1, 3, 2],
    ],
    gradients: [
      [1, 0, 1],
      [0, 1, 0],
    ],
  },
  {
    name: 'minimum gives it to its first argument',
    f: minimum,
    inputs: [
      [1, 2, 3],
      [1, 3, 2],
    ],
    gradients: [
      [1, 1, 0],
      [0, 0, 1],
    ],
  },
  {
    name: 'maxPool gives it to the first of equals',
    f: (x) => maxPool2d(reshape(x, [1, 1, 2, 4]), 2),
    inputs: [[7, 7, 1, 2, 7, 7, 3, 3]],
    gradients: [[1, 0, 0, 0, 0, 0, 1, 0]],
  },
  {
    name: 'minPool gives it to the first of equals',
    f: (x) => minPool2d(reshape(x, [1, 1, 2, 4]), 2),
    inputs: [[7, 7, 1, 2, 7, 7, 3, 1]],
    gradients: [[1, 0, 1, 0, 0, 0, 0, 0]],
  },
  {
    name: 'adaptiveMaxPool gives it to the first of equals in the plane',
    f: (x) => adaptiveMaxPool2d(reshape(x, [1, 1, 3, 3]), 2),
    inputs: [[0, 5, 0, 5, 0, 0, 0, 0, 0]],
    gradients: [[0, 2, 0, 1, 1, 0, 0, 0, 0]],
  },
  {
    name: 'lpPool has none where a window is all 0',
    f: (x) => lpPool2d(reshape(x, [1, 1, 1, 4]), 2, [1, 2]),
    inputs: [[0, 0, 0, 4]],
    gradients: [[0, 0, 0, 1]],
  },
  {
    name: 'stochasticPool has none where nothing is positive',
    f: (x) => stochasticPool2d(reshape(x, [1, 1, 1, 4]), [1, 2]),
    inputs: [[-1, 0, 2, 0]],
    gradients: [[0, 0, 1, 0]],
  },
  {
    name: 'sample takes the cell that begins there, and has none at its ends',
    f: (x, points) => sample(reshape(x, [1, 1, 4]), reshape(points, [1, 6, 1])),
    inputs: [
      [1, 4, 9, 2],
      [0, 1, 2, 3, -1, 4],
    ],
    gradients: [
      [1, 1, 1, 1],
      [3, 5, -7, -2, 0, 0],
    ],
  },
  {
    name: 'gridSample has none at the border, nor where it is reflected',
    f: (x, grid) =>
      add(
        gridSample(reshape(x, [1, 1, 3]), reshape(grid, [1, 4, 1]), { paddingMode: 'border', alignCorners: true }),
        gridSample(reshape(x, [1, 1, 3]), reshape(grid, [1, 4, 1]), { paddingMode: 'reflection', alignCorners: true }),
      ),
    inputs: [
      [1, 4, 2],
      [-1, 1, -3, 0.5],
    ],
    gradients: [
      [3, 1, 4],
      [0, 0, 0, -4],
    ],
  },
  {
    name: 'localContrastNorm has none of a deviation that is raised to eps',
    // The first of two places that count alike: it less their mean, over eps.
    f: (x) => slice(localContrastNorm(reshape(x, [1, 1, 2]), { size: 3, sigma: 1e6, eps: 0.5 }), [0, 0, 0], [1, 1, 1]),
    inputs: [[5, 5]],
    gradients: [[1, -1]],
  },
];

/** Declares the tests of gradients where the mathematics leaves a choice: it is the same on all backends, and written down here by value. */
export function testKinks(registry: Registry, backend: Backend): void {
  const test = registry.group('kinks');
  for (const { name, f, inputs, gradients } of kinks) {
    test(name, async () => {
      const values = inputs.map(
        (list) => ({ shape: [list.length], dtype: 'float32', data: Float32Array.from(list) }) as const,
      );
      const { outputs } = await compute(backend, values, (tensors) =>
        grad(() => sum(f(...(tensors as [Tensor, Tensor]))), tensors),
      );
      // Adding 0 makes -0, which a derivative may well come to, 0.
      expect(outputs.map(({ data }) => Array.from(data, (value) => value + 0))).toEqual(gradients);
    });
  }
}
