import type { Kernels, Operand } from '../kernels.ts';
import type { Shape } from '../shape.ts';
import { sizeOf, stridesOf } from '../shape.ts';
import type { ConvGeometry, Window } from '../window.ts';
import { windowOutput } from '../window.ts';
import { beats, eachIndex } from './positions.ts';
import type { Open } from './positions.ts';

/** One meeting of a window with the input: output number `output` sees, through its tap number `tap`, input number `input`. All count within a plane. */
interface Tap {
  readonly output: number;
  readonly tap: number;
  readonly input: number;
}

/** A window over one plane. */
interface Sliding {
  /** All meetings, ordered by output and then by tap. Taps that fall into the padding are left out. */
  readonly taps: readonly Tap[];
  /** Sizes of the input plane, the output plane and the window. */
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
}

function slide(spatial: Shape, window: Window): Sliding {
  const { kernel, stride, padding, dilation } = window;
  const strides = stridesOf(spatial);
  const outputs = windowOutput(spatial, window);
  const taps: Tap[] = [];
  eachIndex(outputs, (place, output) => {
    eachIndex(kernel, (offset, tap) => {
      const index = place.map((p, axis) => p * stride[axis]! - padding[axis]![0] + offset[axis]! * dilation[axis]!);
      if (index.every((i, axis) => i >= 0 && i < spatial[axis]!)) {
        taps.push({ output, tap, input: index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0) });
      }
    });
  });
  return { taps, inputs: sizeOf(spatial), outputs: sizeOf(outputs), kernel: sizeOf(kernel) };
}

/** The kernels that slide a window over the spatial axes of `[N, C, ...spatial]`. */
export function windows(
  open: Open,
): Required<
  Pick<
    Kernels,
    | 'im2col'
    | 'col2im'
    | 'conv'
    | 'convInputGradient'
    | 'convWeightGradient'
    | 'maxPool'
    | 'maxPoolGradient'
    | 'avgPool'
    | 'avgPoolGradient'
    | 'sumPool'
    | 'sumPoolGradient'
  >
> {
  return {
    im2col(x, out, window, value) {
      const [source, result] = [open(x), open(out)];
      result.fill(value);
      eachColumnEntry(x.shape, window, (input, entry) => (result[entry] = source[input]!));
    },

    col2im(columns, out, window) {
      const source = open(columns);
      accumulate(out, (sums) => {
        eachColumnEntry(out.shape, window, (input, entry) => (sums[input]! += source[entry]!));
      });
    },

    conv(x, weight, bias, out, geometry) {
      const [input, weights, shift] = [open(x), open(weight), bias && open(bias)];
      const [, channels, ...plane] = out.shape as [number, number, ...number[]];
      accumulate(out, (sums) => {
        if (shift) sums.forEach((_, i) => (sums[i] = shift[Math.floor(i / sizeOf(plane)) % channels]!));
        eachProduct(x.shape, weight.shape, geometry, (i, w, o) => (sums[o]! += input[i]! * weights[w]!));
      });
    },

    convInputGradient(gradient, weight, out, geometry) {
      const [upstream, weights] = [open(gradient), open(weight)];
      accumulate(out, (sums) => {
        eachProduct(out.shape, weight.shape, geometry, (i, w, o) => (sums[i]! += upstream[o]! * weights[w]!));
      });
    },

    convWeightGradient(x, gradient, out, geometry) {
      const [input, upstream] = [open(x), open(gradient)];
      accumulate(out, (sums) => {
        eachProduct(x.shape, out.shape, geometry, (i, w, o) => (sums[w]! += input[i]! * upstream[o]!));
      });
    },

    maxPool(x, out, indices, window) {
      const [source, result] = [open(x), open(out)];
      const places = indices ? open(indices) : new Int32Array(result.length);
      result.fill(-Infinity);
      places.fill(-1);
      eachPooled(x.shape, window, (input, output, place) => {
        const [value, best] = [source[input]!, result[output]!];
        // The first element inside the input wins against padding, whatever it is.
        if (places[output] === -1 || beats(value, best)) {
          result[output] = value;
          places[output] = place;
        }
      });
    },

    maxPoolGradient(gradient, indices, out) {
      const [upstream, places] = [open(gradient), open(indices)];
      const inputs = sizeOf(out.shape.slice(2));
      const outputs = sizeOf(gradient.shape.slice(2));
      accumulate(out, (sums) => {
        upstream.forEach((value, i) => (sums[Math.floor(i / outputs) * inputs + places[i]!]! += value));
      });
    },

    avgPool(x, out, window, countPadding) {
      const source = open(x);
      const divisors = poolDivisors(x.shape, window, countPadding);
      accumulate(out, (sums) => {
        eachPooled(x.shape, window, (input, output) => (sums[output]! += source[input]!));
        sums.forEach((sum, output) => (sums[output] = sum / divisors[output]!));
      });
    },

    avgPoolGradient(gradient, out, window, countPadding) {
      const upstream = open(gradient);
      const divisors = poolDivisors(out.shape, window, countPadding);
      accumulate(out, (sums) => {
        eachPooled(out.shape, window, (input, output) => (sums[input]! += upstream[output]! / divisors[output]!));
      });
    },

    sumPool(x, out, window) {
      const source = open(x);
      accumulate(out, (sums) => {
        eachPooled(x.shape, window, (input, output) => (sums[output]! += source[input]!));
      });
    },

    sumPoolGradient(gradient, out, window) {
      const upstream = open(gradient);
      accumulate(out, (sums) => {
        eachPooled(out.shape, window, (input, output) => (sums[input]! += upstream[output]!));
      });
    },
  };

  /** Lets `compute` add up `out` in doubles, from zeros, and stores the result. */
  function accumulate(out: Operand, compute: (sums: Float64Array) => void): void {
    const sums = new Float64Array(sizeOf(out.shape));
    compute(sums);
    open(out).set(sums);
  }
}

/** Calls `visit` for each element of `x` that the window sees, with its place in the columns. */
function eachColumnEntry(x: Shape, window: Window, visit: (input: number, entry: number) => void): void {
  const [batch, channels, ...spatial] = x as [number, number, ...number[]];
  const { taps, inputs, outputs, kernel } = slide(spatial, window);
  for (let plane = 0; plane < batch * channels; plane++) {
    for (const { output, tap, input } of taps) visit(plane * inputs + input, (plane * kernel + tap) * outputs + output);
  }
}

/**
 * A convolution is the sum of `x[i] * weight[w]` into `out[o]` over certain (i, w, o). Calls `visit` with each of them. The gradients are sums over the
 * same triples with the roles exchanged.
 */
function eachProduct(
  x: Shape,
  weight: Shape,
  geometry: ConvGeometry,
  visit: (i: number, w: number, o: number) => void,
): void {
  const [batch, channels, ...spatial] = x as [number, number, ...number[]];
  const [filters, perGroup] = weight as [number, number, ...number[]];
  const { taps, inputs, outputs, kernel } = slide(spatial, geometry);
  for (let n = 0; n < batch; n++) {
    for (let filter = 0; filter < filters; filter++) {
      const group = Math.floor((filter * geometry.groups) / filters);
      for (let c = 0; c < perGroup; c++) {
        const inputPlane = (n * channels + group * perGroup + c) * inputs;
        const weightPlane = (filter * perGroup + c) * kernel;
        const outputPlane = (n * filters + filter) * outputs;
        for (const { output, tap, input } of taps) visit(inputPlane + input, weightPlane + tap, outputPlane + output);
      }
    }
  }
}

/** Calls `visit` for each element of `x` that a window sees: its number, the output's number, and its place within its plane. */
function eachPooled(x: Shape, window: Window, visit: (input: number, output: number, place: number) => void): void {
  const [batch, channels, ...spatial] = x as [number, number, ...number[]];
  const { taps, inputs, outputs } = slide(spatial, window);
  for (let plane = 0; plane < batch * channels; plane++) {
    for (const { output, input } of taps) visit(plane * inputs + input, plane * outputs + output, input);
  }
}

/** By what each output of an average pool divides: the taps of a window, or only those that lie inside the input. */
function poolDivisors(x: Shape, window: Window, countPadding: boolean): Float64Array {
  const spatial = x.slice(2);
  const divisors = new Float64Array(x[0]! * x[1]! * sizeOf(windowOutput(spatial, window)));
  if (countPadding) return divisors.fill(sizeOf(window.kernel));
  eachPooled(x, window, (_, output) => divisors[output]!++);
  return divisors;
}
