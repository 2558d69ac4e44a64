import {
  BatchNorm2d,
  Conv2d,
  ConvTranspose2d,
  CoordConv2d,
  Flatten,
  GlobalAvgPool,
  GlobalMaxPool,
  Linear,
  Module,
  ReLU,
  Sequential,
  argmax,
  broadcastTo,
  crossEntropy,
  initializers,
  mse,
  reshape,
} from 'receptive';
import type { Tensor } from 'receptive';
import { SIZE, coordinatesOf, pixels, pixelsOf, squaresAt } from './task.ts';
import type { Place } from './task.ts';

/** What a network is asked, and how its answer is read. */
export interface Task {
  /** What networks are given, `[N, ...]`. */
  readonly input: (places: readonly Place[]) => Tensor;
  readonly loss: (output: Tensor, places: readonly Place[]) => Tensor;
  /** The places, in pixels, that an output names. */
  readonly answers: (output: Tensor) => Promise<Place[]>;
}

/** A network and how it is trained. */
export interface Recipe {
  readonly build: () => Module;
  readonly epochs: number;
  readonly batchSize: number;
  /** Highest learning rate of Adam: it rises to it in a line, then falls along a cosine. */
  readonly lr: number;
  /** Share of the steps in which batch normalisation goes by the batch; after it, by what was gathered until then. */
  readonly gathering: number;
}

/** Repeats `[N, C, 1, 1]` at each place of the canvas. */
class Tile extends Module {
  override forward(x: Tensor): Tensor {
    return broadcastTo(x, [x.shape[0]!, x.shape[1]!, SIZE, SIZE]);
  }
}

const weightInit = initializers.kaimingNormal();

/** Makes an image twice as large. */
function enlarge(inputs: number, outputs: number): Module[] {
  const up = new ConvTranspose2d(inputs, outputs, 3, { stride: 2, padding: 1, outputPadding: 1, weightInit });
  return [up, new BatchNorm2d(outputs), new ReLU()];
}

/** Makes an image half as large. */
function shrink(inputs: number, outputs: number, kernel: number): Module[] {
  const padding = (kernel - 1) / 2;
  return [new Conv2d(inputs, outputs, kernel, { stride: 2, padding, weightInit }), new ReLU()];
}

/** From the coordinates of a place to its pixel, as one class of 64 x 64. */
const classification: Task = {
  input: (places) => reshape(coordinatesOf(places), [-1, 2, 1, 1]),
  loss: (output, places) => crossEntropy(output, pixelsOf(places)),
  answers: async (output) =>
    Array.from(await argmax(output, 1).data(), (pixel) => [Math.floor(pixel / SIZE), pixel % SIZE] as const),
};

/** From the picture of a square to the coordinates of its centre. */
const regression: Task = {
  input: squaresAt,
  loss: (output, places) => mse(output, coordinatesOf(places)),
  answers: async (output) => {
    const values = await output.data();
    return Array.from({ length: values.length / 2 }, (_, i) => [pixels(values[2 * i]!), pixels(values[2 * i + 1]!)]);
  },
};

/** The tasks, each with a network that knows coordinates and one that does not. */
export const tasks = {
  classification: {
    ...classification,
    recipes: {
      // A pixel is told from where it is and where it should be, by the same weights everywhere: a sum of 16 slopes, of which |i - x| + |j - y| takes four.
      CoordConv: {
        build: () =>
          new Sequential([
            new Tile(),
            new CoordConv2d(2, 16, 1, { weightInit }),
            new ReLU(),
            new Conv2d(16, 1, 1, { weightInit }),
            new Flatten(),
          ]),
        epochs: 3,
        batchSize: 16,
        lr: 0.02,
        gathering: 0,
      },
      // As the paper's: from one place to 64 x 64 by six transposed convolutions with batch normalisation.
      'transposed convolution': {
        build: () =>
          new Sequential([
            ...enlarge(2, 64),
            ...enlarge(64, 64),
            ...enlarge(64, 64),
            ...enlarge(64, 32),
            ...enlarge(32, 32),
            new ConvTranspose2d(32, 1, 3, { stride: 2, padding: 1, outputPadding: 1, weightInit }),
            new Flatten(),
          ]),
        epochs: 12,
        batchSize: 32,
        lr: 0.01,
        gathering: 1,
      },
    },
  },
  regression: {
    ...regression,
    recipes: {
      // Linear up to the maximum, as the paper's: the highest place of a slope over a square tells where it is, wherever it is. The mean is subtracted before
      // the last layer, which begins with zeros: so that what never changed in training weighs nothing when it does.
      CoordConv: {
        build: () =>
          new Sequential([
            new CoordConv2d(1, 16, 1, { weightInit }),
            new GlobalMaxPool(),
            new BatchNorm2d(16, { affine: false, eps: 0.01 }),
            new Flatten(),
            new Linear(16, 2, { weightInit: initializers.zeros }),
          ]),
        epochs: 8,
        batchSize: 32,
        lr: 0.02,
        gathering: 0.4,
      },
      // As the paper's: strided convolutions from 64 x 64 to 2 x 2, and the mean.
      convolution: {
        build: () =>
          new Sequential([
            ...shrink(1, 16, 5),
            ...shrink(16, 16, 3),
            ...shrink(16, 16, 3),
            ...shrink(16, 16, 3),
            ...shrink(16, 16, 3),
            new Conv2d(16, 2, 3, { padding: 1, weightInit }),
            new GlobalAvgPool(),
            new Flatten(),
          ]),
        epochs: 10,
        batchSize: 32,
        lr: 0.01,
        gathering: 0,
      },
    },
  },
} satisfies Record<string, Task & { readonly recipes: Record<string, Recipe> }>;

/** Name of a {@link tasks task}. */
export type TaskName = keyof typeof tasks;
