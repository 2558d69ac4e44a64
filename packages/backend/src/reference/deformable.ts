import type { Operand, OptionalKernels } from '../kernels.ts';
import type { Shape } from '../shape.ts';
import { sizeOf } from '../shape.ts';
import type { Window } from '../window.ts';
import { windowOutput } from '../window.ts';
import { eachIndex } from './positions.ts';
import type { Open } from './positions.ts';
import type { Corner } from './sampling.ts';
import { cornersOf } from './sampling.ts';

/** One element of the columns. */
interface Read {
  /** The corners of the cell that it is read from. */
  readonly corners: readonly Corner[];
  /** Its number, and that of its plane's first element. */
  readonly entry: number;
  readonly plane: number;
  /** Number of the mask's element, and of that for each axis of the offsets. */
  readonly mask: number;
  readonly offsets: readonly number[];
}

/** The kernels of deformable convolution. */
export function deformable(
  open: Open,
): Pick<
  OptionalKernels,
  | 'deformConv'
  | 'deformColumns'
  | 'deformColumnsInputGradient'
  | 'deformColumnsOffsetGradient'
  | 'deformColumnsMaskGradient'
> {
  /** Calls `visit` for each element of the columns of an input of `shape`. */
  function eachRead(shape: Shape, offset: Operand, window: Window, groups: number, visit: (read: Read) => void): void {
    const moves = open(offset);
    const { kernel, stride, dilation, padding } = window;
    const [images, channels, ...spatial] = shape as [number, number, ...number[]];
    const [output, taps, together] = [windowOutput(spatial, window), sizeOf(kernel), channels / groups];
    const places = sizeOf(output);
    for (let group = 0; group < images * groups; group++) {
      eachIndex(kernel, (at, tap) => {
        eachIndex(output, (index, place) => {
          const mask = (group * taps + tap) * places + place;
          const offsets = kernel.map((_, axis) => ((group * taps + tap) * kernel.length + axis) * places + place);
          const point = index.map(
            (i, axis) => i * stride[axis]! - padding[axis]![0] + at[axis]! * dilation[axis]! + moves[offsets[axis]!]!,
          );
          const corners = cornersOf(point, spatial);
          for (let channel = group * together; channel < (group + 1) * together; channel++) {
            const entry = (channel * taps + tap) * places + place;
            visit({ corners, entry, plane: channel * sizeOf(spatial), mask, offsets });
          }
        });
      });
    }
  }

  const valueAt = (values: ArrayLike<number>, { corners, plane }: Read): number =>
    corners.reduce((sum, { place, weight }) => sum + weight * (place < 0 ? 0 : values[plane + place]!), 0);

  function columnsOf(
    x: Operand,
    offset: Operand,
    mask: Operand | undefined,
    window: Window,
    groups: number,
  ): Float64Array {
    const [values, factors] = [open(x), mask && open(mask)];
    const places = sizeOf(windowOutput(x.shape.slice(2), window));
    const columns = new Float64Array(x.shape[0]! * x.shape[1]! * sizeOf(window.kernel) * places);
    eachRead(x.shape, offset, window, groups, (read) => {
      columns[read.entry] = valueAt(values, read) * (factors ? factors[read.mask]! : 1);
    });
    return columns;
  }

  return {
    deformConv(x, offset, weight, mask, out, geometry, offsetGroups) {
      const columns = columnsOf(x, offset, mask, geometry, offsetGroups);
      const [weights, result] = [open(weight), open(out)];
      const { groups } = geometry;
      const [filters, places] = [weight.shape[0]! / groups, sizeOf(out.shape.slice(2))];
      const inner = sizeOf(weight.shape.slice(1));
      eachIndex([x.shape[0]!, groups, filters, places], ([image, group, filter, place], i) => {
        let sum = 0;
        for (let k = 0; k < inner; k++)
          sum +=
            weights[(group! * filters + filter!) * inner + k]! *
            columns[((image! * groups + group!) * inner + k) * places + place!]!;
        result[i] = sum;
      });
    },

    deformColumns(x, offset, mask, out, window, offsetGroups) {
      open(out).set(columnsOf(x, offset, mask, window, offsetGroups));
    },

    deformColumnsInputGradient(gradient, offset, mask, out, window, offsetGroups) {
      const [upstream, factors] = [open(gradient), mask && open(mask)];
      const sums = new Float64Array(sizeOf(out.shape));
      eachRead(out.shape, offset, window, offsetGroups, ({ corners, entry, plane, mask: own }) => {
        const factor = upstream[entry]! * (factors ? factors[own]! : 1);
        for (const { place, weight } of corners) if (place >= 0) sums[plane + place]! += weight * factor;
      });
      open(out).set(sums);
    },

    deformColumnsOffsetGradient(x, gradient, offset, mask, out, window, offsetGroups) {
      const [values, upstream, factors] = [open(x), open(gradient), mask && open(mask)];
      const sums = new Float64Array(sizeOf(out.shape));
      eachRead(x.shape, offset, window, offsetGroups, ({ corners, entry, plane, mask: own, offsets }) => {
        const factor = upstream[entry]! * (factors ? factors[own]! : 1);
        for (const { place, slopes } of corners) {
          const value = place < 0 ? 0 : values[plane + place]!;
          slopes.forEach((slope, axis) => (sums[offsets[axis]!]! += slope * value * factor));
        }
      });
      open(out).set(sums);
    },

    deformColumnsMaskGradient(x, gradient, offset, out, window, offsetGroups) {
      const [values, upstream] = [open(x), open(gradient)];
      const sums = new Float64Array(sizeOf(out.shape));
      eachRead(x.shape, offset, window, offsetGroups, (read) => {
        sums[read.mask]! += upstream[read.entry]! * valueAt(values, read);
      });
      open(out).set(sums);
    },
  };
}
