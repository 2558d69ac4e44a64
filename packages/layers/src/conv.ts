import type { ConvOptions, PerAxis, Tensor } from '@receptive/tensor';
import { ShapeError, conv1d, conv2d, conv3d, perAxis, resolveConv, scope } from '@receptive/tensor';
import { Affine } from './affine.ts';
import type { AffineOptions } from './affine.ts';
import { whole } from './check.ts';
import { ConnectionTable } from './connections.ts';
import type { Connections } from './connections.ts';

/** Options of the convolution layers, as in PyTorch, and a table of connections. */
export interface ConvLayerOptions extends ConvOptions, AffineOptions {
  /**
   * For each output channel, the input channels that it sees; all of them unless told. The layer then has weights for these alone,
   * `[connections, ...kernel]`, in the order of the lists: kernels of the first output channel first. It computes with zeros for the others, and so keeps
   * from an output what is not connected to it unless that is infinite or NaN. Not in groups.
   */
  readonly connections?: Connections;
}

/** Refuses groups that do not divide the channels. */
export function checkGroups(door: string, groups: number, inChannels: number, outChannels: number): void {
  whole(door, { inChannels, outChannels, groups });
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw new ShapeError(
      `${door}: groups must divide the channels, but ${groups} does not divide both ${inChannels} and ${outChannels}.`,
    );
  }
}

/** What convolution layers of any number of axes have in common. */
abstract class Convolution extends Affine {
  readonly #convolve: typeof conv2d;
  readonly #options: ConvOptions;
  readonly #table: ConnectionTable | undefined;

  constructor(
    door: string,
    [convolve, axes]: readonly [convolve: typeof conv2d, axes: number],
    [inChannels, outChannels]: readonly [inChannels: number, outChannels: number],
    kernelSize: PerAxis,
    options: ConvLayerOptions,
  ) {
    const { connections, groups = 1 } = options;
    checkGroups(door, groups, inChannels, outChannels);
    const kernel = perAxis(door, 'kernelSize', kernelSize, axes);
    resolveConv(door, kernel, kernel, options);
    const table = connections && new ConnectionTable(door, connections, inChannels, outChannels);
    if (table && groups !== 1) {
      throw new ShapeError(`${door}: connections say by themselves what sees what. Leave out groups.`);
    }
    super(
      table ? [table.count, ...kernel] : [outChannels, inChannels / groups, ...kernel],
      table ? { ...options, ...table.initializers(options, kernel) } : options,
      outChannels,
    );
    this.#convolve = convolve;
    this.#options = options;
    this.#table = table;
  }

  override forward(x: Tensor): Tensor {
    const convolve = (weight: Tensor): Tensor => this.#convolve(x, weight, this.bias?.value, this.#options);
    const table = this.#table;
    return table ? scope(() => convolve(table.densify(this.weight.value))) : convolve(this.weight.value);
  }
}

/** {@link Conv2d} along one axis, of `[N, inChannels, L]`: see conv1d. */
export class Conv1d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvLayerOptions = {}) {
    super('Conv1d', [conv1d, 1], [inChannels, outChannels], kernelSize, options);
  }
}

/**
 * A convolution (as the field uses the word: a cross-correlation) of `[N, inChannels, H, W]` with `outChannels` filters, `weight`
 * `[outChannels, inChannels / groups, kh, kw]`, plus `bias` `[outChannels]`: see conv2d of \@receptive/tensor for the formula and the output's size, and
 * docs/convolution-algorithms.md for the ways to compute it.
 * @throws ShapeError for channels, kernel or other options that are not whole numbers of at least 1 (padding: 0), groups that do not divide both channels,
 * or connections that leave an output channel with none, name a channel twice, or one that does not exist.
 * @throws RangeError for a paddingMode or an algorithm that does not exist, or an algorithm that does not compute such a convolution.
 */
export class Conv2d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvLayerOptions = {}) {
    super('Conv2d', [conv2d, 2], [inChannels, outChannels], kernelSize, options);
  }
}

/** {@link Conv2d} over volumes `[N, inChannels, D, H, W]`: see conv3d. */
export class Conv3d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvLayerOptions = {}) {
    super('Conv3d', [conv3d, 3], [inChannels, outChannels], kernelSize, options);
  }
}
