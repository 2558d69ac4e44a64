import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConvAlgorithm, Kernels, Operand } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import { describe, expect, test } from 'vitest';
import { CACHE, PLACES, REPAID } from '../src/winograd.ts';
import { chosen, computations, place, shapesOf, square } from './convolution.ts';
import type { Convolution } from './convolution.ts';
import { TestHost, flavours, noise, sequence } from './support.ts';

// Writes docs/convolution-algorithms.md: what is chosen, and how far each algorithm is from sums in float64.

const algorithms: readonly ConvAlgorithm[] = ['direct', 'gemm', 'winograd2', 'winograd4'];

/** Convolutions that are measured, padded so that their outputs are as large as their inputs. */
const measured = [
  { size: 3, channels: 64, filters: 64, side: 56 },
  { size: 3, channels: 256, filters: 256, side: 28 },
  { size: 3, channels: 512, filters: 512, side: 14 },
  { size: 3, channels: 3, filters: 64, side: 224 },
  { size: 5, channels: 64, filters: 192, side: 27 },
  { size: 5, channels: 96, filters: 256, side: 27 },
];
type Measured = (typeof measured)[number];

const convolution = ({ size, channels, filters, side }: Measured, algorithm?: ConvAlgorithm): Convolution => ({
  channels,
  filters,
  input: [side, side],
  geometry: square(size, { padding: (size - 1) / 2 }, algorithm),
});

/** Filters, or channels, whose numbers are compared: so many of all, evenly spread. */
const COMPARED = 8;
const spread = (all: number): number[] =>
  Array.from({ length: Math.min(all, COMPARED) }, (_, i) => Math.floor((i * all) / Math.min(all, COMPARED)));

/** Numbers in float64 that are part of a result: from element `offset` on. */
interface Exact {
  readonly offset: number;
  readonly values: Float64Array;
}

/** Calls `visit` for each row of elements that tap number `tap` of a window reads `from`, `length` of them, for those `to`. */
function eachRow(
  { size, side }: Measured,
  tap: number,
  visit: (to: number, from: number, length: number) => void,
): void {
  const middle = (size - 1) / 2;
  const [down, right] = [Math.floor(tap / size) - middle, (tap % size) - middle];
  const [left, length] = [Math.max(0, -right), side - Math.abs(right)];
  for (let i = Math.max(0, -down); i < side - Math.max(0, down); i++) {
    visit(i * side + left, (i + down) * side + left + right, length);
  }
}

/** What is compared of the output and of both gradients, in the order of {@link computations}. */
function exactly(one: Measured, x: Float32Array, weight: Float32Array, y: Float32Array): Exact[][] {
  const { channels, filters, side } = one;
  const plane = side * side;
  const taps = one.size ** 2;
  const kernelAt = (filter: number, channel: number): number => (filter * channels + channel) * taps;
  const sum = (length: number, offset: number, add: (sums: Float64Array) => void): Exact => {
    const values = new Float64Array(length);
    add(values);
    return { offset, values };
  };
  const outputs = spread(filters).map((filter) =>
    sum(plane, filter * plane, (sums) => {
      for (let c = 0; c < channels; c++) {
        for (let tap = 0; tap < taps; tap++) {
          const w = weight[kernelAt(filter, c) + tap]!;
          eachRow(one, tap, (to, from, length) => {
            for (let j = 0; j < length; j++) sums[to + j]! += w * x[c * plane + from + j]!;
          });
        }
      }
    }),
  );
  const inputs = spread(channels).map((c) =>
    sum(plane, c * plane, (sums) => {
      for (let filter = 0; filter < filters; filter++) {
        for (let tap = 0; tap < taps; tap++) {
          const w = weight[kernelAt(filter, c) + tap]!;
          eachRow(one, tap, (to, from, length) => {
            for (let j = 0; j < length; j++) sums[from + j]! += w * y[filter * plane + to + j]!;
          });
        }
      }
    }),
  );
  const weights = spread(filters).map((filter) =>
    sum(channels * taps, kernelAt(filter, 0), (sums) => {
      for (let k = 0; k < sums.length; k++) {
        eachRow(one, k % taps, (to, from, length) => {
          const [a, b] = [filter * plane + to, Math.floor(k / taps) * plane + from];
          for (let j = 0; j < length; j++) sums[k]! += y[a + j]! * x[b + j]!;
        });
      }
    }),
  );
  return [outputs, inputs, weights];
}

interface Errors {
  /** Root of the mean square, and largest, as shares of the largest result. */
  readonly rms: number;
  readonly worst: number;
  /** As shares of the result at the same place: half of them are smaller, and all but one in a thousand. */
  readonly median: number;
  readonly high: number;
}

function errorsOf(got: Float32Array, exact: readonly Exact[]): Errors {
  const relative = new Float64Array(exact.reduce((sum, { values }) => sum + values.length, 0));
  let [count, largest, worst, squares] = [0, 0, 0, 0];
  for (const { offset, values } of exact) {
    for (let i = 0; i < values.length; i++) {
      const [want, error] = [Math.abs(values[i]!), Math.abs(got[offset + i]! - values[i]!)];
      largest = Math.max(largest, want);
      worst = Math.max(worst, error);
      squares += error * error;
      relative[count++] = error / want;
    }
  }
  relative.sort();
  return {
    rms: Math.sqrt(squares / count) / largest,
    worst: worst / largest,
    median: relative[Math.floor(count / 2)]!,
    high: relative[Math.floor(count * 0.999)]!,
  };
}

const host = await TestHost.create(flavours.at(-1)!);

/** The errors of each computation by each algorithm. */
function measure(one: Measured): Errors[][] {
  const random = sequence(1);
  const shapes = shapesOf(convolution(one));
  const data = shapes.map((shape) => noise(sizeOf(shape), random)) as [Float32Array, Float32Array, Float32Array];
  const operands = shapes.map((shape, i) => host.operand('float32', shape, data[i]));
  const exact = exactly(one, ...data);
  const errors = computations.map(({ makes, run }, i) =>
    algorithms.map((algorithm) => {
      const made = host.operand('float32', shapes[makes]);
      const [x, weight, y] = place(operands, makes, made);
      run(host.kernels, x!, weight!, y!, convolution(one, algorithm).geometry);
      const got = host.read(made) as Float32Array;
      host.free(made);
      return errorsOf(got, exact[i]!);
    }),
  );
  host.free(...operands);
  return errors;
}

/** Layers of the classic networks, and single ones, whose algorithms are listed. */
const listed: readonly (readonly [name: string, Convolution])[] = [
  ['LeNet-5, first', { channels: 1, filters: 6, input: [32, 32], geometry: square(5) }],
  ['LeNet-5, first', { images: 64, channels: 1, filters: 6, input: [32, 32], geometry: square(5) }],
  ['LeNet-5, second', { channels: 6, filters: 16, input: [14, 14], geometry: square(5) }],
  ['LeNet-5, second', { images: 64, channels: 6, filters: 16, input: [14, 14], geometry: square(5) }],
  ['AlexNet, first', { channels: 3, filters: 96, input: [227, 227], geometry: square(11, { stride: 4 }) }],
  ['AlexNet, second', { channels: 96, filters: 256, input: [27, 27], geometry: square(5, { padding: 2 }) }],
  ['AlexNet, third', { channels: 256, filters: 384, input: [13, 13], geometry: square(3, { padding: 1 }) }],
  ['AlexNet, third', { images: 8, channels: 256, filters: 384, input: [13, 13], geometry: square(3, { padding: 1 }) }],
  ['ZFNet, first', { channels: 3, filters: 96, input: [224, 224], geometry: square(7, { stride: 2, padding: 1 }) }],
  ['ZFNet, second', { channels: 96, filters: 256, input: [55, 55], geometry: square(5, { stride: 2 }) }],
  ...[1, 8].map(
    (images) =>
      ['ZFNet, wide', { images, ...convolution({ size: 3, channels: 512, filters: 1024, side: 13 }) }] as const,
  ),
  ...[
    [3, 64, 224],
    [64, 64, 224],
    [128, 128, 112],
    [256, 256, 56],
    [512, 512, 28],
    [512, 512, 14],
  ].map(
    ([channels, filters, side]) =>
      ['VGG-16', convolution({ size: 3, channels: channels!, filters: filters!, side: side! })] as const,
  ),
  ['depthwise', { channels: 128, filters: 128, input: [112, 112], geometry: square(3, { padding: 1, groups: 128 }) }],
  ['pointwise', { channels: 256, filters: 256, input: [28, 28], geometry: square(1) }],
];

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [row(head), `|${'---|'.repeat(head.length)}`, ...rows.map(row)].join('\n');

function choices(): string {
  const rows = listed.map(([name, one]) => {
    const { images = 1, channels, filters, input, geometry } = one;
    const { kernel, stride, groups } = geometry;
    const further = [stride[0] === 1 ? '' : `, stride ${stride[0]}`, groups === 1 ? '' : `, ${groups} groups`].join('');
    return [
      name,
      images,
      `${channels} -> ${filters} @ ${input.join('x')}, ${kernel.join('x')}${further}`,
      ...chosen(one),
    ];
  });
  return table(['layer', 'images', 'convolution', ...computations.map(({ name }) => name)], rows);
}

const number = (value: number): string => value.toExponential(1);

function shares(all: readonly Errors[][][], cell: (of: Errors) => string): string {
  const rows = measured.flatMap((one, i) => {
    const auto = chosen(convolution(one));
    return computations.map(({ name }, k) => [
      `${one.channels} -> ${one.filters} @ ${one.side}, ${one.size}x${one.size}`,
      name,
      ...all[i]![k]!.map((of, a) => (auto[k] === algorithms[a] ? `**${cell(of)}**` : cell(of))),
    ]);
  });
  return table(['convolution', '', ...algorithms.map((name) => `\`${name}\``)], rows);
}

function page(): string {
  const all = measured.map(measure);
  return `# The algorithms of convolution

Convolutions, transposed convolutions and their layers have an option \`algorithm\`, which says how they and their gradients are computed. All ways give the same result
up to rounding, and treat NaN and infinities as the definition does. It is the CPU backends that have these ways; others go their own.

- \`'direct'\` adds up the products of the definition, without transforms: with a kernel that reads the images where they lie, where there is one for such a geometry, else
  with a matrix product. It is the fastest way that rounds as plain sums do.
- \`'gemm'\` is the packed matrix product, whatever the geometry. Its sums run over channels and taps in blocks of at most 384, which are added one after the other.
- \`'winograd2'\` and \`'winograd4'\` are Winograd's minimal filtering with tiles of 2 x 2 and of 4 x 4 outputs (Lavin and Gray, arXiv:1509.09308), with 16 multiplications
  in place of 36, and 36 in place of 144, for kernels of 3 x 3; of 5 x 5, 36 in place of 100, and 64 in place of 400. They need stride 1, dilation 1, and less padding on
  each side than the kernel is long.
- \`'auto'\`, the default, takes what is fastest.

## What auto takes

1. Winograd, for what it can compute, if a group has at least ${REPAID.forward[3]} channels and ${REPAID.forward[3]} filters, of 5 x 5 at least ${REPAID.forward[5]}
   of each, or ${REPAID.weightGradient[5]} for the gradient of the weights, and all images together at least ${PLACES.least} places of outputs,
   or, for gradients, ${PLACES.inMemory} where the transformed weights are larger than ${CACHE >> 20} MiB. Tiles are of 4 x 4 outputs, or of 2 x 2 if these take no more multiplications, since
   fewer of them hang over the edge. Where few tiles meet many weights, small tiles have less than half of them to read, but take longer all the same: what is multiplied
   is fetched ahead. The input's gradient of a strided convolution, which a transposed one is, takes tiles of 4 x 4 where places of one remainder by the stride meet
   3.5 taps or more on average, of which a window of 3 x 3 covers all, as with 4 x 4 kernels at stride 2.
2. A direct kernel: for few channels and filters in a group (of 3x3 kernels' gradient: before Winograd), for few filters (of the input's gradient: channels),
   or a batch of small images.
3. The matrix product.

The choice follows from the shapes alone. For example:

${choices()}

## How far each is from exact sums

Errors against sums in float64, of numbers drawn evenly from -1 to 1, one image, over ${COMPARED} channels or filters of each result, with relaxed SIMD. What
auto takes is bold. First the root of the mean square and the largest one, as shares of the largest element of the result:

${shares(all, ({ rms, worst }) => `${number(rms)} / ${number(worst)}`)}

Then each error as a share of the element itself: half of them are below the first number, and 999 of 1000 below the second. There is no bound for a single one: where
products cancel out, sums in any order lose digits.

${shares(all, ({ median, high }) => `${number(median)} / ${number(high)}`)}

What becomes of whole networks is in [accuracy.md](accuracy.md).

Made by \`packages/kernels/test/rounding.test.ts\`, which fails where a number is out by more than a factor of ${SLACK} or anything else has changed;
\`npx -y pnpm@12.21.0 test --project @receptive/kernels -u\` writes it anew.
`;
}

/** By what factor a number may differ: engines fuse multiplications and additions, or do not. */
const SLACK = 2;
const NUMBERS = /\d\.\de[+-]\d+/g;

/** Whether two pages are the same but for numbers, and these about equal. */
function areAlike(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => text.match(NUMBERS)?.map(Number) ?? []) as [number[], number[]];
  const near = left.every((value, i) => value <= SLACK * right[i]! && right[i]! <= SLACK * value);
  return near && a.replace(NUMBERS, '') === b.replace(NUMBERS, '');
}

describe('docs/convolution-algorithms.md', () => {
  test('says what is chosen, and how far it is from exact sums', { timeout: 60_000 }, async () => {
    const path = join(import.meta.dirname, '../../../docs/convolution-algorithms.md');
    const [made, there] = [page(), existsSync(path) ? readFileSync(path, 'utf8') : ''];
    await expect(areAlike(made, there) ? there : made).toMatchFileSnapshot(path);
  });

  test.each([3, 5])('compares with what the reference computes, kernels of %s', (size) => {
    const one = { size, channels: 3, filters: 5, side: 7 };
    const backend = reference();
    const shapes = shapesOf(convolution(one));
    const random = sequence(2);
    const data = shapes.map((shape) => noise(sizeOf(shape), random)) as [Float32Array, Float32Array, Float32Array];
    const operands = shapes.map((shape, i): Operand => {
      const storage = backend.allocate('float64', sizeOf(shape));
      backend.write(storage, Float64Array.from(data[i]!));
      return { storage, shape, dtype: 'float64' };
    });
    const exact = exactly(one, ...data);
    computations.forEach(({ makes, run }, i) => {
      const made = { ...operands[makes]!, storage: backend.allocate('float64', sizeOf(shapes[makes])) };
      const [x, weight, y] = place(operands, makes, made);
      run(backend.kernels as Required<Kernels>, x!, weight!, y!, convolution(one).geometry);
      const want = backend.readSync!(made.storage, 'float64', sizeOf(made.shape));
      for (const { offset, values } of exact[i]!)
        values.forEach((value, k) => expect(value).toBeCloseTo(want[offset + k]!, 10));
    });
  });
});
