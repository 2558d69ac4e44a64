import type { Shape } from '@receptive/backend';
import { sameShape, sizeOf, typedArray } from '@receptive/backend';
import { fromArray } from '../create.ts';
import { ShapeError, formatShape } from '../errors.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { abs, add, div, maximum, minimum, mul, round, sub } from './elementwise.ts';
import { matmul } from './matmul.ts';
import { elementsAt, sample } from './sample.ts';
import { flip, reshape } from './views.ts';

/** What -1 and 1 mean to {@link gridSample} and {@link affineGrid}. */
export interface GridOptions {
  /** The middles of the outermost elements, instead of their outer edges; false unless told. */
  readonly alignCorners?: boolean;
}

/** Options of {@link gridSample}. */
export interface GridSampleOptions extends GridOptions {
  /** How what lies between elements is made: `'bilinear'` (the default; over three axes it is trilinear), or of the nearest element, halves to even. */
  readonly mode?: 'bilinear' | 'nearest';
  /** What lies outside: zeros (the default), the nearest element of the border, or the input mirrored about its corners, as often as it takes. */
  readonly paddingMode?: 'zeros' | 'border' | 'reflection';
}

/** A number for each spatial axis, as a vector of the type and backend of `like`. */
function vector(like: Tensor, spatial: Shape, number: (length: number) => number): Tensor {
  const values = typedArray(like.dtype, spatial.length);
  values.set(spatial.map(number));
  return fromArray(like.backend, values, [spatial.length], like.dtype);
}

const samplers = { bilinear: sample, nearest: (x: Tensor, points: Tensor) => elementsAt(x, round(points)) };

/** What takes the place of points outside. */
const paddings = {
  zeros: (points: Tensor) => points,
  border: toBorder,
  reflection(points: Tensor, spatial: Shape, alignCorners: boolean) {
    const low = alignCorners ? 0 : -0.5;
    // Of one element whose middle both corners are, any period makes that element, once it is taken to the border.
    const period = vector(points, spatial, (length) => Math.max(1, 2 * (alignCorners ? length - 1 : length)));
    const along = sub(points, low);
    const reflected = abs(sub(along, mul(period, round(div(along, period)))));
    return toBorder(add(reflected, low), spatial);
  },
};

/** At the border the gradient is 0, not that of a cell half of which is outside: hence the order of the arguments. */
function toBorder(points: Tensor, spatial: Shape): Tensor {
  const last = vector(points, spatial, (length) => length - 1);
  return minimum(last, maximum(0, points));
}

function oneOf(op: string, what: string, table: object, name: string): void {
  if (Object.hasOwn(table, name)) return;
  throw new RangeError(
    `${op}: ${what} must be one of ${Object.keys(table).join(', ')}, but is ${JSON.stringify(name)}.`,
  );
}

/**
 * Values of `x` `[N, C, H, W]` at the places of `grid` `[N, H', W', 2]`: `[N, C, H', W']`. A place is `(x, y)`, columns first, from -1 at the left and upper
 * edge of the image to 1 at the right and lower one:
 *
 * `column = ((x + 1) * W - 1) / 2`, or with `alignCorners` `(x + 1) * (W - 1) / 2`, and so for rows.
 *
 * Volumes `[N, C, D, H, W]` have grids `[N, D', H', W', 3]` of `(x, y, z)`, and rows `[N, C, L]` such as `[N, L', 1]`. The derivatives are those of
 * {@link sample}; where padding moves a place they are 0, or those at the mirrored place, and 0 at the border itself. A NaN in the grid gives NaN. So does an
 * infinity with `'reflection'`, which is nowhere.
 *
 * Source: Jaderberg et al., Spatial transformer networks, arXiv:1506.02025, equations 3 to 5; options and conventions are PyTorch's.
 * @throws ShapeError unless x has one to three spatial axes and the grid as many axes as x, as many images, and a coordinate for each spatial axis.
 * @throws DTypeError unless both are floats of one dtype.
 * @throws RangeError for a mode that does not exist.
 */
export function gridSample(
  x: Tensor,
  grid: Tensor,
  { mode = 'bilinear', paddingMode = 'zeros', alignCorners = false }: GridSampleOptions = {},
): Tensor {
  oneOf('gridSample', 'mode', samplers, mode);
  oneOf('gridSample', 'paddingMode', paddings, paddingMode);
  floats('gridSample', x);
  sameDtype('gridSample', x, grid);
  const [n, c, ...spatial] = x.shape as [number, number, ...number[]];
  const axes = spatial.length;
  if (axes < 1 || axes > 3) {
    throw new ShapeError(
      `gridSample: needs an input [N, C, ...spatial] of one to three spatial axes, but was given ${formatShape(x.shape)}.`,
    );
  }
  const output = grid.shape.slice(1, -1);
  if (!sameShape(grid.shape, [n, ...output, axes]) || output.length !== axes) {
    throw new ShapeError(
      `gridSample: the grid for an input ${formatShape(x.shape)} has shape [${[n, ...spatial.map(() => '*'), axes].join(', ')}], a coordinate for each spatial axis, the last one first, but was given as ${formatShape(grid.shape)}.`,
    );
  }
  return scope(() => {
    const places = flip(reshape(grid, [n, -1, axes]), -1);
    const scale = vector(grid, spatial, (length) => (alignCorners ? length - 1 : length) / 2);
    const middle = vector(grid, spatial, (length) => (length - 1) / 2);
    const points = paddings[paddingMode](add(mul(places, scale), middle), spatial, alignCorners);
    return reshape(samplers[mode](x, points), [n, c, ...output]);
  });
}

/**
 * The grid by which {@link gridSample} makes an output of `size` `[N, C, H, W]`, each place of which is taken from where an affine map sends it: `theta`
 * `[N, 2, 3]` gives `(x, y) = theta[n] * (x', y', 1)`, for the places of the output from -1 to 1. The grid is `[N, H, W, 2]`; for volumes `[N, C, D, H, W]`
 * theta is `[N, 3, 4]` and the grid `[N, D, H, W, 3]`. With the same `alignCorners`, the identity gives the input itself.
 *
 * Source: Jaderberg et al., Spatial transformer networks, arXiv:1506.02025, equation 1.
 * @throws ShapeError if theta is not `[N, axes, axes + 1]`; DTypeError if it has no floats.
 */
export function affineGrid(theta: Tensor, size: Shape, { alignCorners = false }: GridOptions = {}): Tensor {
  floats('affineGrid', theta);
  const [n, , ...spatial] = size as [number, number, ...number[]];
  const axes = spatial.length;
  if (axes < 1 || axes > 3 || !size.every((length) => Number.isInteger(length) && length >= 1)) {
    throw new ShapeError(
      `affineGrid: the size is that of an output [N, C, ...spatial] of one to three spatial axes, but is ${formatShape(size)}.`,
    );
  }
  shapeIs('affineGrid', 'theta', theta, [n, axes, axes + 1]);
  return scope(() => {
    const grid = matmul(outputPlaces(theta, spatial, alignCorners), theta, { transposeB: true });
    return reshape(grid, [n, ...spatial, axes]);
  });
}

/** The places of an output in homogeneous coordinates, the last axis first: `[places, axes + 1]`. */
function outputPlaces(like: Tensor, spatial: Shape, alignCorners: boolean): Tensor {
  const values = typedArray(like.dtype, sizeOf(spatial) * (spatial.length + 1));
  const width = spatial.length + 1;
  for (let place = 0; place * width < values.length; place++) {
    let rest = place;
    for (let axis = spatial.length - 1; axis >= 0; axis--) {
      const length = spatial[axis]!;
      const steps = alignCorners ? length - 1 : length;
      // From the middle, so that a place and its mirror image are exactly opposite.
      const fromMiddle = 2 * (rest % length) - (length - 1);
      values[place * width + spatial.length - 1 - axis] = steps === 0 ? 0 : fromMiddle / steps;
      rest = Math.floor(rest / length);
    }
    values[place * width + spatial.length] = 1;
  }
  return fromArray(like.backend, values, [sizeOf(spatial), width], like.dtype);
}
