import { gradCheck, grad } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  Conv2d,
  GaussianPool1d,
  GaussianPool2d,
  GaussianPool3d,
  GlobalAvgPool,
  GlobalMaxPool,
  LPPool1d,
  LPPool2d,
  LPPool3d,
  LearnablePool1d,
  LearnablePool2d,
  LearnablePool3d,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  MaxUnpool1d,
  MaxUnpool2d,
  MaxUnpool3d,
  MinPool1d,
  MinPool2d,
  MinPool3d,
  PixelShuffle,
  PixelUnshuffle,
  Module,
  ReLU,
  Sequential,
  StochasticPool1d,
  StochasticPool2d,
  StochasticPool3d,
  SumPool1d,
  SumPool2d,
  SumPool3d,
  Upsample,
  VariancePool1d,
  VariancePool2d,
  VariancePool3d,
  initializers,
  summary,
} from '@receptive/layers';
import * as t from '@receptive/tensor';
import { Rng, setBackend, slice, sum, tensor } from '@receptive/tensor';
import type { PerAxis, PoolOptions, Tensor } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { distance, nested, numbers } from './harness.ts';

setBackend(reference());

const line = numbers([2, 2, 7]);
const plane = numbers([2, 2, 7, 6]);
const cube = numbers([1, 2, 5, 4, 3]);
const options = { stride: [2], padding: 1, ceilMode: true };
const over = (axes: number): PoolOptions => ({ ...options, stride: new Array<number>(axes).fill(2) });

describe('each layer is the function of its name, with its options', () => {
  test.each<[Module, Tensor, (x: Tensor) => Tensor]>([
    [new MaxPool1d(3, over(1)), line, (x) => t.maxPool1d(x, 3, over(1))],
    [new MaxPool2d(3, over(2)), plane, (x) => t.maxPool2d(x, 3, over(2))],
    [new MaxPool3d(3, over(3)), cube, (x) => t.maxPool3d(x, 3, over(3))],
    [
      new AvgPool1d(3, { ...over(1), countIncludePad: false }),
      line,
      (x) => t.avgPool1d(x, 3, { ...over(1), countIncludePad: false }),
    ],
    [new AvgPool2d([3, 2], over(2)), plane, (x) => t.avgPool2d(x, [3, 2], over(2))],
    [new AvgPool3d(3, over(3)), cube, (x) => t.avgPool3d(x, 3, over(3))],
    [new SumPool1d(3, over(1)), line, (x) => t.sumPool1d(x, 3, over(1))],
    [new SumPool2d(3, over(2)), plane, (x) => t.sumPool2d(x, 3, over(2))],
    [new SumPool3d(3, over(3)), cube, (x) => t.sumPool3d(x, 3, over(3))],
    [new MinPool1d(3, over(1)), line, (x) => t.minPool1d(x, 3, over(1))],
    [new MinPool2d(3, over(2)), plane, (x) => t.minPool2d(x, 3, over(2))],
    [new MinPool3d(3, over(3)), cube, (x) => t.minPool3d(x, 3, over(3))],
    [new LPPool1d(3, 2, over(1)), line, (x) => t.lpPool1d(x, 3, 2, over(1))],
    [new LPPool2d(1.5, 2, over(2)), plane, (x) => t.lpPool2d(x, 1.5, 2, over(2))],
    [new LPPool3d(2, 2, over(3)), cube, (x) => t.lpPool3d(x, 2, 2, over(3))],
    [new GaussianPool1d(3, { ...over(1), sigma: 2 }), line, (x) => t.gaussianPool1d(x, 3, { ...over(1), sigma: 2 })],
    [new GaussianPool2d(3, over(2)), plane, (x) => t.gaussianPool2d(x, 3, over(2))],
    [new GaussianPool3d(3, over(3)), cube, (x) => t.gaussianPool3d(x, 3, over(3))],
    [new VariancePool1d(3, over(1)), line, (x) => t.variancePool1d(x, 3, over(1))],
    [new VariancePool2d(3, over(2)), plane, (x) => t.variancePool2d(x, 3, over(2))],
    [new VariancePool3d(3, over(3)), cube, (x) => t.variancePool3d(x, 3, over(3))],
    [new StochasticPool1d(3, over(1)), line, (x) => t.stochasticPool1d(x, 3, over(1))],
    [new StochasticPool2d(3, over(2)), plane, (x) => t.stochasticPool2d(x, 3, over(2))],
    [new StochasticPool3d(3, over(3)), cube, (x) => t.stochasticPool3d(x, 3, over(3))],
    [new AdaptiveAvgPool1d(3), line, (x) => t.adaptiveAvgPool1d(x, 3)],
    [new AdaptiveAvgPool2d([3, null]), plane, (x) => t.adaptiveAvgPool2d(x, [3, null])],
    [new AdaptiveAvgPool3d(2), cube, (x) => t.adaptiveAvgPool3d(x, 2)],
    [new AdaptiveMaxPool1d(3), line, (x) => t.adaptiveMaxPool1d(x, 3)],
    [new AdaptiveMaxPool2d(3), plane, (x) => t.adaptiveMaxPool2d(x, 3)],
    [new AdaptiveMaxPool3d(2), cube, (x) => t.adaptiveMaxPool3d(x, 2)],
    [new GlobalAvgPool(), cube, t.globalAvgPool],
    [new GlobalMaxPool(), line, t.globalMaxPool],
    [
      new Upsample({ scaleFactor: 1.5, mode: 'linear' }),
      plane,
      (x) => t.interpolate(x, { scaleFactor: 1.5, mode: 'linear' }),
    ],
    [new Upsample({ size: [3, 9] }), plane, (x) => t.interpolate(x, { size: [3, 9] })],
    [new PixelShuffle(2), numbers([1, 8, 3, 2]), (x) => t.pixelShuffle(x, 2)],
    [new PixelUnshuffle(3), numbers([1, 2, 6, 3]), (x) => t.pixelUnshuffle(x, 3)],
  ])('%o', (layer, x, f) => {
    const y = layer.forward(x);
    expect(distance(y, f(x))).toBe(0);
    expect(layer.parameters()).toEqual([]);
    expect(summary(layer, x.shape.slice(1)).output).toEqual(y.shape.slice(1));
  });
});

describe('max unpooling', () => {
  /** Pools, and puts the maxima back. */
  class Back extends Module {
    readonly conv = new Conv2d(2, 2, 1, { weightInit: initializers.constant(0.5), bias: false });
    readonly unpool = new MaxUnpool2d(3, { stride: 2, padding: 1 });
    override forward(x: Tensor): Tensor {
      return t.scope(() => {
        const [y, indices] = t.maxPool2dWithIndices(x, 3, { stride: 2, padding: 1 });
        return this.unpool.forward(t.mul(y, t.cast(t.mean(this.conv.weight.value), y.dtype)), {
          indices,
          outputSize: x.shape.slice(2),
        });
      });
    }
  }

  test('layers are the functions of their names, with the options of the pooling', () => {
    const back = (
      x: Tensor,
      [y, indices]: readonly [Tensor, Tensor],
      layer: Module,
      unpool: t.MaxUnpool,
      own: t.MaxUnpoolOptions,
    ): void => {
      const made = (layer as MaxUnpool2d).forward(y, { indices });
      expect(distance(made, unpool(y, indices, 2, own))).toBe(0);
      expect(layer.parameters()).toEqual([]);
      expect(made.rank).toBe(x.rank);
    };
    const strided = { stride: 1 };
    back(line, t.maxPool1dWithIndices(line, 2, strided), new MaxUnpool1d(2, strided), t.maxUnpool1d, strided);
    back(plane, t.maxPool2dWithIndices(plane, 2), new MaxUnpool2d(2), t.maxUnpool2d, {});
    back(cube, t.maxPool3dWithIndices(cube, 2), new MaxUnpool3d(2), t.maxUnpool3d, {});
  });

  test('works in a model, with a gradient and a summary', () => {
    const model = new Back();
    const x = numbers([1, 2, 4, 5]);
    expect(model.forward(x).shape).toEqual(x.shape);
    gradCheck((own) => model.forward(own), [x]);
    const { layers } = summary(model, [2, 4, 5]);
    expect(layers.find(({ type }) => type === 'MaxUnpool2d')).toMatchObject({ input: [2, 2, 3], output: [2, 4, 5] });
  });

  test('asks for the indices, and for a window that makes sense', () => {
    const alone = new Sequential([new MaxUnpool2d(2)]);
    expect(() => alone.forward(plane)).toThrow(
      'MaxUnpool2d: needs the indices of its pooling: unpool.forward(y, { indices })',
    );
    expect(() => new MaxUnpool2d(2).forward(plane, { indices: plane })).toThrow(
      'maxUnpool2d: the indices must be int32',
    );
    expect(() => new MaxUnpool2d(0)).toThrow('maxUnpool2d: kernelSize must be');
    expect(() => new MaxUnpool1d(2, { stride: -1 })).toThrow('maxUnpool1d: stride must be');
  });
});

describe('options that make no sense are refused where the layer is made', () => {
  test.each<[() => Module, string]>([
    [() => new MaxPool2d(0), 'maxPool2d: kernelSize must be a whole number of at least 1, or 2 of them, but is 0'],
    [() => new MaxPool1d([2, 2]), 'maxPool1d: kernelSize must be'],
    [() => new MaxPool3d(NaN), 'maxPool3d: kernelSize must be'],
    [() => new AvgPool2d(2, { stride: 0.5 }), 'avgPool2d: stride must be'],
    [() => new SumPool2d(2, { dilation: -1 }), 'sumPool2d: dilation must be'],
    [() => new MinPool2d(2, { padding: 2 }), 'minPool2d: with padding [2,2]'],
    [() => new LPPool2d(0, 2), 'lpPool2d: normType must be a number of at least 1'],
    [() => new GaussianPool2d(3, { sigma: 0 }), 'gaussianPool2d: sigma must be a number above 0'],
    [() => new VariancePool3d([2, 2]), 'variancePool3d: kernelSize must be'],
    [() => new StochasticPool2d(1.5), 'stochasticPool2d: kernelSize must be'],
    [() => new AdaptiveAvgPool2d(0), 'adaptiveAvgPool2d: outputSize must be'],
    [() => new AdaptiveMaxPool1d([1, 2]), 'adaptiveMaxPool1d: outputSize must be'],
    [() => new Upsample({}), 'interpolate: needs either a size or a scaleFactor'],
    [() => new Upsample({ scaleFactor: 0 }), 'interpolate: scaleFactor must be'],
    [() => new Upsample({ size: 0 }), 'interpolate: size must be'],
    [() => new PixelShuffle(1.5), 'PixelShuffle: upscaleFactor must be made of whole numbers'],
    [() => new PixelUnshuffle(0), 'PixelUnshuffle: downscaleFactor must be made of whole numbers'],
    [() => new LearnablePool2d(0, 2), 'LearnablePool2d: channels must be made of whole numbers'],
    [() => new LearnablePool2d(1, 0), 'learnablePool2d: kernelSize must be'],
    [
      () => new LearnablePool2d(1, 2, { activation: 'relu' as 'sigmoid' }),
      'learnablePool2d: activation must be one of scaledTanh, sigmoid, but is "relu"',
    ],
  ])('%o', (make, message) => {
    expect(make).toThrow(message);
  });

  test('and those that do are not, whatever their window', () => {
    expect(new MaxPool2d([3, 5], { padding: [1, 2], dilation: [2, 1] }).forward(plane).shape).toEqual([2, 2, 2, 2]);
    expect(new Upsample({ scaleFactor: 0.25 }).forward(plane).shape).toEqual([2, 2, 1, 1]);
  });
});

describe('StochasticPool2d', () => {
  const x = numbers([4, 2, 6, 6]);
  const layer = new StochasticPool2d(2);

  test('draws in training alone', () => {
    const drawn = (seed: number): Tensor => layer.forward(x, { training: true, rng: new Rng(seed) });
    expect(distance(drawn(1), drawn(1))).toBe(0);
    expect(distance(drawn(1), drawn(2))).toBeGreaterThan(0);
    expect(distance(layer.forward(x, { rng: new Rng(1) }), t.stochasticPool2d(x, 2))).toBe(0);
  });

  test('passes the gradient to what was drawn', () => {
    const rng = (): Rng => new Rng(5);
    const y = layer.forward(x, { training: true, rng: rng() });
    const [gradient] = grad(() => sum(layer.forward(x, { training: true, rng: rng() })), [x]);
    const [values, ones] = [[...x.dataSync()], [...gradient.dataSync()]];
    expect(new Set(ones)).toEqual(new Set([0, 1]));
    const chosen = values.filter((_, i) => ones[i] === 1).sort((a, b) => a - b);
    const positive = [...y.dataSync()].filter((value) => value > 0).sort((a, b) => a - b);
    expect(chosen).toEqual(positive);
  });

  test('needs a generator in training', () => {
    expect(() => layer.forward(x, { training: true })).toThrow(
      'StochasticPool2d: in training it needs random numbers. Pass a generator: model.forward(x, { training: true, rng: new Rng(seed) })',
    );
  });
});

describe('LearnablePool2d', () => {
  test("LeNet-5's S2 has 12 parameters, and its S4 32", () => {
    // LeCun et al. 1998, section II.B: 6 and 16 maps, each with a coefficient and a bias.
    const s2 = summary(new LearnablePool2d(6, 2), [6, 28, 28]);
    expect(s2.totals.parameters).toBe(12);
    expect(s2.output).toEqual([6, 14, 14]);
    expect(s2.layers[0]).toMatchObject({ window: { kernel: [2, 2], stride: [2, 2] }, receptiveField: [2, 2] });
    expect(summary(new LearnablePool2d(16, 2), [16, 10, 10]).totals.parameters).toBe(32);
  });

  test('begins as the mean, squashed', () => {
    const x = tensor([1, 2, 3, 6], { shape: [1, 1, 2, 2] });
    expect(nested(new LearnablePool2d(1, 2).forward(x))).toEqual([[[[expect.closeTo(1.7159 * Math.tanh(2), 6)]]]]);
    const logistic = new LearnablePool2d(1, 2, { activation: 'sigmoid' });
    expect(nested(logistic.forward(x))).toEqual([[[[expect.closeTo(1 / (1 + Math.exp(-3)), 6)]]]]);
  });

  test('multiplies the sum of each map by its coefficient, and adds its bias', () => {
    const layer = new LearnablePool2d(2, 2, { stride: 1, activation: 'sigmoid' });
    layer.weight.assign(tensor([0.5, -0.25]));
    layer.bias.assign(tensor([1, 2]));
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8], { shape: [1, 2, 2, 2] });
    const logistic = (z: number): unknown => expect.closeTo(1 / (1 + Math.exp(-z)), 6);
    expect(nested(layer.forward(x))).toEqual([[[[logistic(6)]], [[logistic(-4.5)]]]]);
    expect([...layer.stateDict().keys()]).toEqual(['weight', 'bias']);
  });

  test('trains its input, its coefficients and its biases', () => {
    const layer = new LearnablePool2d(2, 2, { padding: 1 });
    const f = (x: Tensor, weight: Tensor, bias: Tensor): Tensor => {
      layer.weight.assign(weight);
      layer.bias.assign(bias);
      return layer.forward(x);
    };
    const x = numbers([1, 2, 3, 4]);
    gradCheck((a) => f(a, numbers([2], 2), numbers([2], 3)), [x], { second: true, tolerance: 1e-5, eps: 1e-5 });
    f(x, numbers([2], 2), numbers([2], 3));
    const gradients = grad(() => sum(layer.forward(x)), [layer.weight, layer.bias]);
    const nudged = (variable: 'weight' | 'bias', by: number): number => {
      const own = layer[variable].value.clone();
      layer[variable].assign(own.add(tensor([by, 0], { dtype: 'float64' })));
      const total = sum(layer.forward(x)).dataSync()[0]!;
      layer[variable].assign(own);
      return total;
    };
    (['weight', 'bias'] as const).forEach((variable, i) => {
      const difference = (nudged(variable, 1e-5) - nudged(variable, -1e-5)) / 2e-5;
      expect(gradients[i]!.dataSync()[0]).toBeCloseTo(difference, 7);
    });
  });

  test('of signals and volumes', () => {
    const [weight, bias] = [numbers([2], 2), numbers([2], 3)];
    const trained = <L extends LearnablePool1d | LearnablePool3d>(layer: L): L => {
      layer.weight.assign(weight);
      layer.bias.assign(bias);
      return layer;
    };
    const [series, volume] = [numbers([1, 2, 9]), numbers([1, 2, 4, 4, 2])];
    const logistic = { activation: 'sigmoid' } as const;
    expect(
      distance(trained(new LearnablePool1d(2, 3)).forward(series), t.learnablePool1d(series, weight, bias, 3)),
    ).toBe(0);
    expect(
      distance(
        trained(new LearnablePool3d(2, 2, logistic)).forward(volume),
        t.learnablePool3d(volume, weight, bias, 2, logistic),
      ),
    ).toBe(0);
    expect(summary(new LearnablePool3d(4, 2), [4, 4, 4, 4]).layers[0]).toMatchObject({
      parameters: 8,
      output: [4, 2, 2, 2],
      receptiveField: [2, 2, 2],
    });
  });

  test('refuses other channels', () => {
    expect(() => new LearnablePool2d(3, 2).forward(numbers([1, 1, 4, 4]))).toThrow(
      'LearnablePool2d: takes 3 channels, but was given [1, 1, 4, 4].',
    );
  });
});

describe('summary', () => {
  const conv = new Conv2d(1, 1, 3, { weightInit: initializers.ones, bias: false });

  /** Rows of the input that a middle element of the output depends on: the oracle, by derivatives. */
  const measured = (model: Module, size: number): number => {
    const x = numbers([1, 1, size, size]).abs().add(0.1).cast('float32');
    const [gradient] = grad(() => {
      const y = model.forward(x);
      const middle = Math.floor(y.shape[2]! / 2);
      return sum(slice(y, [0, 0, middle, middle], [1, y.shape[1]!, middle + 1, middle + 1]));
    }, [x]);
    const rows = Array.from({ length: size }, (_, row) => gradient.dataSync().subarray(row * size, (row + 1) * size));
    const touched = rows.flatMap((row, i) => (row.some((value) => value !== 0) ? [i] : []));
    return touched.at(-1)! - touched[0]! + 1;
  };

  const size = 22;
  test.each<[Module, kernel: number | undefined, expected: number]>([
    [new AvgPool2d(3, { padding: 1, ceilMode: true }), 3, 5],
    [new SumPool2d(3, { dilation: 2 }), 3, 7],
    [new LPPool2d(3, 2), 2, 4],
    [new GaussianPool2d(3, { stride: 1, padding: 1 }), 3, 5],
    [new VariancePool2d(4, { stride: 2 }), 4, 6],
    [new StochasticPool2d(3), 3, 5],
    [new LearnablePool2d(1, 2), 2, 4],
    [new AdaptiveAvgPool2d(5), 4, 6],
    [new PixelUnshuffle(2), undefined, 4],
    [new AdaptiveAvgPool2d(3), undefined, 10],
    [new AdaptiveMaxPool2d(3), undefined, size],
    [new GlobalAvgPool(), size - 2, size],
  ])('%o after a convolution has its window, and its receptive field', (layer, kernel, expected) => {
    const { layers } = summary(new Sequential([conv, layer, new ReLU()]), [1, size, size]);
    expect(layers[1]!.window?.kernel).toEqual(kernel && [kernel, kernel]);
    expect(layers[2]!.receptiveField).toEqual([expected, expected]);
    // Where places are mixed unevenly, all is claimed.
    const seen = measured(new Sequential([conv, layer]), size);
    if (layer instanceof AdaptiveMaxPool2d) expect(seen).toBeLessThan(expected);
    else expect(seen).toBe(expected);
  });

  test.each<[Module, PerAxis]>([
    [new MaxPool2d(3), 3],
    [new MinPool2d(2), 2],
    [new AdaptiveMaxPool2d(5), 4],
    [new GlobalMaxPool(), size - 2],
  ])('%o has its window', (layer, kernel) => {
    const { layers, totals } = summary(new Sequential([conv, layer]), [1, size, size]);
    expect(layers[1]!.window!.kernel).toEqual([kernel, kernel]);
    expect(totals.parameters).toBe(9);
  });

  test('the window has all of its padding, that which ceil mode adds as well', () => {
    for (const Pool of [AvgPool2d, MaxPool2d]) {
      const layer = new Pool(3, { stride: 2, padding: 1, ceilMode: true });
      expect(summary(layer, [1, 8, 8]).layers[0]!.window!.padding).toEqual([
        [1, 2],
        [1, 2],
      ]);
    }
  });

  test('resampling by other than whole factors sees everything', () => {
    for (const resampling of [
      { scaleFactor: 1.5 },
      { size: 8 },
      { scaleFactor: 0.5 },
      { scaleFactor: 2, mode: 'linear', alignCorners: true },
    ] as const) {
      const { layers } = summary(new Sequential([new Upsample(resampling), new ReLU()]), [1, 6, 6]);
      expect(layers[1]!.receptiveField).toEqual([6, 6]);
    }
  });
});
