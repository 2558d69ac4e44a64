import type { Loops, Operand, RequiredKernels } from '@receptive/backend';
import { broadcastStrides, collapse } from '@receptive/backend';
import { memo, script } from '../program.ts';
import type { Runner } from '../runner.ts';
import { coordinates, perAxis, strided, wholes } from './places.ts';

/** A thread an output, with the leading axes as `rank` loops. Transposition is a matter of strides. */
const matmulScript = memo((rank: number) => {
  const counts = perAxis('n', rank);
  const matrix = coordinates('div(div(this.thread.x, columns), rows)', counts.slice(1)).slice(0, rank);
  const [row, column] = wholes('row', 'column');
  return script(
    `matmul ${rank}`,
    {
      reads: ['a', 'b'],
      integers: [
        ...['rows', 'columns', 'inner', 'aRow', 'aInner', 'bInner', 'bColumn'],
        ...[...counts, ...perAxis('s', rank), ...perAxis('t', rank)],
      ],
    },
    `const row = rem(div(this.thread.x, columns), rows);
    const column = rem(this.thread.x, columns);
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum += a[${strided(matrix, perAxis('s', rank))} + ${row!} * aRow + k * aInner]
        * b[${strided(matrix, perAxis('t', rank))} + k * bInner + ${column!} * bColumn];
    }
    return sum;`,
  );
});

/** Lengths of a product of matrices, and the loops over its leading axes, with the steps of `a` and of `b`. */
export function sizesOf(
  a: Operand,
  b: Operand,
  out: Operand,
  transposeA: boolean,
): { readonly rows: number; readonly columns: number; readonly inner: number; readonly batch: Loops } {
  const [rows, columns] = out.shape.slice(-2) as [number, number];
  const inner = a.shape.at(transposeA ? -2 : -1)!;
  const leading = out.shape.slice(0, -2);
  const stepsOf = ({ shape }: Operand, size: number): number[] =>
    broadcastStrides(shape.slice(0, -2), leading).map((stride) => stride * size);
  return { rows, columns, inner, batch: collapse(leading, stepsOf(a, rows * inner), stepsOf(b, inner * columns)) };
}

/** Products of matrices, in their plainest form. */
export function matmul(runner: Runner): Pick<RequiredKernels, 'matmul'> {
  return {
    matmul(a, b, out, { transposeA, transposeB }) {
      const { rows, columns, inner, batch } = sizesOf(a, b, out, transposeA);
      const { counts, strides } = batch;
      runner.run(
        matmulScript(counts.length),
        out,
        [a, b],
        [
          ...[
            rows,
            columns,
            inner,
            ...(transposeA ? [1, rows] : [inner, 1]),
            ...(transposeB ? [1, inner] : [columns, 1]),
          ],
          ...[...counts, ...strides.flat()],
        ],
      );
    },
  };
}
