import type { RequiredKernels } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { sizesOf } from '../kernels/matmul.ts';
import { perAxis } from '../kernels/places.ts';
import { memo, shader } from '../program.ts';
import type { Runner } from '../runner.ts';
import { findTile, plan, planIntegers, product, runProduct } from './product.ts';
import type { Side } from './product.ts';

/** Reads a matrix as `[places, depth]`, or transposed as `[depth, places]`; `stride` is the length of its last axis. */
function matrix(name: string, stride: string, contiguous: 'depth' | 'place', wide: boolean): Side {
  const scale = wide ? ' / 4' : '';
  const zero = wide ? 'vec4<f32>()' : '0.0';
  return {
    along: contiguous,
    wide,
    prepare: (i, at) => `let ${name}At${i} = ${name}First + ${at}${contiguous === 'depth' ? ` * ${stride}` : ''};`,
    load: (i, k) =>
      `select(${zero}, ${name}[(${name}At${i} + (step * DEPTH + ${k})${contiguous === 'depth' ? '' : ` * ${stride}`})${scale}], step * DEPTH + ${k} < params.depth)`,
  };
}

const matmulShader = memo((key: string) => {
  const [tileName, transposes, wides, rank] = key.split(' ') as [string, string, string, string];
  const [transposeA, transposeB] = [transposes.includes('a'), transposes.includes('b')];
  const [wideA, wideB] = [wides.includes('a'), wides.includes('b')];
  const [counts, aSteps, bSteps] = ['n', 's', 't'].map((name) => perAxis(name, Number(rank))) as [
    string[],
    string[],
    string[],
  ];
  const tile = findTile(tileName);
  const body = product({
    tile,
    left: matrix('a', transposeA ? 'params.rows' : 'params.depth', transposeA ? 'place' : 'depth', wideA),
    right: matrix('b', transposeB ? 'params.depth' : 'params.columns', transposeB ? 'depth' : 'place', wideB),
    begin: `
  let steps = (params.depth + DEPTH - 1) / DEPTH;
  var aFirst = 0;
  var bFirst = 0;
  var rest = batch;
  ${counts
    .map((count, axis) => {
      const index = `rest % params.${count}`;
      return `aFirst += ${index} * params.${aSteps[axis]!}; bFirst += ${index} * params.${bSteps[axis]!}; rest /= params.${count};`;
    })
    .reverse()
    .join('\n')}`,
    first: '(part * params.batches + batch) * params.rows * params.columns',
    place: (column) => column,
    rowStride: 'params.columns',
  });
  return shader(
    `matmul ${key}`,
    {
      reads: ['a', 'b'],
      vectors: [...(wideA ? ['a'] : []), ...(wideB ? ['b'] : [])],
      integers: [...planIntegers, 'depth', 'batches', ...counts, ...aSteps, ...bSteps],
    },
    `const DEPTH = ${tile.depth};\n${body}`,
  );
});

/** Matrix product on WebGPU. */
export function matmulShaders(runner: Runner): Pick<RequiredKernels, 'matmul'> {
  return {
    matmul(a, b, out, { transposeA, transposeB }) {
      const { rows, columns, inner: depth, batch } = sizesOf(a, b, out, transposeA);
      const { counts, strides } = batch;
      const batches = sizeOf(counts);
      const planned = plan(batches, rows, columns, depth);
      const four = (transpose: boolean, yes: number, no: number): boolean => (transpose ? yes : no) % 4 === 0;
      const key = [
        planned.tile.name,
        `-${transposeA ? 'a' : ''}${transposeB ? 'b' : ''}`,
        `-${four(transposeA, rows, depth) ? 'a' : ''}${four(transposeB, depth, columns) ? 'b' : ''}`,
        counts.length,
      ].join(' ');
      runProduct(runner, matmulShader(key), planned, out, [a, b], [depth, batches, ...counts, ...strides.flat()]);
    },
  };
}
