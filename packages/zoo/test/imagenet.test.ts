import type { Module } from '@receptive/layers';
import { summary } from '@receptive/layers';
import { describe, expect, test } from 'vitest';
import { alexnet, vgg11, vgg13, vgg16, vgg19, zfnet } from '../src/index.ts';

const volumes = (model: Module, size: number): string[] =>
  summary(model, [3, size, size])
    .layers.filter(({ type }) => type === 'Conv2d' || type === 'Linear')
    .map(({ output }) => output.join('x'));

const totals = (model: Module, size: number): { parameters: number; millions: number } => {
  const { parameters, multiplyAdds } = summary(model, [3, size, size]).totals;
  return { parameters, millions: Math.round(multiplyAdds / 1e6) };
};

describe('VGG', () => {
  // Table 2 of the paper, in millions: 133, 133, 138 and 144; the exact counts and the multiply-adds are torchvision's.
  test.each([
    ['vgg11', vgg11, 132_863_336, 7609],
    ['vgg13', vgg13, 133_047_848, 11308],
    ['vgg16', vgg16, 138_357_544, 15470],
    ['vgg19', vgg19, 143_667_240, 19632],
  ] as const)('%s has its parameters and multiply-adds', (_, make, parameters, millions) => {
    expect(totals(make(), 224)).toEqual({ parameters, millions });
  });

  test('has the keys of torchvision', () => {
    const keys = [...vgg16().stateDict().keys()].filter((key) => key.endsWith('weight'));
    const convolutions = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28].map((i) => `features.${i}.weight`);
    expect(keys).toEqual([...convolutions, 'classifier.0.weight', 'classifier.3.weight', 'classifier.6.weight']);
  });

  test('takes images of other sizes', () => {
    expect(summary(vgg11({ classes: 7 }), [3, 64, 96]).output).toEqual([7]);
  });
});

describe('AlexNet', () => {
  test('in two towers has the parameters of the paper, about 60 million', () => {
    expect(totals(alexnet({ towers: 2 }), 227)).toEqual({ parameters: 60_965_224, millions: 724 });
  });

  test('in one has 62 million', () => {
    expect(totals(alexnet(), 227)).toEqual({ parameters: 62_378_344, millions: 1135 });
  });

  test('has these volumes', () => {
    expect(volumes(alexnet(), 227)).toEqual([
      '96x55x55',
      '256x27x27',
      '384x13x13',
      '384x13x13',
      '256x13x13',
      '4096',
      '4096',
      '1000',
    ]);
  });

  test('has one tower or two', () => {
    expect(() => alexnet({ towers: 3 as 2 })).toThrow('towers must be 1 or 2, but is 3');
  });
});

describe('ZFNet', () => {
  test('has the volumes of figure 3', () => {
    expect(volumes(zfnet(), 224)).toEqual([
      '96x110x110',
      '256x26x26',
      '384x13x13',
      '384x13x13',
      '256x13x13',
      '4096',
      '4096',
      '1000',
    ]);
  });

  test('is larger when wide', () => {
    expect(volumes(zfnet({ wide: true }), 224).slice(2, 5)).toEqual(['512x13x13', '1024x13x13', '512x13x13']);
    expect(totals(zfnet({ wide: true }), 224).millions).toBe(2477);
  });
});

test('a seed decides the weights, and nothing is made before it is used', () => {
  expect(
    vgg19({ seed: 3 })
      .parameters()
      .some(({ materialized }) => materialized),
  ).toBe(false);
});
