import type { Shape, Window } from '@receptive/backend';
import { sameShape, windowSpan } from '@receptive/backend';
import type { AttributesOf, Dispatched, Listener, OpName, Pads, Tensor } from '@receptive/tensor';

/**
 * What elements see of one axis of the input: the element at place `i` sees `start + i * jump` up to and including `end + i * jump`, as far as these are whole.
 * The jump is a fraction after a transposed convolution.
 */
interface Sight {
  readonly start: number;
  readonly end: number;
  /** 0 where places no longer follow the input's: of flattened features, only what each one sees is known. */
  readonly jump: number;
}

type Sights = readonly Sight[];

/** What elements see along each spatial axis; or all of the input, wherever they lie. */
type Field = Sights | 'all';

/** Follows what each tensor sees of an input while a model runs. */
export interface ReceptiveFields {
  readonly listener: Listener;
  /** Lengths of the part of the input that one element of `tensor` sees; undefined if it sees nothing of it. */
  of(tensor: Tensor): Shape | undefined;
}

/**
 * Receptive fields with respect to `input`, whose last axes are `spatial`. They are exact through convolution, pooling, cropping, padding, elementwise
 * arithmetic, concatenation of channels, enlarging by whole factors, adaptive averages and flattening, in branches too. An op that may mix places in another way is taken to
 * see all of the input.
 *
 * A window of k elements at stride s widens what one element sees from `r` to `r + (k - 1) * jump`, and the jump from one element to the next by s.
 * A transposed convolution, or what else enlarges by s, divides the jump by s, adaptive averages multiply it by a fraction, and their elements do not all see as
 * many: the field is that of the one that sees most. It is exact where no stride comes before the first of them, and else may be too large by less than the jump that came into it.
 *
 * Source: Araujo et al., Computing receptive fields of convolutional neural networks, Distill 2019.
 */
export function receptiveFields(input: Tensor, spatial: Shape): ReceptiveFields {
  const fields = new Map<number, Field>([[input.id, spatial.map(() => ({ start: 0, end: 0, jump: 1 }))]]);
  return {
    listener(dispatched) {
      const field = seenThrough(dispatched, fields, spatial.length);
      if (field) for (const output of dispatched.outputs) fields.set(output.id, field);
    },
    of(tensor) {
      const field = fields.get(tensor.id);
      // Never more than there is: in a deep network the window hangs over the edges.
      return field && spatial.map((length, axis) => (field === 'all' ? length : Math.min(length, seen(field[axis]!))));
    },
  };
}

/** What the element sees that sees most. After a transposed convolution they differ, with a period after which the jumps are whole. */
function seen({ start, end, jump }: Sight): number {
  // Of flattened features it is not known which is which.
  if (jump === 0) return wholesBetween(0, end - start);
  let most = wholesBetween(start, end);
  for (let i = 1; wholesBetween(i * jump, i * jump) === 0; i++) {
    most = Math.max(most, wholesBetween(start + i * jump, end + i * jump));
  }
  return most;
}

/** Number of whole numbers from `low` to `high`, be it by a hair: they are sums of fractions. */
function wholesBetween(low: number, high: number): number {
  return Math.floor(high + 1e-6) - Math.ceil(low - 1e-6) + 1;
}

function seenThrough(dispatched: Dispatched, known: ReadonlyMap<number, Field>, axes: number): Field | undefined {
  const { op, inputs, outputs, attributes } = dispatched;
  const seeing = inputs.filter(({ id }) => known.has(id));
  const [field, ...others] = seeing.map(({ id }) => known.get(id)!);
  if (!field) return undefined;
  if (field === 'all' || others.includes('all')) return 'all';
  const inPlace = seeing.every(({ shape }) => sameShape(shape.slice(-axes), outputs[0]!.shape.slice(-axes)));
  if (op.pointwise || op.name === 'concat') return inPlace ? others.reduce(union, field) : 'all';
  if (op.name === 'reshape' && inPlace) return field;
  // Over channels alone.
  if (reducedAxes(dispatched)?.every((axis) => axis < inputs[0]!.rank - axes)) return field;
  const rule = rules[op.name as OpName] as ((sights: Sights, attributes: unknown, input: Shape) => Field) | undefined;
  const [input, ...more] = seeing;
  return rule && input && more.length === 0 && input === inputs[0] ? rule(field, attributes, input.shape) : 'all';
}

/** The axes whose elements a reduction, or standardisation, brings together; undefined of any other op. */
function reducedAxes({ op, attributes }: Dispatched): readonly number[] | undefined {
  if (op.name === 'sum') return (attributes as AttributesOf<'sum'>).axes;
  if (op.name === 'standardize') return (attributes as AttributesOf<'standardize'>).axes;
  return op.name === 'max' || op.name === 'min' ? [(attributes as AttributesOf<'max'>).axis] : undefined;
}

/** Ops that move places, or make one of many, of an input of shape `input`. */
const rules: { readonly [N in OpName]?: (sights: Sights, attributes: AttributesOf<N>, input: Shape) => Field } = {
  conv: (sights, { geometry }) => slide(sights, geometry),
  convActivation: (sights, { geometry }) => slide(sights, geometry),
  locallyConnected: (sights, { window }) => slide(sights, window),
  convInputGradient: (sights, { geometry }) => spread(sights, geometry),
  maxPool: (sights, { window }) => slide(sights, window),
  avgPool: (sights, { window }) => slide(sights, window),
  sumPool: (sights, { window }) => slide(sights, window),
  variancePool: (sights, { window }) => slide(sights, window),
  stochasticPool: (sights, { window }) => slide(sights, window),
  blend: banded,
  interpolate: enlarged,
  pixelShuffle: (sights, { factor }) => spread(sights, blocks(sights.length, factor)),
  pixelUnshuffle: (sights, { factor }) => slide(sights, blocks(sights.length, factor)),
  // Places stay where they are, each for itself.
  batchNorm: (sights) => sights,
  localResponseNorm: (sights) => sights,
  pad: (sights, { padding }) => shiftBehind(sights, padding),
  // What elements inside see; where an edge is continued, others may see more than one part of the input.
  extend: (sights, { padding }) => shiftBehind(sights, padding),
  slice: (sights, { start }) => shift(sights, start.slice(-sights.length)),
  // Not in place: flattened, if an axis of features is all that is left.
  reshape: (sights, { shape }) => (shape.length <= 2 ? sights.map((sight) => ({ ...sight, jump: 0 })) : 'all'),
};

/** Blocks of `factor` places, side by side. */
function blocks(axes: number, factor: number): Window {
  const each = <T>(value: T): T[] => new Array<T>(axes).fill(value);
  return { kernel: each(factor), stride: each(factor), dilation: each(1), padding: each([0, 0] as const) };
}

function slide(sights: Sights, { kernel, stride, dilation, padding }: Window): Field {
  if (kernel.length !== sights.length || sights.some(({ jump }) => jump === 0)) return 'all';
  return sights.map(({ start, end, jump }, axis) => ({
    start: start - padding[axis]![0] * jump,
    end: end + (windowSpan(kernel[axis]!, dilation[axis]!) - 1 - padding[axis]![0]) * jump,
    jump: jump * stride[axis]!,
  }));
}

/** The place `p` of a transposed convolution takes from the places `i` for which `i * stride + tap * dilation = p + padding`. */
function spread(sights: Sights, { kernel, stride, dilation, padding }: Window): Field {
  if (kernel.length !== sights.length || sights.some(({ jump }) => jump === 0)) return 'all';
  return sights.map(({ start, end, jump }, axis) => {
    const step = jump / stride[axis]!;
    const [before] = padding[axis]!;
    return {
      start: start + (before - windowSpan(kernel[axis]!, dilation[axis]!) + 1) * step,
      end: end + before * step,
      jump: step,
    };
  });
}

/** Enlarging by whole factors f reads what a transposed convolution reads: with kernels of f elements side by side or, if linear, such as overlap by half. */
function enlarged(
  sights: Sights,
  { size, scale, mode, alignCorners }: AttributesOf<'interpolate'>,
  input: Shape,
): Field {
  const factors = size.map((length, axis) => scale?.[axis] ?? length / input.at(axis - size.length)!);
  if (alignCorners || !factors.every(Number.isInteger)) return 'all';
  const overlap = mode === 'linear';
  return spread(sights, {
    kernel: factors.map((factor) => (overlap ? 2 * factor - (factor % 2) : factor)),
    stride: factors,
    dilation: factors.map(() => 1),
    padding: factors.map((factor) => (overlap ? [Math.floor(factor / 2), Math.floor(factor / 2)] : [0, 0])),
  });
}

/**
 * Bands along an axis. Those of adaptive pooling, `count` of n elements, begin and end at the whole elements next to multiples of n / count: fractions say just that. Of
 * others it is the least that all of them keep within.
 */
function banded(sights: Sights, { axis, bands }: AttributesOf<'blend'>, input: Shape): Field {
  const own = axis - (input.length - sights.length);
  if (own < 0) return sights;
  const step = input[axis]! / bands.length;
  const begins = bands.flatMap(([start, ...weights], i) => (weights.length > 0 ? start - i * step : []));
  const ends = bands.flatMap(([start, ...weights], i) =>
    weights.length > 0 ? start + weights.length - 1 - i * step : [],
  );
  if (begins.length === 0 || sights[own]!.jump === 0) return 'all';
  const [first, last] = [Math.min(...begins), Math.max(...ends)];
  return sights.map((sight, k) => {
    const { start, end, jump } = sight;
    return k === own ? { start: start + first * jump, end: end + last * jump, jump: step * jump } : sight;
  });
}

function shift(sights: Sights, by: readonly number[]): Sights {
  return sights.map(({ start, end, jump }, axis) => ({
    start: start + by[axis]! * jump,
    end: end + by[axis]! * jump,
    jump,
  }));
}

/** Places move on by what is put before them. */
function shiftBehind(sights: Sights, padding: Pads): Sights {
  return shift(
    sights,
    padding.slice(-sights.length).map(([before]) => -before),
  );
}

/** What an element sees that is made of two at its place. */
function union(a: Field, b: Field): Field {
  if (a === 'all' || b === 'all' || a.some(({ jump }, axis) => jump !== b[axis]!.jump)) return 'all';
  return a.map((sight, axis) => ({
    start: Math.min(sight.start, b[axis]!.start),
    end: Math.max(sight.end, b[axis]!.end),
    jump: sight.jump,
  }));
}
