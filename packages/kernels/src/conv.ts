import type { ActivationName, ConvGeometry } from '@receptive/backend';
import { sizeOf, stridesOf, windowSpan } from '@receptive/backend';
import { convDirectly, inputGradientDirectly, suitsDirect, weightGradientDirectly } from './direct.ts';
import type { Located } from './elementwise.ts';
import { unary } from './elementwise.ts';
import type { Packed, Product } from './gemm.ts';
import { ENOUGH, multiply, pack, packWeights, packedBytes, sliceInner } from './gemm.ts';
import { convByLanes, inputGradientByLanes, suitsLanes, weightGradientByLanes } from './lanes.ts';
import { mend } from './mend.ts';
import { FEW_ROWS_TO_DOT, FEW_ROWS_TO_WEIGH, dotRows, weighRows } from './narrow.ts';
import type { Plan, Reserve } from './plan.ts';
import { pieces } from './plan.ts';
import { combineSlices } from './reduce.ts';
import { residues } from './residues.ts';
import type { Sizes, Three } from './sizes.ts';
import { partsOf, sizesOf, times } from './sizes.ts';
import { convOverStrips, suitsStrips } from './strip-product.ts';
import { inputGradientByClasses } from './transposed.ts';
import { fill, pad } from './views.ts';
import { col2im } from './windows.ts';
import { convByWinograd, inputGradientByWinograd, tileSize, weightGradientByWinograd } from './winograd.ts';

// Convolutions are matrix products whose columns are read from the image itself, over up to three spatial axes: the
// image is padded first, if it must be, and then every element that a window's tap meets lies at a sum of two
// offsets, one of the window's place and one of the tap. The two gradients are the same product with roles exchanged.

/** Images `[N, C, z, y, x]` surrounded by zeros, of which a part of the batch is made at a time. */
interface Padded {
  /** Distance between the elements of an axis, images first. */
  readonly strides: readonly number[];
  readonly bytesPerImage: number;
  /** Where image `from` lies once the plan has run, which pads the images `from` to `to`. */
  part(from: number, to: number): { readonly address: number; readonly plan: Plan };
  /** Takes the memory for parts of `images` images. */
  reserve(images: number, reserve: Reserve): void;
}

function padded(
  x: Located,
  channels: number,
  spatial: Three,
  before: readonly number[],
  after: readonly number[],
): Padded {
  const shape = [channels, ...spatial.map((length, axis) => length + before[axis]! + after[axis]!)];
  const source = [channels, ...spatial];
  const isPadded = before.some((length) => length > 0) || after.some((length) => length > 0);
  const around = [[0, 0], [0, 0], ...before.map((length, axis) => [length, after[axis]!] as const)] as const;
  const bytes = (each: readonly number[]): number => sizeOf(each) * 4;
  let address = 0;
  return {
    strides: stridesOf([1, ...(isPadded ? shape : source)]),
    bytesPerImage: isPadded ? bytes(shape) : 0,
    reserve(images, reserve) {
      if (isPadded) address = reserve(images * bytes(shape));
    },
    part(from, to) {
      const images: Located = {
        address: x.address + from * bytes(source),
        shape: [to - from, ...source],
        dtype: x.dtype,
      };
      if (!isPadded) return { address: images.address, plan: [] };
      return { address, plan: pad(images, { address, shape: [to - from, ...shape], dtype: x.dtype }, around, 0) };
    },
  };
}

/** Zeros around the input so that every window lies inside. */
function paddedInput(x: Located, sizes: Sizes): Padded {
  const after = sizes.input.map((length, axis) => {
    const end =
      (sizes.output[axis]! - 1) * sizes.stride[axis]! + windowSpan(sizes.kernel[axis]!, sizes.dilation[axis]!);
    return Math.max(0, end - sizes.before[axis]! - length);
  });
  return padded(x, sizes.groups * sizes.channels, sizes.input, sizes.before, after);
}

/** Whether a product has so few rows that tiles do not repay them. */
const areFew = (rows: number, most: number, { algorithm }: Sizes): boolean => algorithm !== 'gemm' && rows <= most;

/** A convolution whose columns are not copied, if that is faster. Outputs less than `least` become that. */
function convWithoutPanels(
  x: Located,
  weight: Located,
  bias: Located | undefined,
  out: Located,
  sizes: Sizes,
  least: number,
  reserve: Reserve,
): Plan | undefined {
  if (suitsDirect(sizes, 'conv')) return convDirectly(x, weight, bias, out, sizes, least, reserve);
  if (suitsLanes(sizes, 'conv') || !suitsStrips(sizes)) return undefined;
  return convOverStrips(x, weight, bias, out, sizes, least, reserve);
}

/** {@link conv}, and an activation of its sums. */
export function convActivation(
  x: Located,
  weight: Located,
  bias: Located | undefined,
  out: Located,
  geometry: ConvGeometry,
  activation: ActivationName,
  reserve: Reserve,
): Plan {
  const sizes = sizesOf(x.shape, weight.shape, out.shape, geometry);
  const tile = tileSize(sizes, 'forward');
  if (tile && activation === 'relu') return convByWinograd(x, weight, bias, out, sizes, tile, true, reserve);
  const directly = !tile && activation === 'relu' && convWithoutPanels(x, weight, bias, out, sizes, 0, reserve);
  if (directly) return directly;
  return [...conv(x, weight, bias, out, geometry, reserve), ...unary(activation, out, out)];
}

/** `[N, C, ...spatial]` cross-correlated with `[O, C / groups, ...kernel]`. */
export function conv(
  x: Located,
  weight: Located,
  bias: Located | undefined,
  out: Located,
  geometry: ConvGeometry,
  reserve: Reserve,
): Plan {
  const sizes = sizesOf(x.shape, weight.shape, out.shape, geometry);
  const tile = tileSize(sizes, 'forward');
  if (tile) return convByWinograd(x, weight, bias, out, sizes, tile, false, reserve);
  const directly = convWithoutPanels(x, weight, bias, out, sizes, -Infinity, reserve);
  if (directly) return directly;
  if (suitsLanes(sizes, 'conv')) return convByLanes(x, weight, bias, out, sizes, reserve);
  const { groups, channels, filters, kernel, taps, output } = sizes;
  const image = paddedInput(x, sizes);
  const [perImage, plane, ...spatial] = image.strides as [number, number, number, number, number];
  const places = stridesOf([1, groups * filters, ...output]);
  const parts = partsOf(sizes.images, image.bytesPerImage);
  image.reserve(parts.size, reserve);

  let packed: Packed | undefined;
  const products = parts.ranges.flatMap(([from, to]) => {
    const part = image.part(from, to);
    const product: Product = {
      batch: [groups],
      rows: filters,
      inner: [channels, ...kernel],
      columns: [to - from, ...output],
      a: {
        address: weight.address,
        batch: [filters * channels * taps],
        row: channels * taps,
        inner: stridesOf([channels, ...kernel]),
      },
      b: {
        address: part.address,
        batch: [channels * plane],
        inner: [plane, ...times(spatial, sizes.dilation)],
        columns: [perImage, ...times(spatial, sizes.stride)],
      },
      c: {
        address: out.address + from * places[0]! * 4,
        batch: [filters * places[1]!],
        row: places[1]!,
        columns: [places[0]!, ...places.slice(2)],
      },
      initial: bias && { address: bias.address, batch: [filters] },
    };
    if (areFew(filters, FEW_ROWS_TO_WEIGH, sizes)) return [...part.plan, weighRows(product)];
    const isFirst = packed === undefined;
    packed ??= packWeights(product, reserve);
    return [...(isFirst ? [packed.phase] : []), ...part.plan, multiply(product, packed)];
  });
  return [...products, ...mend('y', { x, weight, y: out, bias }, sizes, reserve)];
}

/** Gradient of {@link conv} with respect to its input, in the one of three ways that computes least. */
export function convInputGradient(
  gradient: Located,
  weight: Located,
  out: Located,
  geometry: ConvGeometry,
  reserve: Reserve,
): Plan {
  const sizes = sizesOf(out.shape, weight.shape, gradient.shape, geometry);
  const tile = tileSize(sizes, 'inputGradient');
  if (tile) return inputGradientByWinograd(gradient, weight, out, sizes, tile, reserve);
  const classes = inputGradientByClasses(gradient, weight, out, sizes, reserve);
  if (classes) return classes;
  if (suitsDirect(sizes, 'inputGradient')) return inputGradientDirectly(gradient, weight, out, sizes, reserve);
  if (suitsLanes(sizes, 'inputGradient')) return inputGradientByLanes(gradient, weight, out, sizes, reserve);
  // Gathering multiplies each input position with all taps of its class, of which many meet only zeros at the edges.
  const wasted = sizeOf(sizes.input) / (sizeOf(sizes.output) * sizeOf(sizes.stride));
  return wasted > 1.5 && !areFew(sizes.channels, FEW_ROWS_TO_WEIGH, sizes)
    ? scatterInputGradient(gradient, weight, out, geometry, sizes, reserve)
    : gatherInputGradient(gradient, weight, out, sizes, reserve);
}

/** Bytes of columns at a time: they stay in the second-level cache between being computed and being added up. */
const COLUMNS = 512 << 10;

/** The product of the transposed weights with the output's gradient gives columns, which are added up into the input. */
function scatterInputGradient(
  gradient: Located,
  weight: Located,
  out: Located,
  geometry: ConvGeometry,
  sizes: Sizes,
  reserve: Reserve,
): Plan {
  const { groups, channels, filters, taps, output } = sizes;
  const places = stridesOf([1, groups * filters, ...output]);
  const [perImage, plane] = places as [number, number];
  const columns = [groups * channels * taps, plane] as const;
  const { size, ranges } = partsOf(sizes.images, sizeOf(columns) * 4, COLUMNS);
  const address = reserve(size * sizeOf(columns) * 4);
  let packed: Packed | undefined;
  return ranges.flatMap(([from, to]) => {
    const product: Product = {
      batch: [groups],
      rows: channels * taps,
      inner: [filters],
      columns: [to - from, plane],
      a: { address: weight.address, batch: [filters * channels * taps], row: 1, inner: [channels * taps] },
      b: {
        address: gradient.address + from * perImage * 4,
        batch: [filters * plane],
        inner: [plane],
        columns: [perImage, 1],
      },
      c: { address, batch: [channels * taps * plane], row: plane, columns: [sizeOf(columns), 1] },
    };
    const isFirst = packed === undefined;
    packed ??= packWeights(product, reserve);
    const image = sizeOf(out.shape.slice(1)) * 4;
    const part = { ...out, address: out.address + from * image, shape: [to - from, ...out.shape.slice(1)] };
    const unfolded = { ...out, address, shape: [to - from, ...columns] };
    return [...(isFirst ? [packed.phase] : []), multiply(product, packed), ...col2im(unfolded, part, geometry)];
  });
}

/** For each class of input positions, a convolution of the output's gradient with the taps that the class meets. */
function gatherInputGradient(gradient: Located, weight: Located, out: Located, sizes: Sizes, reserve: Reserve): Plan {
  const { groups, channels, filters, kernel, taps, output } = sizes;
  const axes = [0, 1, 2].map((axis) => residues(sizes, axis));
  const meeting = axes.map((classes) => classes.filter((residue) => residue.taps > 0));
  const before = meeting.map((classes) =>
    Math.max(0, ...classes.map((residue) => (residue.taps - 1) * residue.outputStep - residue.output)),
  );
  const after = meeting.map((classes, axis) =>
    Math.max(0, ...classes.map((residue) => residue.output + residue.count - output[axis]!)),
  );
  const image = padded(gradient, groups * filters, output, before, after);
  const [perImage, plane, ...spatial] = image.strides as [number, number, number, number, number];
  const places = stridesOf([1, groups * channels, ...sizes.input]);
  const tapStrides = stridesOf(kernel);
  const parts = partsOf(sizes.images, image.bytesPerImage);
  image.reserve(parts.size, reserve);

  const classes = meeting[0]!.flatMap((z) => meeting[1]!.flatMap((y) => meeting[2]!.map((x) => [z, y, x] as const)));
  const isComplete = axes.every((all, axis) => all.length === meeting[axis]!.length);
  const zeros = isComplete ? [] : fill(out, 0);
  const packed: Packed[] = [];
  const products = parts.ranges.flatMap(([from, to]) => {
    const part = image.part(from, to);
    return [
      ...part.plan,
      ...classes.flatMap((residue, number) => {
        const offset = (values: readonly number[], strides: readonly number[]): number => dot(values, strides) * 4;
        const product: Product = {
          batch: [groups],
          rows: channels,
          inner: [filters, ...residue.map((axis) => axis.taps)],
          columns: [to - from, ...residue.map((axis) => axis.count)],
          a: {
            address:
              weight.address +
              offset(
                residue.map((axis) => axis.tap),
                tapStrides,
              ),
            batch: [filters * channels * taps],
            row: taps,
            inner: [channels * taps, ...residue.map((axis, i) => axis.tapStep * tapStrides[i]!)],
          },
          b: {
            address:
              part.address +
              offset(
                residue.map((axis, i) => axis.output + before[i]!),
                spatial,
              ),
            batch: [filters * plane],
            inner: [plane, ...residue.map((axis, i) => -axis.outputStep * spatial[i]!)],
            columns: [perImage, ...spatial],
          },
          c: {
            address:
              out.address +
              from * places[0]! * 4 +
              offset(
                residue.map((axis) => axis.start),
                places.slice(2),
              ),
            batch: [channels * places[1]!],
            row: places[1]!,
            columns: [places[0]!, ...times(sizes.stride, places.slice(2))],
          },
        };
        if (areFew(channels, FEW_ROWS_TO_WEIGH, sizes)) return [weighRows(product)];
        const isFirst = from === 0;
        packed[number] ??= packWeights(product, reserve);
        return [...(isFirst ? [packed[number].phase] : []), multiply(product, packed[number])];
      }),
    ];
  });
  return [...zeros, ...products, ...mend('x', { x: out, weight, y: gradient }, sizes, reserve)];
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/**
 * Gradient of {@link conv} with respect to its weights: the product of the output's gradient with the columns, over all
 * places of all images. It is cut into slices, whose sums are added in order.
 */
export function convWeightGradient(
  x: Located,
  gradient: Located,
  out: Located,
  geometry: ConvGeometry,
  reserve: Reserve,
): Plan {
  const sizes = sizesOf(x.shape, out.shape, gradient.shape, geometry);
  if (suitsDirect(sizes, 'weightGradient')) return weightGradientDirectly(x, gradient, out, sizes, reserve);
  const tile = tileSize(sizes, 'weightGradient');
  if (tile) return weightGradientByWinograd(x, gradient, out, sizes, tile, reserve);
  const mended = mend('weight', { x, weight: out, y: gradient }, sizes, reserve);
  if (suitsLanes(sizes, 'weightGradient'))
    return [...weightGradientByLanes(x, gradient, out, sizes, reserve), ...mended];
  const { groups, channels, filters, kernel, taps, output } = sizes;
  const image = paddedInput(x, sizes);
  const [perImage, plane, ...spatial] = image.strides as [number, number, number, number, number];
  const places = stridesOf([1, groups * filters, ...output]);
  const isNarrow = areFew(filters, FEW_ROWS_TO_DOT, sizes) && output[2] >= 8;
  const parts = partsOf(sizes.images, image.bytesPerImage + (isNarrow ? 0 : places[0]! * 4));
  image.reserve(parts.size, reserve);

  const productOf = (address: number, from: number, to: number): Product => ({
    batch: [groups],
    rows: filters,
    inner: [to - from, ...output],
    columns: [channels, ...kernel],
    a: {
      address: gradient.address + from * places[0]! * 4,
      batch: [filters * places[1]!],
      row: places[1]!,
      inner: [places[0]!, ...places.slice(2)],
    },
    b: {
      address,
      batch: [channels * plane],
      inner: [perImage, ...times(spatial, sizes.stride)],
      columns: [plane, ...times(spatial, sizes.dilation)],
    },
    c: {
      address: out.address,
      batch: [filters * channels * taps],
      row: channels * taps,
      columns: stridesOf([channels, ...kernel]),
    },
  });
  const size = sizeOf(out.shape);
  const first = productOf(0, 0, parts.size);
  const imagesPerSlice = isNarrow ? pieces(parts.size, Math.min(parts.size, pieces(ENOUGH, groups))) : 0;
  const count = isNarrow ? pieces(parts.size, imagesPerSlice) : (sliceInner(first)?.count ?? 1);
  const sums = count === 1 ? out.address : reserve(count * size * 4);
  const panels = isNarrow ? 0 : reserve(packedBytes(first));
  const products = parts.ranges.flatMap(([from, to]) => {
    const part = image.part(from, to);
    const whole = productOf(part.address, from, to);
    const product = { ...whole, c: { ...whole.c, address: sums }, accumulate: from > 0 };
    if (isNarrow) return [...part.plan, dotRows(product, imagesPerSlice, size)];
    const slices = sliceInner(product, count);
    const packed = pack(product, panels);
    const cut = slices && { slices: { size: slices.size, stride: size } };
    return [...part.plan, packed.phase, multiply({ ...product, ...cut }, packed)];
  });
  return [...products, ...combineSlices('sumOuter_float32', sums, out.address, count, size, reserve), ...mended];
}
