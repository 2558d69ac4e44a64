import type { Kernels, Operand, ResponseNormOptions } from '../kernels.ts';
import { broadcastStrides, sizeOf } from '../shape.ts';
import { positions } from './positions.ts';
import type { Open } from './positions.ts';

/** The kernels that normalise. */
export function norms(
  open: Open,
): Required<
  Pick<Kernels, 'batchNorm' | 'standardize' | 'standardizeGradient' | 'localResponseNorm' | 'localResponseNormGradient'>
> {
  /** Means over the axes along which `statistics` has length 1 of what `f` makes of each element of `x`. */
  function means(x: Operand, statistics: Operand, f: (i: number, statistic: number) => number): Float64Array {
    const sums = new Float64Array(sizeOf(statistics.shape));
    places(x, statistics).forEach((statistic, i) => (sums[statistic]! += f(i, statistic)));
    return sums.map((sum) => sum / (sizeOf(x.shape) / sums.length));
  }

  /** For each element of `x`, the numbers of those in its window of channels that exist. */
  function windowOf(x: Operand, i: number, before: number, after: number): number[] {
    const [channels, plane] = [x.shape[1]!, sizeOf(x.shape.slice(2))];
    const own = Math.floor(i / plane) % channels;
    const found: number[] = [];
    for (let c = Math.max(0, own - before); c <= Math.min(channels - 1, own + after); c++)
      found.push(i + (c - own) * plane);
    return found;
  }

  /** What each element is raised to the power -beta of, to divide it. */
  function scales(x: Operand, { size, alpha, k }: ResponseNormOptions): Float64Array {
    const source = open(x);
    const before = Math.floor(size / 2);
    return Float64Array.from(source, (_, i) => {
      const energy = windowOf(x, i, before, size - 1 - before).reduce((sum, j) => sum + source[j]! ** 2, 0);
      return k + alpha * energy;
    });
  }

  /** For each element of `x`, the number of its statistic. */
  const places = (x: Operand, statistics: Operand): Int32Array =>
    positions(x.shape, broadcastStrides(statistics.shape, x.shape));

  return {
    batchNorm(x, { mean, variance, weight, bias }, out, eps) {
      const [source, result] = [open(x), open(out)];
      const [centre, spread, factor, shift] = [open(mean), open(variance), weight && open(weight), bias && open(bias)];
      const [channels, plane] = [x.shape[1]!, sizeOf(x.shape.slice(2))];
      source.forEach((value, i) => {
        const c = Math.floor(i / plane) % channels;
        const y = (value - centre[c]!) * ((factor?.[c] ?? 1) / Math.sqrt(spread[c]! + eps));
        result[i] = shift ? y + shift[c]! : y;
      });
    },

    standardize(x, { y, mean, variance }, _axes, eps) {
      const source = open(x);
      const centre = means(x, mean, (i) => source[i]!);
      const spread = means(x, mean, (i, statistic) => (source[i]! - centre[statistic]!) ** 2);
      open(mean).set(centre);
      open(variance).set(spread);
      const result = open(y);
      places(x, mean).forEach((statistic, i) => {
        result[i] = (source[i]! - centre[statistic]!) * (1 / Math.sqrt(spread[statistic]! + eps));
      });
    },

    standardizeGradient(gradient, { y, variance }, out, _axes, eps) {
      const [upstream, forward, spread, result] = [open(gradient), open(y), open(variance), open(out)];
      const mean = means(y, variance, (i) => upstream[i]!);
      const slope = means(y, variance, (i) => upstream[i]! * forward[i]!);
      places(y, variance).forEach((statistic, i) => {
        const towards = upstream[i]! - mean[statistic]! - forward[i]! * slope[statistic]!;
        result[i] = towards * (1 / Math.sqrt(spread[statistic]! + eps));
      });
    },

    localResponseNorm(x, out, options) {
      const [source, scale] = [open(x), scales(x, options)];
      open(out).set(scale.map((s, i) => source[i]! * s ** -options.beta));
    },

    localResponseNormGradient(gradient, x, out, options) {
      const { size, alpha, beta } = options;
      const [upstream, source, scale, result] = [open(gradient), open(x), scales(x, options), open(out)];
      const before = Math.floor(size / 2);
      const towards = scale.map((s, i) => upstream[i]! * source[i]! * s ** (-beta - 1));
      source.forEach((value, i) => {
        const seen = windowOf(x, i, size - 1 - before, before).reduce((sum, j) => sum + towards[j]!, 0);
        result[i] = upstream[i]! * scale[i]! ** -beta - 2 * alpha * beta * value * seen;
      });
    },
  };
}
