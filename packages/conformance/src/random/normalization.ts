import type { Shape } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { NormOptions, PerAxis, Tensor } from '@receptive/tensor';
import {
  batchNorm,
  groupNorm,
  instanceNorm,
  layerNorm,
  localContrastNorm,
  localResponseNorm,
  standardize,
} from '@receptive/tensor';
import type { Input } from '../case.ts';
import { given, numbers, uniform } from '../case.ts';
import type { Value } from '../run.ts';
import type { Tolerance } from '../tolerance.ts';
import { formula } from '../tolerance.ts';
import type { Draw } from './draw.ts';
import type { Generators } from './generator.ts';

/** Errors of the statistics, which all elements have a part in, are those of the largest. */
const statistics: Tolerance = { c: 64, scale: 'largest' };

/** `[N, C, ...spatial]` with `groups` channels or a multiple, and at least two values for each group of channels. */
function drawImages(draw: Draw, groups = 1): number[] {
  const shape = [draw.whole(1, 2), groups * draw.whole(1, 2), ...draw.wholes(draw.whole(1, 3), 1, 3)];
  return shape.map((length, axis) => (axis === 2 && sizeOf(shape.slice(2)) === 1 ? 2 : length));
}

/** Not so small that values which happen to be near each other are torn apart, and differences of a derivative with them. */
function drawEps(draw: Draw): number {
  return draw.real(0.05, 0.5);
}

/** A weight and a bias of `shape`, each there or not: inputs that follow the case's first `before`. */
function drawAffine(draw: Draw, shape: Shape, before = 1) {
  const [weight, bias] = [draw.chance(), draw.chance()];
  const at = { weight: before, bias: before + Number(weight) };
  const constant = (value: number): Value => ({
    shape,
    dtype: 'float32',
    data: new Float32Array(sizeOf(shape)).fill(value),
  });
  return {
    drawn: { weight, bias },
    inputs: [weight, bias].flatMap((there) => (there ? [numbers(shape)] : [])),
    options: (inputs: readonly Tensor[]): NormOptions => ({
      weight: weight ? inputs[at.weight] : undefined,
      bias: bias ? inputs[at.bias] : undefined,
    }),
    /** As the inputs of a node that needs both. */
    onnx: [weight ? at.weight : constant(1), bias ? at.bias : constant(0)],
  };
}

export const normalizationGenerators: Generators = {
  standardize: {
    tolerance: statistics,
    draw(draw) {
      const shape = draw.wholes(draw.whole(1, 4), 2, 3);
      const chosen = shape.flatMap((_, axis) => (draw.chance() ? [axis] : []));
      const axes = chosen.length > 0 ? chosen : undefined;
      const eps = drawEps(draw);
      return {
        description: JSON.stringify({ shape, axes, eps }),
        inputs: [numbers(shape)],
        f: (x) => standardize(x, axes, eps)[0],
      };
    },
  },
  batchNorm: {
    tolerance: statistics,
    draw(draw) {
      const inUse = draw.chance();
      // In training a channel needs two values, in use one will do, and no spatial axes.
      const x = inUse && draw.chance(0.3) ? draw.wholes(2, 1, 4) : drawImages(draw);
      const channels = [x[1]!];
      const eps = drawEps(draw);
      const affine = drawAffine(draw, channels, inUse ? 3 : 1);
      return {
        description: JSON.stringify({ x, inUse, eps, ...affine.drawn }),
        inputs: [numbers(x), ...(inUse ? [numbers(channels), uniform(channels, 0.1, 2)] : []), ...affine.inputs],
        f: (...inputs) => {
          const [images, mean, variance] = inputs as [Tensor, Tensor, Tensor];
          return batchNorm(images, {
            ...affine.options(inputs),
            eps,
            ...(inUse && { statistics: { mean, variance } }),
          });
        },
        ...(inUse && {
          onnx: { op: 'BatchNormalization', inputs: [0, ...affine.onnx, 1, 2], floats: { epsilon: eps } },
        }),
      };
    },
  },
  layerNorm: {
    tolerance: statistics,
    draw(draw) {
      const x = draw.wholes(draw.whole(1, 4), 1, 3);
      x[x.length - 1] = draw.whole(2, 4);
      const normalizedShape = x.slice(draw.whole(0, x.length - 1));
      const eps = drawEps(draw);
      const affine = drawAffine(draw, normalizedShape);
      return {
        description: JSON.stringify({ x, normalizedShape, eps, ...affine.drawn }),
        inputs: [numbers(x), ...affine.inputs],
        f: (...inputs) => layerNorm(inputs[0]!, normalizedShape, { ...affine.options(inputs), eps }),
        onnx: {
          op: 'LayerNormalization',
          inputs: [0, ...affine.onnx],
          ints: { axis: x.length - normalizedShape.length },
          floats: { epsilon: eps },
        },
      };
    },
  },
  instanceNorm: {
    tolerance: statistics,
    draw(draw) {
      const x = drawImages(draw);
      const eps = drawEps(draw);
      const affine = drawAffine(draw, [x[1]!]);
      return {
        description: JSON.stringify({ x, eps, ...affine.drawn }),
        inputs: [numbers(x), ...affine.inputs],
        f: (...inputs) => instanceNorm(inputs[0]!, { ...affine.options(inputs), eps }),
        onnx: { op: 'InstanceNormalization', inputs: [0, ...affine.onnx], floats: { epsilon: eps } },
      };
    },
  },
  groupNorm: {
    tolerance: statistics,
    draw(draw) {
      const groups = draw.whole(1, 3);
      const x = drawImages(draw, groups);
      const eps = drawEps(draw);
      const affine = drawAffine(draw, [x[1]!]);
      return {
        description: JSON.stringify({ x, groups, eps, ...affine.drawn }),
        inputs: [numbers(x), ...affine.inputs],
        f: (...inputs) => groupNorm(inputs[0]!, groups, { ...affine.options(inputs), eps }),
        onnx: {
          op: 'GroupNormalization',
          inputs: [0, ...affine.onnx],
          ints: { num_groups: groups },
          floats: { epsilon: eps },
        },
      };
    },
  },
  localResponseNorm: {
    tolerance: formula,
    draw(draw) {
      const x = [draw.whole(1, 2), draw.whole(1, 6), ...draw.wholes(draw.pick([1, 2, 2, 3]), 1, 2)];
      const [size, divideBySize] = [draw.whole(1, 6), draw.chance()];
      const [alpha, beta, k] = [draw.real(0.01, 2), draw.real(0.25, 1.5), draw.real(0.5, 2)];
      return {
        description: JSON.stringify({ x, size, alpha, beta, k, divideBySize }),
        inputs: [numbers(x)],
        f: (images) => localResponseNorm(images, { size, alpha, beta, k, divideBySize }),
        // Even windows lie otherwise in ONNX, and onnxruntime takes images of two axes only.
        ...(size % 2 === 1 &&
          x.length === 4 && {
            onnx: {
              op: 'LRN',
              ints: { size },
              floats: { alpha: divideBySize ? alpha : alpha * size, beta, bias: k },
            },
          }),
      };
    },
  },
  localContrastNorm: {
    tolerance: statistics,
    draw(draw) {
      const spatial = draw.wholes(draw.whole(1, 2), 3, 4);
      const x = [draw.whole(1, 2), draw.whole(1, 2), ...spatial];
      const size = draw.chance() ? draw.pick([1, 3, 5]) : spatial.map(() => draw.pick([1, 3, 5]));
      const sigma = draw.chance() ? draw.real(0.5, 3) : undefined;
      const eps = draw.real(1e-4, 1e-2);
      return {
        description: JSON.stringify({ x, size, sigma, eps }),
        inputs: [drawContrasts(draw, x, size, sigma, eps)],
        f: (images) => localContrastNorm(images, { size, eps, ...(sigma !== undefined && { sigma }) }),
      };
    },
  },
};

/** Numbers for which nothing that local contrast normalisation compares is near what it is compared with. */
function drawContrasts(draw: Draw, shape: Shape, size: PerAxis, sigma: number | undefined, eps: number): Input {
  for (;;) {
    const values = Array.from({ length: sizeOf(shape) }, () => draw.real(-2, 2));
    const far = deviations(values, shape, size, sigma).every((image) => {
      const typical = image.reduce((a, b) => a + Math.max(b, eps), 0) / image.length;
      return image.every((own) => own === 0 || (Math.abs(own - typical) > 1e-3 && Math.abs(own - eps) > 1e-3));
    });
    if (far) return given(values, shape);
  }
}

/** The local deviations of each image, place by place, written down as the definition has them. */
function deviations(
  values: readonly number[],
  [images, channels, ...spatial]: Shape,
  size: PerAxis,
  sigma: number | undefined,
): number[][] {
  const lengths = spatial.map((_, axis) => (typeof size === 'number' ? size : size[axis]!));
  const places = spatial.reduce<number[][]>(
    (before, length) => before.flatMap((place) => Array.from({ length }, (_, i) => [...place, i])),
    [[]],
  );
  const weight = (from: readonly number[], to: readonly number[]): number =>
    lengths.reduce((product, length, axis) => {
      const distance = to[axis]! - from[axis]!;
      const inside = 2 * Math.abs(distance) < length;
      return inside ? product * Math.exp(-((distance / (sigma ?? length / 4)) ** 2) / 2) : 0;
    }, 1);
  return Array.from({ length: images! }, (_, n) => {
    const planes = Array.from({ length: channels! }, (_plane, c) =>
      values.slice((n * channels! + c) * places.length, (n * channels! + c + 1) * places.length),
    );
    const local = (of: readonly (readonly number[])[]): number[] =>
      places.map((from) => {
        const weights = places.map((to) => weight(from, to));
        const total = weights.reduce((a, b) => a + b);
        return (
          of.flatMap((plane) => plane.map((v, p) => (v * weights[p]!) / total)).reduce((a, b) => a + b) / of.length
        );
      });
    const means = local(planes);
    return local(planes.map((plane) => plane.map((v, p) => (v - means[p]!) ** 2))).map(Math.sqrt);
  });
}
