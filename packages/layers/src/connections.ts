import type { Shape } from '@receptive/backend';
import type { Tensor } from '@receptive/tensor';
import { ShapeError, concat, indexSelect, pad, reshape, slice, tensor, withBackend } from '@receptive/tensor';
import { defaultBiasInit, defaultWeightInit } from './affine.ts';
import type { AffineOptions } from './affine.ts';

/** For each output channel of a convolution, the input channels that it sees. */
export type Connections = readonly (readonly number[])[];

/**
 * The third layer of LeNet-5: which of the six maps below each of its sixteen filters sees. Six of them see three neighbours, six see four, three see four
 * that are apart, and one sees all. Source: LeCun et al., Gradient-based learning applied to document recognition, Proceedings of the IEEE 86(11), 1998,
 * table I.
 */
export const lenet5Connections: Connections = [
  [0, 1, 2],
  [1, 2, 3],
  [2, 3, 4],
  [3, 4, 5],
  [0, 4, 5],
  [0, 1, 5],
  [0, 1, 2, 3],
  [1, 2, 3, 4],
  [2, 3, 4, 5],
  [0, 3, 4, 5],
  [0, 1, 4, 5],
  [0, 1, 2, 5],
  [0, 1, 3, 4],
  [1, 2, 4, 5],
  [0, 2, 3, 5],
  [0, 1, 2, 3, 4, 5],
];

/** Connections that have been checked, and what a layer makes of them. */
export class ConnectionTable {
  readonly #connections: Connections;
  readonly #inChannels: number;
  /** Number of kernels: one a connection. */
  readonly count: number;

  /** @throws ShapeError unless each output channel sees at least one of the input channels, and none of them twice. */
  constructor(door: string, connections: Connections, inChannels: number, outChannels: number) {
    if (connections.length !== outChannels) {
      throw new ShapeError(
        `${door}: connections must have a list for each of the ${outChannels} output channels, but have ${connections.length}.`,
      );
    }
    connections.forEach((seen, channel) => {
      const outside = seen.find((input) => !Number.isInteger(input) || input < 0 || input >= inChannels);
      const twice = seen.find((input, i) => seen.indexOf(input) < i);
      if (seen.length > 0 && outside === undefined && twice === undefined) return;
      const fault =
        outside !== undefined
          ? `${outside} is no input channel`
          : twice === undefined
            ? 'sees none'
            : `sees ${twice} twice`;
      throw new ShapeError(
        `${door}: output channel ${channel} with connections ${JSON.stringify(seen)}: ${fault}. List some of the input channels 0 to ${inChannels - 1}, each once.`,
      );
    });
    this.#connections = connections;
    this.#inChannels = inChannels;
    this.count = connections.reduce((total, seen) => total + seen.length, 0);
  }

  /**
   * The initialisers of a layer with kernels of the lengths `kernel`. Each filter is made as one of a dense layer with its fans: its inputs are the channels
   * it sees, and the outputs are the filters that see a channel, on average.
   */
  initializers(
    { weightInit = defaultWeightInit, biasInit }: AffineOptions,
    kernel: Shape,
  ): Required<Omit<AffineOptions, 'bias'>> {
    const outputs = Math.ceil(this.count / this.#inChannels);
    const shapes = this.#connections.map((seen) => [outputs, seen.length, ...kernel]);
    return {
      weightInit: (_, rng) =>
        concat(shapes.map((shape) => reshape(slice(weightInit(shape, rng), [0], [1]), shape.slice(1)))),
      biasInit: biasInit ?? ((_, rng) => concat(shapes.map((shape) => defaultBiasInit(shape)([1], rng)))),
    };
  }

  /** Kernels `[connections, ...kernel]` at their places in dense weights `[outChannels, inChannels, ...kernel]`, among zeros. */
  densify(kernels: Tensor): Tensor {
    const [count, ...kernel] = kernels.shape as [number, ...number[]];
    // Behind the last kernel stands one of zeros, for all that is not connected.
    const numbers = new Int32Array(this.#connections.length * this.#inChannels).fill(count);
    let number = 0;
    this.#connections.forEach((seen, channel) => {
      for (const input of seen) numbers[channel * this.#inChannels + input] = number++;
    });
    const withZeros = pad(kernels, [[0, 1], ...kernel.map(() => [0, 0] as const)]);
    const index = withBackend(kernels.backend, () => tensor(numbers));
    return reshape(indexSelect(withZeros, index), [this.#connections.length, this.#inChannels, ...kernel]);
  }
}
