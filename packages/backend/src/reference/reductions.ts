import type { Kernels, Operand, ReduceName } from '../kernels.ts';
import { broadcastStrides, sizeOf, stridesOf } from '../shape.ts';
import { beats, positions } from './positions.ts';
import type { Open } from './positions.ts';

const folds: Record<ReduceName, { readonly start: number; readonly step: (left: number, right: number) => number }> = {
  sum: { start: 0, step: (left, right) => left + right },
  max: { start: -Infinity, step: Math.max },
  min: { start: Infinity, step: Math.min },
};

/** The kernels that bring many elements together into one. */
export function reductions(
  open: Open,
): Required<
  Pick<
    Kernels,
    | 'reduce'
    | 'argReduce'
    | 'matmul'
    | 'softmax'
    | 'logSoftmax'
    | 'softmaxGradient'
    | 'logSoftmaxGradient'
    | 'softmaxCrossEntropy'
    | 'softmaxCrossEntropyGradient'
    | 'blend'
  >
> {
  /** Replaces each row along the last axis by `f(element - the row's maximum, sum of their exponentials)`. */
  function softmaxRows(x: Operand, out: Operand, f: (shifted: number, sum: number) => number): void {
    const [source, result] = [open(x), open(out)];
    const length = x.shape.at(-1)!;
    for (let start = 0; start < source.length; start += length) {
      const row = Array.from(source.subarray(start, start + length));
      const greatest = Math.max(...row);
      const sum = row.reduce((total, value) => total + Math.exp(value - greatest), 0);
      row.forEach((value, i) => (result[start + i] = f(value - greatest, sum)));
    }
  }

  /** Replaces each element of each row along the last axis by `f` of gradient, output and the row's sum of what `term` makes of them. */
  function gradientRows(
    gradient: Operand,
    y: Operand,
    out: Operand,
    term: (g: number, y: number) => number,
    f: (g: number, y: number, sum: number) => number,
  ): void {
    const [upstream, forward, result] = [open(gradient), open(y), open(out)];
    const length = y.shape.at(-1)!;
    for (let start = 0; start < forward.length; start += length) {
      let sum = 0;
      for (let i = start; i < start + length; i++) sum += term(upstream[i]!, forward[i]!);
      for (let i = start; i < start + length; i++) result[i] = f(upstream[i]!, forward[i]!, sum);
    }
  }

  return {
    reduce(name, x, out, axes) {
      const kept = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
      const { start, step } = folds[name];
      const source = open(x);
      const result = new Float64Array(sizeOf(kept)).fill(start);
      positions(x.shape, broadcastStrides(kept, x.shape)).forEach((position, i) => {
        result[position] = step(result[position]!, source[i]!);
      });
      open(out).set(result);
    },

    argReduce(name, x, out, axis) {
      const [source, result] = [open(x), open(out)];
      const sign = name === 'max' ? 1 : -1;
      const strides = stridesOf(x.shape);
      const rows = x.shape.map((length, a) => (a === axis ? 1 : length));
      positions(rows, strides).forEach((start, i) => {
        let best = 0;
        let extreme = source[start]! * sign;
        for (let k = 1; k < x.shape[axis]!; k++) {
          const value = source[start + k * strides[axis]!]! * sign;
          if (beats(value, extreme)) [best, extreme] = [k, value];
        }
        result[i] = best;
      });
    },

    matmul(a, b, out, { transposeA, transposeB }) {
      const [left, right, result] = [open(a), open(b), open(out)];
      const [rows, columns] = out.shape.slice(-2) as [number, number];
      const inner = a.shape.at(transposeA ? -2 : -1)!;
      const [rowStride, leftStride] = transposeA ? [1, rows] : [inner, 1];
      const [rightStride, columnStride] = transposeB ? [1, inner] : [columns, 1];
      const batch = out.shape.slice(0, -2);
      const leftBatch = positions(batch, broadcastStrides(a.shape.slice(0, -2), batch));
      const rightBatch = positions(batch, broadcastStrides(b.shape.slice(0, -2), batch));
      let i = 0;
      for (let n = 0; n < leftBatch.length; n++) {
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            const leftStart = leftBatch[n]! * rows * inner + row * rowStride;
            const rightStart = rightBatch[n]! * inner * columns + column * columnStride;
            let sum = 0;
            for (let k = 0; k < inner; k++)
              sum += left[leftStart + k * leftStride]! * right[rightStart + k * rightStride]!;
            result[i++] = sum;
          }
        }
      }
    },

    softmax(x, out) {
      softmaxRows(x, out, (shifted, sum) => Math.exp(shifted) / sum);
    },

    logSoftmax(x, out) {
      softmaxRows(x, out, (shifted, sum) => shifted - Math.log(sum));
    },

    blend(x, out, axis, bands) {
      const [source, result] = [open(x), open(out)];
      const [inner, length] = [sizeOf(x.shape.slice(axis + 1)), x.shape[axis]!];
      result.forEach((_, i) => {
        const [column, outer] = [i % inner, Math.floor(i / inner / bands.length)];
        const [start, ...weights] = bands[Math.floor(i / inner) % bands.length]!;
        const first = (outer * length + start) * inner + column;
        result[i] = weights.reduce((sum, weight, tap) => sum + weight * source[first + tap * inner]!, 0);
      });
    },

    softmaxGradient(gradient, y, out) {
      gradientRows(
        gradient,
        y,
        out,
        (g, p) => g * p,
        (g, p, sum) => p * (g - sum),
      );
    },

    logSoftmaxGradient(gradient, y, out) {
      gradientRows(
        gradient,
        y,
        out,
        (g) => g,
        (g, logarithm, sum) => g - Math.exp(logarithm) * sum,
      );
    },

    softmaxCrossEntropy(logits, classes, out, reduction) {
      const [rows, length] = logits.shape as [number, number];
      const [source, labels, result] = [open(logits), open(classes), open(out)];
      const losses = Array.from(labels, (label, row) => {
        const scores = Array.from(source.subarray(row * length, (row + 1) * length));
        const greatest = Math.max(...scores);
        const sum = scores.reduce((total, score) => total + Math.exp(score - greatest), 0);
        return Math.log(sum) - ((scores[label] ?? NaN) - greatest);
      });
      const total = losses.reduce((left, right) => left + right, 0);
      if (reduction === 'none') result.set(losses);
      else result[0] = reduction === 'mean' ? total / rows : total;
    },

    softmaxCrossEntropyGradient(gradient, logits, classes, out, reduction) {
      const [rows, length] = logits.shape as [number, number];
      const [g, labels, result] = [open(gradient), open(classes), open(out)];
      softmaxRows(logits, out, (shifted, sum) => Math.exp(shifted) / sum);
      labels.forEach((label, row) => {
        const upstream = reduction === 'none' ? g[row]! : reduction === 'mean' ? g[0]! / rows : g[0]!;
        const share = label >= 0 && label < length ? upstream : 0;
        for (let i = 0; i < length; i++) {
          const at = row * length + i;
          result[at] = (result[at]! - (i === label ? 1 : 0)) * share;
        }
      });
    },
  };
}
