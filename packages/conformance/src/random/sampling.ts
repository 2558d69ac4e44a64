import type { Shape } from '@receptive/backend';
import { affineGrid, gridSample, sample } from '@receptive/tensor';
import type { Input } from '../case.ts';
import { numbers } from '../case.ts';
import type { Tolerance } from '../tolerance.ts';
import { away } from './draw.ts';
import type { Draw } from './draw.ts';
import type { Generators } from './generator.ts';

/** A few steps to a place, whose error is multiplied by the slope there. */
const placing: Tolerance = { c: 64, scale: 'largest' };

/** `[N, C, ...spatial]` of one to three axes. */
function drawShape(draw: Draw): [number, number, ...number[]] {
  const axes = draw.whole(1, 3);
  return [draw.whole(1, 2), draw.whole(1, 2), ...draw.wholes(axes, 1, axes === 3 ? 3 : 5)];
}

/** Coordinates along an axis, up to `beyond` elements outside, away from the elements and from the middles between them. */
function coordinates(length: number, beyond: number): Input {
  const [low, high] = [-beyond, length - 1 + beyond];
  const kinks = Array.from({ length: 2 * (length + 2 * Math.ceil(beyond)) }, (_, i) => i / 2 - Math.ceil(beyond));
  return away([1], low, high, kinks, 0.03);
}

/** Coordinates of points, one axis after the other in the last axis of `shape`; `as` makes elements of them what the function takes. */
function drawPoints(
  shape: Shape,
  lengths: readonly number[],
  beyond: number,
  as = (place: number, _length: number): number => place,
): Input {
  const axes = lengths.map((length) => coordinates(length, beyond));
  return {
    shape,
    dtype: 'any',
    element(unit, i, dtype) {
      const axis = i % lengths.length;
      return as(axes[axis]!.element(unit, i, dtype), lengths[axis]!);
    },
  };
}

export const samplingGenerators: Generators = {
  sample: {
    tolerance: placing,
    draw(draw) {
      const x = drawShape(draw);
      const [n, , ...spatial] = x;
      const points = [n, draw.whole(1, 6), spatial.length];
      return {
        description: JSON.stringify({ x, points }),
        inputs: [numbers(x), drawPoints(points, spatial, 1.8)],
        f: sample,
      };
    },
  },

  gridSample: {
    tolerance: placing,
    draw(draw) {
      const x = drawShape(draw);
      const [n, , ...spatial] = x;
      const mode = draw.pick(['bilinear', 'nearest'] as const);
      const paddingMode = draw.pick(['zeros', 'border', 'reflection'] as const);
      const alignCorners = draw.chance();
      const grid = [n, ...draw.wholes(spatial.length, 1, 3), spatial.length];
      const toGrid = (place: number, length: number): number =>
        alignCorners ? (2 * place) / Math.max(1, length - 1) - 1 : (2 * place + 1) / length - 1;
      return {
        description: JSON.stringify({ x, grid, mode, paddingMode, alignCorners }),
        inputs: [numbers(x), drawPoints(grid, [...spatial].reverse(), paddingMode === 'zeros' ? 1.8 : 7, toGrid)],
        f: (input, places) => gridSample(input, places, { mode, paddingMode, alignCorners }),
        ...(spatial.length > 1 && {
          onnx: {
            op: 'GridSample',
            ints: { align_corners: Number(alignCorners) },
            strings: { mode: mode === 'bilinear' ? 'linear' : mode, padding_mode: paddingMode },
          },
        }),
      };
    },
  },

  affineGrid: {
    tolerance: { c: 16, scale: 'largest' },
    draw(draw) {
      const size = drawShape(draw);
      const [n, , ...spatial] = size;
      const alignCorners = draw.chance();
      return {
        description: JSON.stringify({ size, alignCorners }),
        inputs: [numbers([n, spatial.length, spatial.length + 1])],
        f: (theta) => affineGrid(theta, size, { alignCorners }),
        // ONNX divides by the length less one: of a single place with corners aligned, which is the middle here as in PyTorch, it says nothing.
        ...(spatial.length > 1 &&
          !(alignCorners && spatial.includes(1)) && {
            onnx: { op: 'AffineGrid', inputs: [0, size], ints: { align_corners: Number(alignCorners) } },
          }),
      };
    },
  },
};
