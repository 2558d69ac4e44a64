import { interpolate, pixelShuffle, pixelUnshuffle } from '@receptive/tensor';
import type { InterpolationMode } from '@receptive/tensor';
import { numbers } from '../case.ts';
import { exact, sums } from '../tolerance.ts';
import type { Generators, OnnxNode } from './generator.ts';

const longest = [0, 8, 4, 3];

interface Drawn {
  /** Lengths, or factors. */
  readonly by: 'size' | 'scaleFactor';
  readonly target: readonly number[];
  readonly mode: InterpolationMode;
  readonly alignCorners: boolean;
}

function resize(x: readonly number[], { by, target, mode, alignCorners }: Drawn): OnnxNode {
  const [whole, data] = [[...x.slice(0, 2), ...target], Float32Array.from([1, 1, ...target])];
  const places = mode === 'nearest' ? 'asymmetric' : alignCorners ? 'align_corners' : 'half_pixel';
  return {
    op: 'Resize',
    inputs: [0, null, ...(by === 'size' ? [null, whole] : [{ shape: [x.length], dtype: 'float32', data } as const])],
    strings: { mode, coordinate_transformation_mode: places, nearest_mode: 'floor' },
  };
}

export const resamplingGenerators: Generators = {
  interpolate: {
    tolerance: sums,
    draw(draw) {
      const axes = draw.whole(1, 3);
      const x = [1, draw.whole(1, 2), ...draw.wholes(axes, 1, longest[axes]!)];
      const linear = draw.chance(0.7);
      const by = draw.pick(['size', 'scaleFactor'] as const);
      // Factors that float32 holds, so that ONNX rounds lengths as we do, and that leave an element.
      const target =
        by === 'size'
          ? draw.wholes(axes, 1, 2 * longest[axes]!)
          : x.slice(2).map((n) => draw.whole(Math.ceil(4 / n), 10) / 4);
      const mode = linear ? 'linear' : 'nearest';
      const alignCorners = linear && draw.chance();
      return {
        description: JSON.stringify({ x, [by]: target, mode, alignCorners }),
        inputs: [numbers(x)],
        f: (input) => interpolate(input, { [by]: target, mode, alignCorners }),
        onnx: resize(x, { by, target, mode, alignCorners }),
      };
    },
  },
  pixelShuffle: {
    tolerance: exact,
    draw(draw) {
      const axes = draw.whole(1, 3);
      const factor = axes === 3 ? draw.whole(1, 2) : draw.whole(1, 3);
      const x = [draw.whole(1, 2), factor ** axes * draw.whole(1, 2), ...draw.wholes(axes, 1, 2)];
      return {
        description: JSON.stringify({ x, factor }),
        inputs: [numbers(x)],
        f: (input) => pixelShuffle(input, factor),
        ...(axes === 2 && { onnx: { op: 'DepthToSpace', ints: { blocksize: factor }, strings: { mode: 'CRD' } } }),
      };
    },
  },
  pixelUnshuffle: {
    tolerance: exact,
    draw(draw) {
      const axes = draw.whole(1, 3);
      const factor = axes === 3 ? draw.whole(1, 2) : draw.whole(1, 3);
      const x = [1, draw.whole(1, 2), ...draw.wholes(axes, 1, 2).map((length) => factor * length)];
      return {
        description: JSON.stringify({ x, factor }),
        inputs: [numbers(x)],
        f: (input) => pixelUnshuffle(input, factor),
        // Of several channels ONNX's order is another one.
        ...(axes === 2 && x[1] === 1 && { onnx: { op: 'SpaceToDepth', ints: { blocksize: factor } } }),
      };
    },
  },
};
