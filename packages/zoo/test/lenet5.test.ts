import { beforeAll, describe, expect, test } from 'vitest';
import { valueAndGrad } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import { crossEntropy, summary } from '@receptive/layers';
import { Rng, setBackend, tensor, withBackend } from '@receptive/tensor';
import { lenet5 } from '@receptive/zoo';
import type { LeNet5Options } from '@receptive/zoo';

beforeAll(() => setBackend(reference()));

/** The layers that have parameters, of LeNet-5 for one grey image of 32x32. */
const layersOf = (options: LeNet5Options) =>
  summary(lenet5(options), [options.inChannels ?? 1, 32, 32]).layers.filter(({ parameters }) => parameters > 0);

const wrong = (options: object) => () => lenet5(options);

const bits = (seed: number): unknown =>
  lenet5({ seed })
    .parameters()
    .map(({ value }) => [...value.dataSync()]);

describe('LeNet-5', () => {
  test('of 26 letters, as the course counts: filters without their biases, dense layers with them', () => {
    const [conv1, conv2, ...dense] = layersOf({ classes: 26 });
    expect([conv1!.parameters - conv1!.filters!, conv2!.parameters - conv2!.filters!]).toEqual([150, 2_400]);
    expect(dense.map(({ parameters }) => parameters)).toEqual([48_120, 10_164, 2_210]);
  });

  test('of ten digits, on three channels, is the example network of 62,006 parameters', () => {
    expect(layersOf({ inChannels: 3 }).map(({ parameters }) => parameters)).toEqual([456, 2_416, 48_120, 10_164, 850]);
    expect(summary(lenet5({ inChannels: 3 }), [3, 32, 32]).totals.parameters).toBe(62_006);
  });

  test('has these volumes, and sees the whole image in the end', () => {
    const { layers, output } = summary(lenet5(), [1, 32, 32]);
    expect(
      layers.map(({ path, type, output: volume, receptiveField }) => [
        path,
        type,
        volume.join('x'),
        receptiveField!.join('x'),
      ]),
    ).toEqual([
      ['features.0', 'Conv2d', '6x28x28', '5x5'],
      ['features.1', 'Tanh', '6x28x28', '5x5'],
      ['features.2', 'MaxPool2d', '6x14x14', '6x6'],
      ['features.3', 'Conv2d', '16x10x10', '14x14'],
      ['features.4', 'Tanh', '16x10x10', '14x14'],
      ['features.5', 'MaxPool2d', '16x5x5', '16x16'],
      ['flatten', 'Flatten', '400', '16x16'],
      ['classifier.0', 'Linear', '120', '32x32'],
      ['classifier.1', 'Tanh', '120', '32x32'],
      ['classifier.2', 'Linear', '84', '32x32'],
      ['classifier.3', 'Tanh', '84', '32x32'],
      ['classifier.4', 'Linear', '10', '32x32'],
    ]);
    expect(output).toEqual([10]);
  });

  test('has these keys, whatever the options', () => {
    const keys = ['features.0', 'features.3', 'classifier.0', 'classifier.2', 'classifier.4'].flatMap((layer) => [
      `${layer}.weight`,
      `${layer}.bias`,
    ]);
    expect([...lenet5().stateDict().keys()]).toEqual(keys);
    expect([...lenet5({ activation: 'relu', pooling: 'average' }).stateDict().keys()]).toEqual(keys);
  });

  test('takes the activation and the pooling that it is told', () => {
    const types = summary(lenet5({ activation: 'relu', pooling: 'average' }), [1, 32, 32]).layers.map(
      ({ type }) => type,
    );
    expect(types.filter((type) => type === 'ReLU')).toHaveLength(4);
    expect(types.filter((type) => type === 'AvgPool2d')).toHaveLength(2);
    expect(types).not.toContain('Tanh');
  });

  test('refuses options that there are not', () => {
    expect(wrong({ activation: 'gelu' })).toThrow('lenet5: activation must be one of tanh, relu, but is gelu.');
    expect(wrong({ pooling: 'toString' })).toThrow('lenet5: pooling must be one of max, average, but is toString.');
    expect(wrong({ classes: 0 })).toThrow('outFeatures must be made of whole numbers of at least 1, but is 0');
  });

  test('the same seed gives the same weights, on any backend', () => {
    const first = bits(1);
    expect(withBackend(reference(), () => bits(1))).toEqual(first);
    expect(bits(2)).not.toEqual(first);
  });

  test.each<LeNet5Options>([{}, { activation: 'relu', pooling: 'average', classes: 3, inChannels: 2 }])(
    'every parameter has a gradient, %o',
    (options) => {
      const { classes = 10, inChannels = 1 } = options;
      const model = lenet5({ ...options, seed: 1 });
      const x = new Rng(2).normal([2, inChannels, 32, 32]);
      const labels = tensor([0, classes - 1], { dtype: 'int32' });
      const [loss, gradients] = valueAndGrad(() => crossEntropy(model.forward(x), labels), model.parameters());
      // Before training all classes are about as likely.
      expect(loss.dataSync()[0]).toBeCloseTo(Math.log(classes), 0);
      for (const gradient of gradients) {
        const elements = [...gradient.dataSync()];
        expect(elements.every(Number.isFinite)).toBe(true);
        expect(elements.some((value) => value !== 0)).toBe(true);
      }
    },
  );

  test('other images are refused by the layer that they do not fit', () => {
    expect(() => lenet5().forward(new Rng(1).normal([1, 1, 28, 28]))).toThrow(
      'Linear: takes 400 features along the last axis, but was given [1, 256]',
    );
  });
});
