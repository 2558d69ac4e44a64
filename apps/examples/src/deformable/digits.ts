import { readFile } from 'node:fs/promises';
import { Rng, idxDataset, splitDataset } from 'receptive';
import type { Dataset } from 'receptive';

/** Pixels a side of a picture. It is odd: the middle of a digit is a pixel's. */
export const SIDE = 33;

/** How a digit is drawn. */
export interface Variant {
  /** Its size, as a multiple of that in which it was written, about 20 pixels. */
  readonly scale: number;
  /** Degrees by which it is turned, clockwise. */
  readonly turn: number;
}

const SCALES = { least: 0.5, most: 1.5 };
const TURN = 45;
/** Decides which digits are held out and how those are drawn. It is the same in every run, so that the tests of two runs can be compared. */
const TEST_SEED = 1703;

/** Digits to train on, and others to test on. */
export interface Digits {
  readonly train: Dataset;
  readonly test: Dataset;
}

/** The 10,000 digits of MNIST that are bundled with the command line tool, one in ten to test on. */
export async function bundledDigits(): Promise<Digits> {
  const tool = import.meta.resolve('@receptive/cli/package.json');
  const read = (part: string): Promise<Uint8Array> => readFile(new URL(`build/digits-${part}-ubyte`, tool));
  const [images, labels] = await Promise.all([read('images-idx3'), read('labels-idx1')]);
  const [train, test] = splitDataset(idxDataset(images, labels), 0.9, new Rng(TEST_SEED));
  return { train, test };
}

/**
 * Every digit of `dataset` scaled and turned by chance: for training anew in each epoch, whose number `epoch` tells. All sizes from half to one and a half
 * times the usual are as likely on a logarithmic scale.
 */
export function varied(dataset: Dataset, rng = new Rng(TEST_SEED), epoch = (): number => 0): Dataset {
  return {
    ...dataset,
    shape: [1, SIDE, SIDE],
    get(index) {
      const { image, label } = dataset.get(index);
      const [size, angle] = [...rng.fork(`epoch ${epoch()}, digit ${index}`).bits(2)].map((bits) => bits / 2 ** 32);
      const scale = SCALES.least * (SCALES.most / SCALES.least) ** size!;
      return { image: drawn(image, { scale, turn: TURN * (2 * angle! - 1) }), label };
    },
  };
}

/** A digit, square as in MNIST, in the middle of a picture of {@link SIDE} x SIDE pixels: each is read where it lay, bilinearly. */
export function drawn(digit: Uint8Array, { scale, turn }: Variant): Uint8Array {
  const side = Math.sqrt(digit.length);
  const grey = (row: number, column: number): number =>
    row >= 0 && row < side && column >= 0 && column < side ? digit[row * side + column]! : 0;
  const radians = (turn * Math.PI) / 180;
  const [along, across] = [Math.cos(radians) / scale, Math.sin(radians) / scale];
  const [middle, from] = [(SIDE - 1) / 2, (side - 1) / 2];
  return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [y, x] = [Math.floor(i / SIDE) - middle, (i % SIDE) - middle];
    const [row, column] = [along * y - across * x + from, across * y + along * x + from];
    const [top, left] = [Math.floor(row), Math.floor(column)];
    const [down, right] = [row - top, column - left];
    const upper = grey(top, left) * (1 - right) + grey(top, left + 1) * right;
    const lower = grey(top + 1, left) * (1 - right) + grey(top + 1, left + 1) * right;
    return upper * (1 - down) + lower * down + 0.5;
  });
}
