import type { Operand, OptionalKernels } from '../kernels.ts';
import type { Shape } from '../shape.ts';
import { sizeOf, stridesOf } from '../shape.ts';
import { eachIndex } from './positions.ts';
import type { Open } from './positions.ts';

/** One corner of the cell in which a point lies. */
export interface Corner {
  /** Where in its plane; -1 outside. */
  readonly place: number;
  readonly weight: number;
  /** Derivatives of the weight in the point's coordinates. */
  readonly slopes: readonly number[];
}

/** The corners of the cell of a point. A NaN coordinate makes one, which is nowhere. */
export function cornersOf(point: readonly number[], spatial: Shape): Corner[] {
  if (point.some(Number.isNaN)) return [{ place: -1, weight: NaN, slopes: point.map(() => NaN) }];
  if (point.some((at, axis) => at <= -1 || at >= spatial[axis]!)) return [];
  const strides = stridesOf(spatial);
  const corners: Corner[] = [];
  eachIndex(
    spatial.map(() => 2),
    (sides) => {
      const index = point.map((at, axis) => Math.floor(at) + sides[axis]!);
      const inside = index.every((i, axis) => i >= 0 && i < spatial[axis]!);
      const weights = point.map((at, axis) => (sides[axis] ? at - Math.floor(at) : 1 - (at - Math.floor(at))));
      corners.push({
        place: inside ? index.reduce((place, i, axis) => place + i * strides[axis]!, 0) : -1,
        weight: weights.reduce((a, b) => a * b),
        slopes: sides.map((side, axis) => weights.reduce((a, b, other) => (other === axis ? a : a * b), 2 * side - 1)),
      });
    },
  );
  return corners;
}

/** The kernels that read and write between pixels. */
export function sampling(open: Open): Pick<OptionalKernels, 'sample' | 'sampleInputGradient' | 'samplePointsGradient'> {
  /** Calls `visit` for each point, channel and corner, with the numbers of the point, of the output's element and of the plane's first element. */
  function eachCorner(
    x: Operand,
    points: Operand,
    visit: (corner: Corner, point: number, output: number, plane: number) => void,
  ): void {
    const [n, c, ...spatial] = x.shape as [number, number, ...number[]];
    const [, count, axes] = points.shape as [number, number, number];
    const coordinates = open(points);
    for (let point = 0; point < n * count; point++) {
      const corners = cornersOf([...coordinates.subarray(point * axes, (point + 1) * axes)], spatial);
      for (let channel = 0; channel < c; channel++) {
        const plane = Math.floor(point / count) * c + channel;
        for (const corner of corners) visit(corner, point, plane * count + (point % count), plane * sizeOf(spatial));
      }
    }
  }

  return {
    sample(x, points, out) {
      const values = open(x);
      const sums = new Float64Array(sizeOf(out.shape));
      eachCorner(x, points, ({ place, weight }, _point, output, plane) => {
        sums[output]! += weight * (place < 0 ? 0 : values[plane + place]!);
      });
      open(out).set(sums);
    },

    sampleInputGradient(gradient, points, out) {
      const upstream = open(gradient);
      const sums = new Float64Array(sizeOf(out.shape));
      eachCorner(out, points, ({ place, weight }, _point, output, plane) => {
        if (place >= 0) sums[plane + place]! += weight * upstream[output]!;
      });
      open(out).set(sums);
    },

    samplePointsGradient(x, points, gradient, out) {
      const [values, upstream] = [open(x), open(gradient)];
      const sums = new Float64Array(sizeOf(out.shape));
      eachCorner(x, points, ({ place, slopes }, point, output, plane) => {
        const value = place < 0 ? 0 : values[plane + place]!;
        slopes.forEach((slope, axis) => (sums[point * slopes.length + axis]! += slope * value * upstream[output]!));
      });
      open(out).set(sums);
    },
  };
}
