import { stridesOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { ENOUGH, packWeights } from './gemm.ts';
import { mend } from './mend.ts';
import type { Plan, Reserve } from './plan.ts';
import { float, pieces, roundUp, words } from './plan.ts';
import type { Sizes } from './sizes.ts';
import { isFlat } from './sizes.ts';
import { farthest, forward, lengthOf, partsOf, placeOf } from './strips.ts';

// Convolutions of few channels as products of matrices whose columns are read off strips of the image, where they lie.

/** Bytes of strips that stay in the second-level cache beside the weights. */
const STRIP = 96 << 10;
/** Rows of outputs of a chunk, which read rows of the image that other chunks read too. */
const ROWS = 4;

export function convOverStrips(
  x: Located,
  weight: Located,
  bias: Located | undefined,
  out: Located,
  sizes: Sizes,
  least: number,
  reserve: Reserve,
): Plan {
  const { images, groups, channels, filters, kernel, taps, dilation } = sizes;
  const [down, across] = [forward(sizes, 1), forward(sizes, 2)];
  const length = lengthOf(across, across.output);
  const parts = partsOf(across, length);
  const pitch = parts.length * length * 4;
  const k = channels * taps;

  const fitting = Math.max(ROWS, (STRIP / (channels * pitch) - farthest(down)) / down.stride);
  const most = Math.max(1, Math.floor(down.output / ROWS));
  const blocks = Math.min(most, Math.max(pieces(down.output, fitting), pieces(ENOUGH, images * groups)));
  const stripRows = (pieces(down.output, blocks) - 1) * down.stride + farthest(down) + 1;
  const strip = stripRows * pitch;
  const place = placeOf(across, length);
  const offsets = Array.from({ length: k }, (_, i) => {
    const [channel, tap] = [Math.floor(i / taps), i % taps];
    const [row, column] = [Math.floor(tap / kernel[2]), tap % kernel[2]];
    return channel * strip + row * dilation[1] * pitch + place(column * dilation[2]);
  });
  const rows = {
    batch: [groups],
    rows: filters,
    inner: [channels, ...kernel],
    a: { address: weight.address, batch: [filters * k], row: k, inner: stridesOf([channels, ...kernel]) },
    initial: bias && { address: bias.address, batch: [filters] },
  };
  const packed = packWeights(rows, reserve, k);
  return [
    packed.phase,
    {
      kernel: 'stripProduct',
      words: words(
        [groups, blocks, channels, filters, x.address, across.input, down.input],
        [out.address, across.output, down.output, packed.address, packed.stride, float(least)],
        [stripRows, pitch, parts.length, length, down.stride, down.before, across.stride * 4, k],
        ...parts,
        offsets,
      ),
      chunks: images * groups * blocks,
      scratch: channels * strip,
    },
    ...mend('y', { x, weight, y: out, bias }, sizes, reserve, least),
  ];
}

/** Weights of a filter up to which reading columns where they lie beats copying them into panels, which are read in order. */
const WEIGHTS = 160;
/** Least share of the tiles' columns that outputs must fill, row by row. */
const FILLED = 0.85;

/** Whether columns are to be read off strips. */
export function suitsStrips(sizes: Sizes): boolean {
  const { output, filters, channels, taps, algorithm } = sizes;
  const isTold = algorithm !== undefined && algorithm !== 'direct';
  // One or two filters that are left over would be computed as three.
  const areWhole = filters % 60 === 0 || filters % 60 > 2;
  const isFilled = output[2] >= 4 && output[2] >= FILLED * roundUp(output[2], 8);
  return isFlat(sizes) && !isTold && areWhole && isFilled && taps > 1 && channels * taps <= WEIGHTS;
}
