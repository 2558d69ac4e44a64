import type { Backend, ConvGeometry, Kernels, Operand, Shape } from '@receptive/backend';
import { sizeOf, windowOutput } from '@receptive/backend';
import { cpu } from '@receptive/backend-cpu';
import { gpu } from '@receptive/backend-gpu';
import { Rng } from '@receptive/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { plan } from '../src/shaders/product.ts';
import { onGpu, options } from './node.ts';

// The smallest products that reach every tile and every way in which elements are loaded. All numbers are small and whole, so that sums are exact in any order:
// a wrong place shows, however little it adds.

/** Which tile a product of these sizes takes, and whether its depth is cut. */
function tileOf(...sizes: Parameters<typeof plan>): string {
  const { tile, parts } = plan(...sizes);
  return parts > 1 ? `${tile.name} in parts` : tile.name;
}

/** Whole numbers from -3 to 3. */
function numbers(length: number, seed: number): Float32Array {
  const bits = new Rng(seed).bits(length);
  return Float32Array.from({ length }, (_, i) => (bits[i]! % 7) - 3);
}

/** What a kernel makes on `backend` of inputs of these shapes and elements. */
async function made(
  backend: Backend,
  inputs: readonly (readonly [Shape, Float32Array])[],
  shape: Shape,
  kernel: (kernels: Kernels, inputs: readonly Operand[], out: Operand) => void,
): Promise<Float32Array> {
  const operand = (of: Shape, data?: Float32Array): Operand => {
    const storage = backend.allocate('float32', sizeOf(of));
    if (data) backend.write(storage, data);
    return { storage, shape: of, dtype: 'float32' };
  };
  const operands = inputs.map(([of, data]) => operand(of, data));
  const out = operand(shape);
  kernel(backend.kernels, operands, out);
  const values = await backend.read(out.storage, 'float32', sizeOf(shape));
  for (const { storage } of [...operands, out]) backend.free(storage);
  return values;
}

/**
 * Products `[batch, rows, depth] x [depth, columns]`, or of both matrices transposed, by the tile that they take. Lengths that vectors divide are read as
 * vectors, odd ones are not. Compiling takes most of the time, which is why large tiles do not go through all ways of reading.
 */
const matrices: readonly (readonly [
  tile: string,
  layout: 'plain' | 'transposed',
  sizes: readonly [batch: number, rows: number, columns: number, depth: number],
])[] = [
  ['32x32', 'plain', [1, 36, 40, 20]],
  ['32x32', 'transposed', [1, 36, 40, 20]],
  ['32x32', 'transposed', [1, 35, 37, 21]],
  ['32x32 in parts', 'plain', [3, 33, 35, 515]],
  ['8x128', 'plain', [1, 4, 8196, 20]],
  ['8x128', 'transposed', [1, 4, 8196, 20]],
  ['8x128 in parts', 'plain', [1, 5, 8197, 513]],
  ['128x8', 'plain', [1, 8196, 4, 20]],
  ['128x8', 'transposed', [1, 8196, 4, 20]],
  ['128x8 in parts', 'plain', [1, 8197, 5, 513]],
  ['64x64', 'plain', [129, 48, 52, 36]],
  ['64x64', 'transposed', [129, 49, 51, 37]],
  ['64x64 in parts', 'plain', [65, 49, 51, 513]],
  ['128x128', 'transposed', [193, 100, 104, 20]],
  ['128x128 in parts', 'plain', [120, 97, 97, 513]],
];

/** Convolutions of two images with 3x3 windows and a padding of 1, by the tile that they take. Channels and filters are those of one group. */
const convolutions: readonly (readonly [
  tile: string,
  kernel: 'conv' | 'convInputGradient' | 'convWeightGradient',
  why: string,
  sizes: readonly [groups: number, channels: number, filters: number, input: readonly [number, number], stride: number],
])[] = [
  ['64x64', 'conv', 'a few channels at a time', [129, 12, 49, [5, 5], 1]],
  ['64x64', 'convInputGradient', 'classes of a stride', [33, 49, 12, [9, 10], 2]],
  ['64x64', 'convWeightGradient', 'one product a group', [129, 6, 49, [5, 5], 1]],
  ['128x128', 'conv', 'channels and taps mixed', [193, 3, 97, [13, 13], 2]],
  ['128x128', 'convInputGradient', 'all in one class', [193, 97, 4, [7, 7], 1]],
  ['128x128', 'convWeightGradient', 'one product a group', [193, 11, 97, [5, 5], 1]],
];

onGpu(() =>
  describe('products on WebGPU', { timeout: 60_000 }, () => {
    let backend: Backend;
    let reference: Backend;
    beforeAll(async () => {
      [backend, reference] = [await gpu(options), await cpu()];
    });
    afterAll(() => {
      backend.dispose();
      reference.dispose();
    });

    for (const [tile, layout, [batch, rows, columns, depth]] of matrices) {
      test(`matmul by ${tile}: ${batch} times ${rows}x${depth}x${columns}, ${layout}`, async () => {
        const transposed = layout === 'transposed';
        expect(tileOf(batch, rows, columns, depth)).toBe(tile);
        const [a, b] = [numbers(batch * rows * depth, 1), numbers(depth * columns, 2)];
        const shapes = transposed
          ? [
              [batch, depth, rows],
              [columns, depth],
            ]
          : [
              [batch, rows, depth],
              [depth, columns],
            ];
        const got = await made(
          backend,
          [
            [shapes[0]!, a],
            [shapes[1]!, b],
          ],
          [batch, rows, columns],
          (kernels, [left, right], out) =>
            kernels.matmul(left!, right!, out, { transposeA: transposed, transposeB: transposed }),
        );
        // Elements all over the result, the corners of the first and the last matrix among them.
        const bits = new Rng(3).bits(1000);
        const corners = [0, columns - 1, (rows - 1) * columns, rows * columns - 1];
        const places = [
          ...corners,
          ...corners.map((corner) => (batch - 1) * rows * columns + corner),
          ...Array.from(bits, (each) => each % got.length),
        ];
        const wrong = places.filter((place) => {
          const [n, row, column] = [
            Math.floor(place / columns / rows),
            Math.floor(place / columns) % rows,
            place % columns,
          ];
          let want = 0;
          for (let k = 0; k < depth; k++) {
            const left = transposed ? (n * depth + k) * rows + row : (n * rows + row) * depth + k;
            const right = transposed ? column * depth + k : k * columns + column;
            want += a[left]! * b[right]!;
          }
          return got[place] !== want;
        });
        expect(wrong).toEqual([]);
      });
    }

    for (const [tile, name, why, sizes] of convolutions) {
      test(`${name} by ${tile}: ${why}`, async () => {
        const [groups, channels, filters, input, stride] = sizes;
        const [images, kernel] = [2, [3, 3]];
        const geometry: ConvGeometry = {
          kernel,
          stride: [stride, stride],
          dilation: [1, 1],
          padding: [
            [1, 1],
            [1, 1],
          ],
          groups,
        };
        const output = windowOutput(input, geometry);
        const [taps, pixels] = [sizeOf(kernel), images * sizeOf(output)];
        const planned = {
          conv: () => tileOf(groups, filters, pixels, channels * taps),
          convInputGradient: () =>
            tileOf(
              groups * stride ** 2,
              channels,
              images * sizeOf(input.map((length) => Math.ceil(length / stride))),
              Math.ceil((filters * taps) / stride ** 2),
            ),
          convWeightGradient: () => tileOf(groups, filters, channels * taps, pixels, true),
        };
        expect(planned[name]()).toBe(tile);
        const x: Shape = [images, groups * channels, ...input];
        const weight: Shape = [groups * filters, channels, ...kernel];
        const y: Shape = [images, groups * filters, ...output];
        const [[left, right], out] = {
          conv: [[x, weight], y],
          convInputGradient: [[y, weight], x],
          convWeightGradient: [[x, y], weight],
        }[name] as [[Shape, Shape], Shape];
        const inputs = [left, right].map((shape, i) => [shape, numbers(sizeOf(shape), i)] as const);
        const run = (on: Backend): Promise<Float32Array> =>
          made(on, inputs, out, (kernels, [first, second], into) => {
            if (name === 'conv') kernels.conv!(first!, second!, undefined, into, geometry);
            else kernels[name]!(first!, second!, into, geometry);
          });
        const [got, want] = [await run(backend), await run(reference)];
        expect(got.length).toBe(want.length);
        expect(got.findIndex((value, i) => value !== want[i])).toBe(-1);
      });
    }
  }),
);
