import type { Nested, Tensor } from '@receptive/tensor';
import { reshape, tensor } from '@receptive/tensor';

/** The elements as lists nested like the axes. */
export function nested(x: Tensor): Nested {
  const build = (elements: readonly number[], [length, ...inner]: readonly number[]): Nested => {
    if (length === undefined) return elements[0]!;
    const size = elements.length / length;
    return Array.from({ length }, (_, i) => build(elements.slice(i * size, (i + 1) * size), inner));
  };
  return build([...x.dataSync()], x.shape);
}

/** One plane `[H, W]` as an image `[1, 1, H, W]`, or one kernel as weights; float64, so that sums are exact. */
export function image(rows: readonly (readonly number[])[]): Tensor {
  return tensor(rows, { dtype: 'float64', shape: [1, 1, rows.length, rows[0]!.length] });
}

/** The rows of the only plane of `[1, 1, H, W]`. */
export function plane(x: Tensor): Nested {
  return nested(reshape(x, x.shape.slice(2)));
}

/** Reproducible numbers in [-1, 1), float64. */
export function numbers(shape: readonly number[], seed = 1): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Float64Array.from(
    { length: size },
    (_, i) => 2 * ((((i + 1) * 0.6180339887498949 + seed * 0.7548776662466927) % 1) - 0.5),
  );
  return tensor(values, { shape });
}

/** Largest absolute difference. */
export function distance(a: Tensor, b: Tensor): number {
  if (a.shape.join() !== b.shape.join()) throw new Error(`distance: shapes ${a.shape.join()} and ${b.shape.join()}`);
  const [left, right] = [[...a.dataSync()], [...b.dataSync()]];
  return Math.max(...left.map((value, i) => Math.abs(value - right[i]!)));
}
