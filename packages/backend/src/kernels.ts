import type { Band } from './band.ts';
import type { DType } from './dtype.ts';
import type { Shape } from './shape.ts';
import type { ConvGeometry, Window } from './window.ts';

/** Memory of one tensor, owned by the backend that allocated it. Nobody but that backend looks inside. */
export type Storage = object;

/** What a kernel reads or writes: a dense row-major block of elements. An output never shares memory with an input, except where a kernel allows it. */
export interface Operand {
  readonly storage: Storage;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Names the contents: a storage that comes with the same number again holds the same elements. Left out by those who write to it over and over. */
  readonly id?: number | undefined;
}

/** Elementwise functions of one argument; input and output have one shape and dtype. */
export type UnaryName =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'square'
  | 'sqrt'
  | 'rsqrt'
  | 'reciprocal'
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'sin'
  | 'cos'
  | 'tanh'
  | 'sigmoid'
  | 'softplus'
  | 'relu'
  | 'erf'
  | 'floor'
  | 'ceil'
  | 'round';

/** Elementwise functions whose derivative is a function of their value. */
export type ActivationName = 'relu' | 'tanh' | 'sigmoid';

/**
 * Activations whose derivative is a function of their input, with constants a, b and c: see their ops for the formulas. `leakyRelu` has the slope a, `hardTanh`
 * the limits a and b; `elu` is `a x` above 0 and `b (e^(c x) - 1)` elsewhere. The others have none.
 */
export type CurveName =
  | 'leakyRelu'
  | 'elu'
  | 'gelu'
  | 'geluTanh'
  | 'silu'
  | 'mish'
  | 'softsign'
  | 'hardSigmoid'
  | 'hardSwish'
  | 'hardTanh'
  | 'scaledTanh';

/**
 * Elementwise arithmetic of two arguments of one dtype, with broadcasting. `maximum` and `minimum` pass NaN on. Integers divide towards zero, and by zero
 * to 0.
 */
export type BinaryName = 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'maximum' | 'minimum';

/** Elementwise comparisons of two arguments of one dtype, with broadcasting; the output is uint8, 0 or 1. Comparisons with NaN are false, `notEqual` is true. */
export type CompareName = 'equal' | 'notEqual' | 'less' | 'lessEqual' | 'greater' | 'greaterEqual';

/** What becomes of the losses of many elements: their mean, their sum, or nothing. */
export type LossReduction = 'mean' | 'sum' | 'none';

/** Reductions over axes. */
export type ReduceName = 'sum' | 'max' | 'min';

/** A strided reading of a storage: element `i` of axis `a` lies `i * strides[a]` elements after `offset`. Strides may be 0 (repeat) or negative (flip). */
export interface View {
  readonly offset: number;
  readonly strides: readonly number[];
}

/**
 * The primitives every backend provides. Shapes, dtypes and attributes have been checked and outputs allocated (uninitialised) before a kernel is called; a
 * kernel only computes. From these alone every model trains.
 */
export interface RequiredKernels {
  fill(out: Operand, value: number): void;
  /** Converts. Floats become integers by truncation towards zero; what does not fit becomes the nearest integer that does, and NaN becomes 0. */
  cast(x: Operand, out: Operand): void;
  unary(name: UnaryName, x: Operand, out: Operand): void;
  binary(name: BinaryName, a: Operand, b: Operand, out: Operand): void;
  compare(name: CompareName, a: Operand, b: Operand, out: Operand): void;
  /** `condition ? a : b`, all three broadcast to `out`; the condition is uint8. */
  where(condition: Operand, a: Operand, b: Operand, out: Operand): void;
  /** Copies the view of `x`'s storage whose shape is `out`'s: transposition, slicing, broadcasting and flipping made dense. */
  copyView(x: Operand, out: Operand, view: View): void;
  /** Concatenates along `axis`. */
  concat(inputs: readonly Operand[], out: Operand, axis: number): void;
  /** Surrounds `x` with `value`: `padding[a]` elements before and after axis `a`. */
  pad(x: Operand, out: Operand, padding: readonly (readonly [before: number, after: number])[], value: number): void;
  /** Reduces over `axes` (ascending, not empty). `out` has them as length 1 or left out; only its order of elements matters. `max` and `min` pass NaN on. */
  reduce(name: ReduceName, x: Operand, out: Operand, axes: readonly number[]): void;
  /** Index along `axis` of the first maximum or minimum, as int32; a NaN counts as the extreme. */
  argReduce(name: 'max' | 'min', x: Operand, out: Operand, axis: number): void;
  /** `[..., M, K] x [..., K, N]` over equal or broadcast leading axes; `transposeA` reads `a` as `[..., K, M]`, `transposeB` reads `b` as `[..., N, K]`. */
  matmul(
    a: Operand,
    b: Operand,
    out: Operand,
    options: { readonly transposeA: boolean; readonly transposeB: boolean },
  ): void;
  /** `out[i][j][k] = x[i][index[i][j][k]][k]` for axis 1 of 3: PyTorch's gather. `index` is int32 and has x's rank. An index outside the axis reads NaN, and 0 from integers. */
  gather(x: Operand, index: Operand, out: Operand, axis: number): void;
  /** The transpose of gather: `out` is zero but for the sums of `source` elements sent to each place. An index outside the axis is left out. */
  scatterAdd(source: Operand, index: Operand, out: Operand, axis: number): void;
  /**
   * Unfolds `[N, C, ...spatial]` into columns `[N, C * prod(kernel), prod(output)]`; what lies outside the input is `value`.
   * Row `(c * kernel taps + tap)`, as the flattened OIHW weights have it.
   */
  im2col(x: Operand, out: Operand, window: Window, value: number): void;
  /** The transpose of im2col: adds columns `[N, C * prod(kernel), prod(output)]` up into `[N, C, ...spatial]`. */
  col2im(columns: Operand, out: Operand, window: Window): void;
}

/** Fused and specialised kernels. Where a backend has none, the op's default composition of other ops runs instead. */
export interface OptionalKernels {
  /** Cross-correlation of `[N, C, ...spatial]` with OI... weights `[O, C / groups, ...kernel]`, plus `bias` `[O]` if there is one. */
  conv(x: Operand, weight: Operand, bias: Operand | undefined, out: Operand, geometry: ConvGeometry): void;
  /** The activation of conv's output. */
  convActivation(
    x: Operand,
    weight: Operand,
    bias: Operand | undefined,
    out: Operand,
    geometry: ConvGeometry,
    activation: ActivationName,
  ): void;
  /** Gradient of conv with respect to its input, from the output's gradient `[N, O, ...output]`. `out` has the input's shape. */
  convInputGradient(gradient: Operand, weight: Operand, out: Operand, geometry: ConvGeometry): void;
  /** Gradient of conv with respect to its weights. `out` has the weights' shape. */
  convWeightGradient(x: Operand, gradient: Operand, out: Operand, geometry: ConvGeometry): void;
  /**
   * Maxima of windows of `[N, C, ...spatial]` and, int32, where each lies in its flattened spatial plane, if somebody wants to know. Padding never wins; ties go to
   * the first index; a NaN wins.
   */
  maxPool(x: Operand, out: Operand, indices: Operand | undefined, window: Window): void;
  /** Sends each gradient `[N, C, ...output]` to the place in its window that its maximum came from; `out` has the input's shape. */
  maxPoolGradient(gradient: Operand, indices: Operand, out: Operand, window: Window): void;
  /** Means of windows. `countPadding` divides by the whole window, else by the taps that lie inside the input. */
  avgPool(x: Operand, out: Operand, window: Window, countPadding: boolean): void;
  /** Gradient of avgPool: `out` has the input's shape. */
  avgPoolGradient(gradient: Operand, out: Operand, window: Window, countPadding: boolean): void;
  /** Sums of windows. */
  sumPool(x: Operand, out: Operand, window: Window): void;
  /** Gradient of sumPool: `out` has the input's shape. */
  sumPoolGradient(gradient: Operand, out: Operand, window: Window): void;
  /** Gradient of an activation with respect to its input, from the output's gradient and the output `y`. All have one shape. */
  activationGradient(name: ActivationName, gradient: Operand, y: Operand, out: Operand): void;
  /** Weighted sums of neighbouring elements along `axis`: element i of `out` is made by `bands[i]`, and 0 if it has no weights. */
  blend(x: Operand, out: Operand, axis: number, bands: readonly Band[]): void;
  /** An activation, element by element. */
  curve(name: CurveName, x: Operand, out: Operand, constants: readonly number[]): void;
  /** Gradient of a curve with respect to x, from that of the output. All have one shape. */
  curveGradient(name: CurveName, gradient: Operand, x: Operand, out: Operand, constants: readonly number[]): void;
  /**
   * Linear interpolation of `[N, C, ...spatial]`, one to three axes, at points `[N, P, axes]` in pixels: `[N, C, P]`. Corners outside count 0; a point with a
   * coordinate <= -1 or >= the axis's length gives 0, and one with a NaN coordinate NaN.
   */
  sample(x: Operand, points: Operand, out: Operand): void;
  /** Gradient of sample with respect to its input, from the output's gradient `[N, C, P]`. `out` has the input's shape. NaN coordinates send nothing. */
  sampleInputGradient(gradient: Operand, points: Operand, out: Operand): void;
  /** Gradient of sample with respect to its points; at whole coordinates that of the cell that begins there, and NaN where a coordinate is NaN. */
  samplePointsGradient(x: Operand, points: Operand, gradient: Operand, out: Operand): void;
  /**
   * Deformable convolution: conv, but what is read of `x` `[N, C, ...spatial]`, one to three axes, lies where `offset` `[N, groups * taps * axes, ...output]` moves it from
   * the window's place, in pixels, interpolated as by sample; and then times `mask` `[N, groups * taps, ...output]`, if there is one. Each of `offsetGroups`
   * groups of channels is read at places of its own.
   */
  deformConv(
    x: Operand,
    offset: Operand,
    weight: Operand,
    mask: Operand | undefined,
    out: Operand,
    geometry: ConvGeometry,
    offsetGroups: number,
  ): void;
  /** What deformConv reads, as columns `[N, C * taps, places]`: those of im2col, moved. */
  deformColumns(
    x: Operand,
    offset: Operand,
    mask: Operand | undefined,
    out: Operand,
    window: Window,
    offsetGroups: number,
  ): void;
  /** Gradient of deformColumns with respect to its input, from that of the columns. `out` has the input's shape. NaN coordinates send nothing. */
  deformColumnsInputGradient(
    gradient: Operand,
    offset: Operand,
    mask: Operand | undefined,
    out: Operand,
    window: Window,
    offsetGroups: number,
  ): void;
  /** Gradient of deformColumns with respect to its offsets, at whole places as samplePointsGradient has it. */
  deformColumnsOffsetGradient(
    x: Operand,
    gradient: Operand,
    offset: Operand,
    mask: Operand | undefined,
    out: Operand,
    window: Window,
    offsetGroups: number,
  ): void;
  /** Gradient of deformColumns with respect to its mask. */
  deformColumnsMaskGradient(
    x: Operand,
    gradient: Operand,
    offset: Operand,
    out: Operand,
    window: Window,
    offsetGroups: number,
  ): void;
  /** Softmax along the last axis. */
  softmax(x: Operand, out: Operand): void;
  /** Logarithm of softmax along the last axis. */
  logSoftmax(x: Operand, out: Operand): void;
  /** Gradient of softmax from that of the output and the output: `y (g - sum of g y)` along the last axis. */
  softmaxGradient(gradient: Operand, y: Operand, out: Operand): void;
  /** Gradient of logSoftmax from that of the output and the output: `g - e^y (sum of g)` along the last axis. */
  logSoftmaxGradient(gradient: Operand, y: Operand, out: Operand): void;
  /** `-log(softmax(logits)[class])` for each row of `[N, C]`, `[N]`, or the sum or mean of these. `classes` is int32 `[N]`; NaN for one that does not exist. */
  softmaxCrossEntropy(logits: Operand, classes: Operand, out: Operand, reduction: LossReduction): void;
  /** Gradient of softmaxCrossEntropy with respect to the logits, from that of the loss. A row whose class does not exist has none. */
  softmaxCrossEntropyGradient(
    gradient: Operand,
    logits: Operand,
    classes: Operand,
    out: Operand,
    reduction: LossReduction,
  ): void;
  /** `(x - mean) / sqrt(variance + eps) * weight + bias` for each channel of `[N, C, ...spatial]`. The vectors are `[C]`; the last two are given both, or neither. */
  batchNorm(
    x: Operand,
    vectors: {
      readonly mean: Operand;
      readonly variance: Operand;
      readonly weight: Operand | undefined;
      readonly bias: Operand | undefined;
    },
    out: Operand,
    eps: number,
  ): void;
  /**
   * Mean and variance over `axes` (ascending, not empty), which they have as length 1, and `y = (x - mean) / sqrt(variance + eps)`. The variance divides by
   * the number of elements, and is no difference of large sums.
   */
  standardize(
    x: Operand,
    outputs: { readonly y: Operand; readonly mean: Operand; readonly variance: Operand },
    axes: readonly number[],
    eps: number,
  ): void;
  /** Gradient of standardize: `(g - mean(g) - y mean(g y)) / sqrt(variance + eps)`, means over `axes`. */
  standardizeGradient(
    gradient: Operand,
    outputs: { readonly y: Operand; readonly variance: Operand },
    out: Operand,
    axes: readonly number[],
    eps: number,
  ): void;
  /** Local response normalisation of `[N, C, ...spatial]` across channels (see the op for the formula). */
  localResponseNorm(x: Operand, out: Operand, options: ResponseNormOptions): void;
  /** Gradient of localResponseNorm, from the output's gradient and x. */
  localResponseNormGradient(gradient: Operand, x: Operand, out: Operand, options: ResponseNormOptions): void;
  /**
   * Random float32 numbers, the same bits on all backends: element i is made of word i of Philox4x32-10 (four a block, from block `counter` on, whose upper two
   * words are 0), u being its upper 24 bits over 2^24, in float64 up to the last rounding.
   */
  uniform(out: Operand, place: RandomPlace, range: UniformRange): void;
  /** One step of SGD (see the op for the formula). Each output may share memory with the input of its name. */
  sgdStep(
    inputs: { readonly parameter: Operand; readonly gradient: Operand; readonly velocity: Operand | undefined },
    outputs: { readonly parameter: Operand; readonly velocity: Operand | undefined },
    options: SgdOptions,
  ): void;
  /** One step of Adam or AdamW (see the op for the formula). Each output may share memory with the input of its name. */
  adamStep(
    inputs: {
      readonly parameter: Operand;
      readonly gradient: Operand;
      readonly mean: Operand;
      readonly variance: Operand;
    },
    outputs: { readonly parameter: Operand; readonly mean: Operand; readonly variance: Operand },
    options: AdamOptions,
  ): void;
}

/** Where a random generator stands. */
export interface RandomPlace {
  /** Two words of 32 bits. */
  readonly key: readonly [number, number];
  /** Blocks of four words drawn so far: the number of the next one. Below 2^53. */
  readonly counter: number;
}

/** An interval of numbers that are drawn evenly: `low + span * u`, u in [0, 1), but from `least` to `greatest`, the floats in it. */
export interface UniformRange {
  readonly low: number;
  readonly span: number;
  readonly least: number;
  readonly greatest: number;
}

/** Constants of local response normalisation: `y_c = x_c / (k + alpha * S_c)^beta`, with the sum S_c of the squares of `size` channels. */
export interface ResponseNormOptions {
  /** Channels of the window, of which `floor(size / 2)` lie before its own. */
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
}

/** Hyperparameters of one SGD step. */
export interface SgdOptions {
  readonly lr: number;
  readonly momentum: number;
  readonly dampening: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
}

/** Hyperparameters of one Adam step; `step` counts from 1. `decoupled` is AdamW's weight decay. */
export interface AdamOptions {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly decoupled: boolean;
  readonly step: number;
}

/** All kernels of a backend. */
export type Kernels = RequiredKernels & Partial<OptionalKernels>;
