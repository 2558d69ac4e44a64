import { sameShape, sizeOf } from '@receptive/backend';
import type { Initializer, Parameter, PerAxis, Tensor, WindowOptions } from '@receptive/tensor';
import {
  ShapeError,
  formatShape,
  locallyConnected1d,
  locallyConnected2d,
  locallyConnectedOutput,
  perAxis,
  reshape,
  scope,
  stack,
} from '@receptive/tensor';
import { defaultBiasInit, defaultWeightInit } from './affine.ts';
import type { AffineOptions } from './affine.ts';
import { whole } from './check.ts';
import { Module, parameter } from './module.ts';

/** Options of {@link LocallyConnected1d} and {@link LocallyConnected2d}: the window's are those of a convolution. */
export interface LocallyConnectedOptions extends WindowOptions, AffineOptions {}

/** The function of one number of axes, and the layer's name. */
interface Kind {
  readonly name: string;
  readonly axes: number;
  readonly apply: typeof locallyConnected2d;
}

abstract class LocallyConnected extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly #kind: Kind;
  readonly #inputSize: readonly number[];
  readonly #options: WindowOptions;

  constructor(
    kind: Kind,
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    inputSize: PerAxis,
    options: LocallyConnectedOptions,
  ) {
    super();
    const { name, axes } = kind;
    whole(name, { inChannels, outChannels });
    const kernel = [outChannels, inChannels, ...perAxis(name, 'kernelSize', kernelSize, axes)];
    this.#kind = kind;
    this.#inputSize = perAxis(name, 'inputSize', inputSize, axes);
    this.#options = options;
    const output = locallyConnectedOutput(this.#inputSize, kernel.slice(2), options);
    const { bias = true, weightInit = defaultWeightInit, biasInit = defaultBiasInit(kernel) } = options;
    this.weight = parameter([...output, ...kernel], atEachPlace(weightInit, kernel));
    this.bias = bias ? parameter([outChannels, ...output], biasInit) : undefined;
  }

  /** @throws ShapeError for an input of another size than the layer was made for. */
  override forward(x: Tensor): Tensor {
    const { name, apply } = this.#kind;
    if (!sameShape(x.shape.slice(2), this.#inputSize)) {
      throw new ShapeError(
        `${name}: has a kernel for each place of an input of ${this.#inputSize.join('x')}, but was given ${formatShape(x.shape)}. Resize the input, or make the layer with its inputSize.`,
      );
    }
    return apply(x, this.weight.value, this.bias?.value, this.#options);
  }
}

/** Begins the kernel of each place as that of a convolution, whose fans are those of one place. */
function atEachPlace(init: Initializer, kernel: readonly number[]): Initializer {
  return (shape, rng) =>
    scope(() => {
      const places = sizeOf(shape) / sizeOf(kernel);
      return reshape(stack(Array.from({ length: places }, () => init(kernel, rng))), shape);
    });
}

/** {@link LocallyConnected2d} along one axis: of `[N, inChannels, inputSize]`. */
export class LocallyConnected1d extends LocallyConnected {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    inputSize: PerAxis,
    options: LocallyConnectedOptions = {},
  ) {
    const kind = { name: 'LocallyConnected1d', axes: 1, apply: locallyConnected1d };
    super(kind, inChannels, outChannels, kernelSize, inputSize, options);
  }
}

/**
 * A convolution whose weights are not shared: each place of the output of `[N, inChannels, ...inputSize]` has `outChannels` filters of its own, `weight`
 * `[outH, outW, outChannels, inChannels, kh, kw]`, and a bias, `bias` `[outChannels, outH, outW]`: see locallyConnected2d of \@receptive/tensor. It has as
 * many times the parameters of a convolution as there are places, and fits images in which places differ, such as aligned faces.
 * The kernel of each place begins as that of a convolution; `biasInit` makes the bias as a whole.
 * @throws ShapeError for channels, kernel or input sizes that are not whole numbers of at least 1, or a window that does not fit into the input.
 */
export class LocallyConnected2d extends LocallyConnected {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    inputSize: PerAxis,
    options: LocallyConnectedOptions = {},
  ) {
    const kind = { name: 'LocallyConnected2d', axes: 2, apply: locallyConnected2d };
    super(kind, inChannels, outChannels, kernelSize, inputSize, options);
  }
}
