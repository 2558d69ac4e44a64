import type { ConvOptions, PerAxis, Tensor } from '@receptive/tensor';
import { alongAxis, perAxis, resolveConv, scope } from '@receptive/tensor';
import type { AffineOptions } from './affine.ts';
import { whole } from './check.ts';
import { Conv1d, Conv2d, Conv3d } from './conv.ts';
import type { ConvLayerOptions } from './conv.ts';
import { Module } from './module.ts';

/** Options of the depthwise convolution layers. */
export interface DepthwiseConvOptions extends Omit<ConvOptions, 'groups'>, AffineOptions {
  /** Kernels, and so output channels, of each channel; 1 unless told. */
  readonly multiplier?: number;
}

/** The arguments of a convolution in as many groups as there are channels. */
function depthwise(
  door: string,
  channels: number,
  kernelSize: PerAxis,
  { multiplier = 1, ...options }: DepthwiseConvOptions,
): [number, number, PerAxis, ConvLayerOptions] {
  whole(door, { channels, multiplier });
  return [channels, channels * multiplier, kernelSize, { ...options, groups: channels }];
}

/** {@link DepthwiseConv2d} along one axis. */
export class DepthwiseConv1d extends Conv1d {
  constructor(channels: number, kernelSize: PerAxis, options: DepthwiseConvOptions = {}) {
    super(...depthwise('DepthwiseConv1d', channels, kernelSize, options));
  }
}

/**
 * A convolution of each channel by itself, with `multiplier` kernels of its own: {@link Conv2d} in as many groups as there are channels. The outputs of one
 * channel lie next to each other.
 * @throws ShapeError | RangeError as Conv2d.
 */
export class DepthwiseConv2d extends Conv2d {
  constructor(channels: number, kernelSize: PerAxis, options: DepthwiseConvOptions = {}) {
    super(...depthwise('DepthwiseConv2d', channels, kernelSize, options));
  }
}

/** {@link DepthwiseConv2d} over volumes. */
export class DepthwiseConv3d extends Conv3d {
  constructor(channels: number, kernelSize: PerAxis, options: DepthwiseConvOptions = {}) {
    super(...depthwise('DepthwiseConv3d', channels, kernelSize, options));
  }
}

/** Options of the depthwise separable layers: `weightInit` makes both weights. */
export interface SeparableConvLayerOptions extends DepthwiseConvOptions {
  /** Groups of channels that the pointwise convolution does not mix; 1 unless told. */
  readonly pointwiseGroups?: number;
}

/** What depthwise separable layers of any number of axes have in common. */
abstract class SeparableConvolution extends Module {
  readonly depthwise: Conv2d;
  readonly pointwise: Conv2d;

  constructor(
    [Depthwise, Pointwise]: readonly [typeof DepthwiseConv2d, typeof Conv2d],
    [inChannels, outChannels]: readonly [inChannels: number, outChannels: number],
    kernelSize: PerAxis,
    { pointwiseGroups = 1, bias = true, ...options }: SeparableConvLayerOptions,
  ) {
    super();
    const { multiplier = 1, weightInit, biasInit } = options;
    this.depthwise = new Depthwise(inChannels, kernelSize, { ...options, bias: false });
    this.pointwise = new Pointwise(inChannels * multiplier, outChannels, 1, {
      bias,
      groups: pointwiseGroups,
      ...(weightInit && { weightInit }),
      ...(biasInit && { biasInit }),
    });
  }

  override forward(x: Tensor): Tensor {
    return scope(() => this.pointwise.forward(this.depthwise.forward(x)));
  }
}

/** {@link SeparableConv2d} along one axis: see separableConv1d. */
export class SeparableConv1d extends SeparableConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: SeparableConvLayerOptions = {}) {
    super([DepthwiseConv1d, Conv1d], [inChannels, outChannels], kernelSize, options);
  }
}

/**
 * A depthwise separable convolution: {@link DepthwiseConv2d}, which takes the options and has no bias, and then a pointwise one of 1x1, in `pointwiseGroups`.
 * What MobileNet has for a plain convolution, with fewer weights by `1 / outChannels + 1 / (kh * kw)`: see separableConv2d of \@receptive/tensor.
 * @throws ShapeError | RangeError as Conv2d.
 */
export class SeparableConv2d extends SeparableConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: SeparableConvLayerOptions = {}) {
    super([DepthwiseConv2d, Conv2d], [inChannels, outChannels], kernelSize, options);
  }
}

/** {@link SeparableConv2d} over volumes: see separableConv3d. */
export class SeparableConv3d extends SeparableConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: SeparableConvLayerOptions = {}) {
    super([DepthwiseConv3d, Conv3d], [inChannels, outChannels], kernelSize, options);
  }
}

/** Options of {@link SpatiallySeparableConv2d}; `weightInit` makes both weights. */
export interface SpatiallySeparableConvOptions extends ConvOptions, AffineOptions {
  /** Channels between the two convolutions; as many as come out unless told. */
  readonly midChannels?: number;
}

/**
 * A spatially separable convolution: along the columns with `kh x 1`, without a bias, and then along the rows with `1 x kw`. The options are those of the
 * whole, each axis taking its part; groups are those of both. See spatiallySeparableConv2d of \@receptive/tensor.
 * @throws ShapeError | RangeError as Conv2d.
 */
export class SpatiallySeparableConv2d extends Module {
  readonly column: Conv2d;
  readonly row: Conv2d;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    { midChannels = outChannels, ...options }: SpatiallySeparableConvOptions = {},
  ) {
    super();
    const door = 'SpatiallySeparableConv2d';
    const kernel = perAxis(door, 'kernelSize', kernelSize, 2);
    resolveConv(door, kernel, kernel, options);
    const [height, width] = kernel as [number, number];
    this.column = new Conv2d(inChannels, midChannels, [height, 1], { ...alongAxis(options, 0), bias: false });
    this.row = new Conv2d(midChannels, outChannels, [1, width], alongAxis(options, 1));
  }

  override forward(x: Tensor): Tensor {
    return scope(() => this.row.forward(this.column.forward(x)));
  }
}
