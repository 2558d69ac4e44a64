import { beforeAll, describe, expect, test } from 'vitest';
import { grad, gradCheck } from '@receptive/autograd';
import type { ConvGeometry } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import {
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  DepthwiseConv1d,
  DepthwiseConv2d,
  DepthwiseConv3d,
  Module,
  PixelShuffle,
  ReLU,
  SeparableConv1d,
  SeparableConv2d,
  SeparableConv3d,
  Sequential,
  SpatiallySeparableConv2d,
  Upsample,
  initializers,
  lenet5Connections,
  summary,
} from '@receptive/layers';
import type { Connections } from '@receptive/layers';
import {
  add,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  listen,
  mul,
  ones,
  separableConv1d,
  separableConv2d,
  separableConv3d,
  setBackend,
  slice,
  spatiallySeparableConv2d,
  sum,
  tensor,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { distance, nested, numbers } from './harness.ts';

beforeAll(() => setBackend(reference()));

const count = (model: Module): number =>
  model.parameters().reduce((total, { shape }) => total + shape.reduce((a, b) => a * b), 0);

/** Gives a layer's parameters reproducible float64 values, and hands them out in the order of the state dictionary. */
function filled<M extends Module>(layer: M): [M, ...Tensor[]] {
  const values = layer.parameters().map((parameter, i) => {
    const value = numbers(parameter.shape, i + 2);
    parameter.assign(value);
    return value;
  });
  return [layer, ...values];
}

describe('layers of any number of axes are the functions with their options', () => {
  const options = {
    stride: 2,
    padding: 'same',
    dilation: 2,
    groups: 2,
    paddingMode: 'replicate',
    flipKernel: true,
  } as const;
  test.each([
    [Conv1d, conv1d, [9]],
    [Conv2d, conv2d, [7, 8]],
    [Conv3d, conv3d, [5, 4, 6]],
  ] as const)('%o', (Layer, f, spatial) => {
    const x = numbers([2, 4, ...spatial]);
    const [layer, weight, bias] = filled(new Layer(4, 6, 3, options));
    expect(weight!.shape).toEqual([6, 2, ...spatial.map(() => 3)]);
    expect(bias!.shape).toEqual([6]);
    expect(distance(layer.forward(x), f(x, weight!, bias, options))).toBe(0);
  });

  const back = { stride: 2, padding: 1, outputPadding: 1, dilation: 2, groups: 2 } as const;
  test.each([
    [ConvTranspose1d, convTranspose1d, [4]],
    [ConvTranspose2d, convTranspose2d, [3, 4]],
    [ConvTranspose3d, convTranspose3d, [2, 3, 2]],
  ] as const)('%o', (Layer, f, spatial) => {
    const x = numbers([2, 4, ...spatial]);
    const [layer, weight, bias] = filled(new Layer(4, 6, 3, back));
    expect(weight!.shape).toEqual([4, 3, ...spatial.map(() => 3)]);
    expect(bias!.shape).toEqual([6]);
    expect(distance(layer.forward(x), f(x, weight!, bias, back))).toBe(0);
    expect(layer.forward(x).shape).toEqual([2, 6, ...spatial.map((n) => (n - 1) * 2 - 2 + 4 + 1 + 1)]);
  });

  test.each([
    [DepthwiseConv1d, conv1d, [9]],
    [DepthwiseConv2d, conv2d, [5, 6]],
    [DepthwiseConv3d, conv3d, [3, 4, 3]],
  ] as const)('%o', (Layer, f, spatial) => {
    const x = numbers([1, 3, ...spatial]);
    const [layer, weight, bias] = filled(new Layer(3, 2, { multiplier: 2, stride: 2 }));
    expect(weight!.shape).toEqual([6, 1, ...spatial.map(() => 2)]);
    expect(distance(layer.forward(x), f(x, weight!, bias, { groups: 3, stride: 2 }))).toBe(0);
  });

  test.each([
    [SeparableConv1d, separableConv1d, [9]],
    [SeparableConv2d, separableConv2d, [5, 6]],
    [SeparableConv3d, separableConv3d, [3, 4, 3]],
  ] as const)('%o', (Layer, f, spatial) => {
    const x = numbers([1, 4, ...spatial]);
    const window = { stride: 2, padding: 1, paddingMode: 'circular' } as const;
    const [layer, depthwise, pointwise, bias] = filled(
      new Layer(4, 6, 3, { ...window, multiplier: 2, pointwiseGroups: 2 }),
    );
    expect([...layer.stateDict().keys()]).toEqual(['depthwise.weight', 'pointwise.weight', 'pointwise.bias']);
    expect(depthwise!.shape).toEqual([8, 1, ...spatial.map(() => 3)]);
    expect(pointwise!.shape).toEqual([6, 4, ...spatial.map(() => 1)]);
    expect(distance(layer.forward(x), f(x, depthwise!, pointwise!, bias, { ...window, pointwiseGroups: 2 }))).toBe(0);
  });

  test('SpatiallySeparableConv2d', () => {
    const window = { stride: [2, 1], padding: [1, [0, 2]], dilation: [1, 2], groups: 2 } as const;
    const [layer, column, row, bias] = filled(
      new SpatiallySeparableConv2d(4, 6, [3, 2], { ...window, midChannels: 2 }),
    );
    expect([...layer.stateDict().keys()]).toEqual(['column.weight', 'row.weight', 'row.bias']);
    expect([column!.shape, row!.shape]).toEqual([
      [2, 2, 3, 1],
      [6, 1, 1, 2],
    ]);
    const x = numbers([2, 4, 6, 7]);
    expect(distance(layer.forward(x), spatiallySeparableConv2d(x, column!, row!, bias, window))).toBe(0);
    expect(
      new SpatiallySeparableConv2d(2, 5, 3, { padding: 'same', stride: 2 }).forward(ones([1, 2, 5, 8])).shape,
    ).toEqual([1, 5, 3, 4]);
  });

  test.each([
    ['Conv2d', new Conv2d(2, 2, 2, { padding: 1, paddingMode: 'reflect' })],
    ['Conv2d with connections', new Conv2d(2, 3, 2, { connections: [[1], [0, 1], [0]] })],
    ['ConvTranspose2d', new ConvTranspose2d(2, 2, 2, { stride: 2, outputPadding: 1 })],
    ['SeparableConv2d', new SeparableConv2d(2, 2, 2, { multiplier: 2 })],
    ['SpatiallySeparableConv2d', new SpatiallySeparableConv2d(2, 2, 2)],
  ])('the gradient of %s reaches its input and all its parameters', (_, made) => {
    const [layer] = filled(made);
    expect(gradCheck((x) => layer.forward(x).square(), [[1, 2, 3, 4]], { second: true, tolerance: 1e-5 })).toBeLessThan(
      1e-5,
    );
    const gradients = grad(() => sum(layer.forward(numbers([1, 2, 3, 4])).square()), layer.parameters());
    for (const gradient of gradients) expect(gradient.dataSync().every((value) => value !== 0)).toBe(true);
  });
});

// As courses generalise it: 16 filters of length 5 over a signal of 14 samples, and of 5x5x5 over a volume of 14x14x14.
test('signals and volumes are convolved as images are', () => {
  const [signal] = summary(new Conv1d(1, 16, 5), [1, 14]).layers;
  expect(signal).toMatchObject({ output: [16, 10], parameters: 96, computations: 960, receptiveField: [5] });
  const [volume] = summary(new Conv3d(1, 16, 5), [1, 14, 14, 14]).layers;
  expect(volume).toMatchObject({ output: [16, 10, 10, 10], parameters: 2_016, receptiveField: [5, 5, 5] });
});

test('a transposed convolution is the gradient of a convolution with respect to its input', () => {
  const options = { stride: [2, 3], padding: [1, [0, 2]], dilation: [2, 1], groups: 2 } as const;
  const [x, weight] = [numbers([2, 6, 8, 9]), numbers([4, 3, 3, 2], 2)];
  const upstream = numbers(conv2d(x, weight, null, options).shape, 3);
  const [gradient] = grad(() => sum(mul(conv2d(x, weight, null, options), upstream)), [x]);
  // Of the lengths that the convolution maps to its output's, x has: rows (8 + 2 - 5) mod 2, columns (9 + 2 - 2) mod 3 beyond the least.
  expect(distance(convTranspose2d(upstream, weight, null, { ...options, outputPadding: [1, 0] }), gradient)).toBe(0);
});

describe('at construction', () => {
  const refused: readonly (readonly [what: string, make: () => Module, message: string])[] = [
    [
      'the stride',
      () => new Conv2d(1, 1, 3, { stride: 0 }),
      'Conv2d: stride must be a whole number of at least 1, or 2 of them, but is 0',
    ],
    [
      'the dilation',
      () => new Conv1d(1, 1, 3, { dilation: [1, 2] }),
      'Conv1d: dilation must be a whole number of at least 1, or 1 of them, but is [1,2]',
    ],
    [
      'the padding',
      () => new Conv3d(1, 1, 3, { padding: [1, 2] }),
      'Conv3d: padding needs an entry for each of 3 spatial axes',
    ],
    [
      'the mode',
      () => new Conv2d(1, 1, 3, { paddingMode: 'mirror' as 'reflect' }),
      'Conv2d: paddingMode must be one of zeros',
    ],
    [
      'the kernel',
      () => new Conv3d(1, 1, [3, 3]),
      'Conv3d: kernelSize must be a whole number of at least 1, or 3 of them, but is [3,3]',
    ],
    ['channels', () => new ConvTranspose2d(1, 0.5, 3), 'ConvTranspose2d: outChannels must be made of whole numbers'],
    [
      'groups',
      () => new ConvTranspose2d(4, 6, 3, { groups: 4 }),
      'ConvTranspose2d: groups must divide the channels, but 4 does not divide both 4 and 6',
    ],
    [
      'outputPadding',
      () => new ConvTranspose1d(1, 1, 3, { outputPadding: 1 }),
      'ConvTranspose1d: outputPadding must be smaller than stride or dilation',
    ],
    [
      'a transposed mode',
      () => new ConvTranspose3d(1, 1, 3, { paddingMode: 'circular' as 'zeros' }),
      'ConvTranspose3d: paddingMode must be \'zeros\', but is "circular"',
    ],
    [
      'a multiplier',
      () => new DepthwiseConv2d(3, 3, { multiplier: 0 }),
      'DepthwiseConv2d: multiplier must be made of whole numbers',
    ],
    [
      'pointwise groups',
      () => new SeparableConv2d(4, 6, 3, { pointwiseGroups: 4 }),
      'groups must divide the channels, but 4 does not divide both 4 and 6',
    ],
    [
      'an algorithm that does not compute such a convolution',
      () => new Conv2d(1, 1, 3, { stride: 2, algorithm: 'winograd4' }),
      "Conv2d: algorithm 'winograd4' needs a kernel of [3, 3] or [5, 5], stride 1",
    ],
    [
      'an algorithm that does not compute such a transposed convolution',
      () => new ConvTranspose2d(1, 1, 4, { algorithm: 'winograd2' }),
      "ConvTranspose2d: algorithm 'winograd2' needs a kernel of [3, 3] or [5, 5], stride 1",
    ],
    [
      'an algorithm that there is not',
      () => new Conv1d(1, 1, 3, { algorithm: 'fft' as 'gemm' }),
      'Conv1d: algorithm must',
    ],
    ['a column', () => new SpatiallySeparableConv2d(1, 1, [3]), 'SpatiallySeparableConv2d: kernelSize must be'],
    [
      'a separable stride',
      () => new SpatiallySeparableConv2d(1, 1, 3, { stride: [1, 2, 3] }),
      'SpatiallySeparableConv2d: stride must be',
    ],
    [
      'groups beside connections',
      () => new Conv2d(2, 2, 3, { groups: 2, connections: [[0], [1]] }),
      'Leave out groups',
    ],
    [
      'too few lists',
      () => new Conv2d(2, 2, 3, { connections: [[0]] }),
      'Conv2d: connections must have a list for each of the 2 output channels, but have 1',
    ],
    [
      'an empty list',
      () => new Conv2d(2, 2, 3, { connections: [[0], []] }),
      'output channel 1 with connections []: sees none. List some of the input channels 0 to 1, each once',
    ],
    [
      'a duplicate',
      () => new Conv1d(2, 1, 3, { connections: [[1, 0, 1]] }),
      'Conv1d: output channel 0 with connections [1,0,1]: sees 1 twice',
    ],
    ['a channel outside', () => new Conv2d(2, 1, 3, { connections: [[0, 2]] }), '2 is no input channel'],
    [
      'a channel that is no number of one',
      () => new Conv2d(2, 1, 3, { connections: [[0.5]] }),
      '0.5 is no input channel',
    ],
  ];
  test.each(refused)('%s is refused', (_, make, message) => expect(make).toThrow(message));
});

test('the algorithm of a layer is that of its gradients and of theirs', () => {
  const [layer] = filled(new DepthwiseConv2d(2, 3, { padding: 1, algorithm: 'winograd2' }));
  const seen = new Map<string, unknown>();
  const sources = [numbers([1, 2, 4, 4]), layer.weight] as const;
  const square = (x: Tensor): Tensor => sum(mul(x, x));
  const slope = (): Tensor => {
    const [dx, dw] = grad(() => square(layer.forward(sources[0])), sources);
    return add(square(dx), square(dw));
  };
  listen(
    ({ op, attributes }) => {
      if (op.name.startsWith('conv')) seen.set(op.name, (attributes as { geometry: ConvGeometry }).geometry.algorithm);
    },
    () => grad(slope, sources),
  );
  expect(Object.fromEntries(seen)).toEqual({
    conv: 'winograd2',
    convInputGradient: 'winograd2',
    convWeightGradient: 'winograd2',
  });
});

describe('initial values', () => {
  const largest = (x: Tensor): number => Math.max(...Array.from(x.dataSync(), Math.abs));

  // PyTorch takes the second axis of [in, out / groups, kh, kw] for the inputs: 64 / 4 * 25 = 400.
  test('of a transposed convolution are those of PyTorch', () => {
    const layer = new ConvTranspose2d(32, 64, 5, { groups: 4 }).initialize(1);
    for (const { value } of [layer.weight, layer.bias!]) {
      expect(largest(value)).toBeLessThanOrEqual((1 / 20) * (1 + 1e-6));
      expect(largest(value)).toBeGreaterThan(0.9 / 20);
    }
  });

  test("of connections have the bounds of each filter's own fan", () => {
    const connections: Connections = [[0], Array.from({ length: 64 }, (_, channel) => channel)];
    const layer = new Conv2d(64, 2, 5, { connections }).initialize(1);
    const [few, many] = [slice(layer.weight.value, [0], [1]), slice(layer.weight.value, [1])];
    expect(largest(few)).toBeGreaterThan(0.8 / 5);
    expect(largest(few)).toBeLessThanOrEqual(1 / 5);
    expect(largest(many)).toBeGreaterThan(0.95 / 40);
    expect(largest(many)).toBeLessThanOrEqual(1 / 40);
    expect(Math.abs(layer.bias!.value.dataSync()[1]!)).toBeLessThanOrEqual(1 / 40);
  });

  // A filter of k * k * 3 inputs whose channels are seen by 10 filters each: the standard deviation is sqrt(2 / (75 + 250)).
  test('of connections take the filters that see a channel for the fan out', () => {
    const layer = new Conv2d(6, 16, 5, { connections: lenet5Connections, weightInit: initializers.xavierUniform() });
    const first = slice(layer.initialize(1).weight.value, [0], [18]);
    expect(largest(first)).toBeLessThanOrEqual(Math.sqrt(6 / (75 + 250)) * (1 + 1e-6));
    expect(largest(first)).toBeGreaterThan(0.97 * Math.sqrt(6 / (75 + 250)));
  });

  test('may be chosen, also of connections', () => {
    const layer = new Conv2d(2, 2, 1, {
      connections: [[0, 1], [1]],
      weightInit: initializers.ones,
      biasInit: initializers.constant(3),
    });
    expect(nested(layer.forward(ones([1, 2, 1, 1])))).toEqual([[[[5]], [[4]]]]);
  });
});

describe("LeNet-5's connections", () => {
  const c3 = (): Conv2d => new Conv2d(6, 16, 5, { connections: lenet5Connections });

  // LeCun et al. 1998, section II.B: "Layer C3 has 1,516 trainable parameters and 151,600 connections."
  test('make 1,516 parameters and 151,600 connections', () => {
    const layer = c3();
    expect(layer.weight.shape).toEqual([60, 5, 5]);
    expect(count(layer)).toBe(1_516);
    const { layers, output } = summary(layer, [6, 14, 14]);
    expect(output).toEqual([16, 10, 10]);
    expect(layers[0]).toMatchObject({ filters: 16, parameters: 1_516, computations: 151_600, receptiveField: [5, 5] });
  });

  test('are table I: each of six maps is seen by ten, and no two filters see the same', () => {
    for (let map = 0; map < 6; map++) expect(lenet5Connections.filter((seen) => seen.includes(map))).toHaveLength(10);
    expect(lenet5Connections.map(({ length }) => length)).toEqual([3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 6]);
    expect(new Set(lenet5Connections.map((seen) => seen.join())).size).toBe(16);
    const crosses = [0, 1, 2, 3, 4, 5].map((map) =>
      lenet5Connections.map((seen) => (seen.includes(map) ? 'X' : '.')).join(' '),
    );
    expect(crosses).toEqual([
      'X . . . X X X . . X X X X . X X',
      'X X . . . X X X . . X X X X . X',
      'X X X . . . X X X . . X . X X X',
      '. X X X . . X X X X . . X . X X',
      '. . X X X . . X X X X . X X . X',
      '. . . X X X . . X X X X . X X X',
    ]);
  });

  test('compute each filter from the channels that it sees, in the order of its list', () => {
    const connections = [[2, 0], [1], [0, 1, 2]];
    const [layer, weight, bias] = filled(new Conv2d(3, 3, 2, { connections, padding: 1 }));
    const x = numbers([2, 3, 4, 4]);
    let kernel = 0;
    connections.forEach((seen, filter) => {
      const parts = seen.map((channel) => {
        const plane = slice(x, [0, channel], [2, channel + 1]);
        const own = slice(weight!, [kernel], [++kernel]).reshape(1, 1, 2, 2);
        return conv2d(plane, own, null, { padding: 1 });
      });
      const wanted = parts.reduce((a, b) => a.add(b)).add(slice(bias!, [filter], [filter + 1]));
      expect(distance(slice(layer.forward(x), [0, filter], [2, filter + 1]), wanted)).toBeLessThan(1e-14);
    });
  });

  test('keep a kernel of NaN to its own filter', () => {
    const layer = new Conv2d(2, 2, 1, { connections: [[0], [1]], bias: false });
    layer.weight.assign(tensor([1, NaN], { shape: [2, 1, 1] }));
    expect(nested(layer.forward(ones([1, 2, 1, 1])))).toEqual([[[[1]], [[NaN]]]]);
  });

  test('are a convolution in groups, where they fall into groups', () => {
    const [sparse, weight, bias] = filled(
      new Conv2d(4, 4, 3, {
        connections: [
          [0, 1],
          [0, 1],
          [2, 3],
          [2, 3],
        ],
      }),
    );
    const x = numbers([1, 4, 5, 5]);
    expect(distance(sparse.forward(x), conv2d(x, weight!.reshape(4, 2, 3, 3), bias, { groups: 2 }))).toBe(0);
  });
});

describe('what separable convolutions save', () => {
  // Howard et al., arXiv:1704.04861, equation 5; table 3 has this layer: 462 and 52.3 million multiply-adds, 2.36 and 0.27 million parameters.
  test('a MobileNet layer, 3x3 from 512 to 512 channels on 14x14: 1 / N + 1 / k^2', () => {
    const [n, k] = [512, 3];
    const plain = summary(new Conv2d(n, n, k, { padding: 1, bias: false }), [n, 14, 14]).totals;
    const separable = summary(new SeparableConv2d(n, n, k, { padding: 1, bias: false }), [n, 14, 14]).totals;
    expect([plain.parameters, separable.parameters]).toEqual([2_359_296, 266_752]);
    expect([plain.multiplyAdds, separable.multiplyAdds]).toEqual([462_422_016, 52_283_392]);
    expect(separable.multiplyAdds / plain.multiplyAdds).toBeCloseTo(1 / n + 1 / k ** 2, 12);
    expect(separable.parameters / plain.parameters).toBeCloseTo(1 / n + 1 / k ** 2, 12);
  });

  test('mixing in g groups divides the pointwise part by g', () => {
    const of = (pointwiseGroups: number): number =>
      summary(new SeparableConv2d(64, 128, 3, { pointwiseGroups, bias: false }), [64, 9, 9]).totals.parameters;
    expect([of(1), of(4)]).toEqual([64 * 9 + 64 * 128, 64 * 9 + (64 * 128) / 4]);
  });

  // The inception module's exercise: 28x28x192 to 28x28x32 by 5x5, at once and through a bottleneck of 16 channels by 1x1.
  test('a 1x1 bottleneck before a 5x5 convolution takes 12.4 million products for 120', () => {
    const of = (...layers: Module[]): number => summary(new Sequential(layers), [192, 28, 28]).totals.multiplyAdds;
    const five = (channels: number): Conv2d => new Conv2d(channels, 32, 5, { padding: 'same' });
    expect(of(five(192))).toBe(120_422_400);
    expect(of(new Conv2d(192, 16, 1), five(16))).toBe(2_408_448 + 10_035_200);
  });

  test('7x7 as 7x1 and 1x7 takes 14 weights for 49', () => {
    const of = (layer: Module): number => summary(layer, [32, 17, 17]).totals.multiplyAdds;
    const options = { padding: 'same', bias: false } as const;
    expect(of(new SpatiallySeparableConv2d(32, 32, 7, options)) / of(new Conv2d(32, 32, 7, options))).toBe(14 / 49);
  });

  test('the summary has a line for each of the two', () => {
    const { layers } = summary(new SeparableConv2d(8, 16, 3, { stride: 2, padding: 1 }), [8, 10, 10]);
    expect(
      layers.map(({ path, type, filters, parameters, output }) => [path, type, filters, parameters, output]),
    ).toEqual([
      ['depthwise', 'DepthwiseConv2d', 8, 72, [8, 5, 5]],
      ['pointwise', 'Conv2d', 16, 144, [16, 5, 5]],
    ]);
  });
});

describe('the summary of a transposed convolution', () => {
  // Each of 4 * 4 * 8 elements is multiplied by 3 * 5 * 5 weights; 8 * 3 * 5 * 5 weights and 3 biases.
  test('counts what each element of the input is multiplied by', () => {
    const [layer] = summary(
      new ConvTranspose2d(8, 3, 5, { stride: 2, padding: 2, outputPadding: 1 }),
      [8, 4, 4],
    ).layers;
    expect(layer).toMatchObject({
      type: 'ConvTranspose2d',
      output: [3, 8, 8],
      filters: 3,
      parameters: 603,
      multiplyAdds: 4 * 4 * 8 * 75,
      window: { kernel: [5, 5], stride: [2, 2], dilation: [1, 1] },
      receptiveField: [3, 3],
    });
  });

  test('in groups has as many fewer', () => {
    const of = (groups: number): number =>
      summary(new ConvTranspose2d(8, 4, 3, { groups }), [8, 4, 4]).totals.multiplyAdds;
    expect(of(4)).toBe(of(1) / 4);
  });
});

/** The most places of the input, along the first axis, that an element of the output depends on: the oracle, by derivatives. */
const mostSeen = (model: Module, size: number): number => {
  const x = ones([1, 1, size]);
  const { length } = model.forward(x).dataSync();
  // Elements at the edges see less; those of the middle include one at each step of all strides.
  const middle = Array.from({ length: 24 }, (_, i) => Math.floor(length / 2) - 12 + i);
  const spans = middle.map((place) => {
    const [gradient] = grad(() => sum(slice(model.forward(x), [0, 0, place], [1, 1, place + 1])), [x]);
    const touched = [...gradient.dataSync()].flatMap((value, i) => (value === 0 ? [] : [i]));
    return touched.length === 0 ? 0 : touched.at(-1)! - touched[0]! + 1;
  });
  return Math.max(...spans);
};

describe('the receptive field after a transposed convolution', () => {
  const init = { weightInit: initializers.ones, bias: false };
  const conv = (kernel: number, options = {}): Conv1d => new Conv1d(1, 1, kernel, { ...init, ...options });
  const up = (kernel: number, options = {}): ConvTranspose1d =>
    new ConvTranspose1d(1, 1, kernel, { ...init, ...options });
  const claimed = (model: Module): number => summary(model, [1, 64]).layers.at(-1)!.receptiveField![0]!;

  test.each<[string, number, Module[]]>([
    ['one step at a time', 3, [up(3)]],
    ['kernels that do not meet', 1, [up(2, { stride: 2 })]],
    ['kernels that meet in places', 2, [up(3, { stride: 2, padding: 1, outputPadding: 1 })]],
    ['kernels that meet everywhere', 2, [up(4, { stride: 2, padding: 1 })]],
    ['dilated kernels', 5, [up(3, { dilation: 2 })]],
    ['a convolution after it', 3, [up(4, { stride: 2, padding: 1 }), conv(3)]],
    ['a convolution before it', 6, [conv(5), up(4, { stride: 2 })]],
    ['twice', 3, [up(4, { stride: 2 }), up(4, { stride: 3 }), conv(2)]],
    ['every third of three times as many', 2, [up(5, { stride: 3 }), conv(3, { stride: 3 })]],
    ['every other of three times as many', 3, [up(5, { stride: 3 }), conv(3, { stride: 2 })]],
    ['the nearest of half a place', 1, [new Upsample({ scaleFactor: 2 })]],
    ['a convolution of nearest ones', 2, [new Upsample({ size: 192 }), conv(3)]],
    ['a mean of two neighbours', 2, [new Upsample({ scaleFactor: 2, mode: 'linear' })]],
    ['a convolution of such means', 3, [new Upsample({ scaleFactor: 2, mode: 'linear' }), conv(3)]],
    ['a convolution of thirds', 3, [conv(2), new Upsample({ scaleFactor: 3, mode: 'linear' }), conv(2)]],
    ['channels as places', 4, [new Conv1d(1, 2, 3, init), new PixelShuffle(2), conv(3)]],
  ])('%s sees %i', (_, expected, layers) => {
    const model = new Sequential([...layers, new ReLU()]);
    expect(claimed(model)).toBe(expected);
    expect(mostSeen(model, 64)).toBe(expected);
  });

  test('is never too small where a stride came before', () => {
    for (const kernel of [2, 3, 4, 5]) {
      const model = new Sequential([conv(3, { stride: 2 }), up(kernel, { stride: 2 }), conv(2), new ReLU()]);
      const [said, found] = [claimed(model), mostSeen(model, 64)];
      expect(said).toBeGreaterThanOrEqual(found);
      expect(said - found).toBeLessThan(2);
    }
  });
});

describe('a mode of padding in the summary', () => {
  test('is told as padding', () => {
    const layer = new Conv2d(1, 1, [3, 5], { padding: [1, 2], paddingMode: 'reflect' });
    expect(summary(layer, [1, 8, 8]).layers[0]).toMatchObject({
      output: [1, 8, 8],
      window: {
        kernel: [3, 5],
        padding: [
          [1, 1],
          [2, 2],
        ],
      },
    });
  });

  test("is not told of a transposed convolution's longer input", () => {
    const layer = new ConvTranspose1d(1, 1, 3, { dilation: 3, outputPadding: 2, padding: 1 });
    expect(summary(layer, [1, 8]).layers[0]!.window!.padding).toEqual([[1, 1]]);
  });

  test('leaves the receptive field of elements inside as it is', () => {
    const init = { weightInit: initializers.ones, bias: false };
    const model = new Sequential([
      new Conv1d(1, 1, 3, { ...init, padding: 2, paddingMode: 'circular' }),
      new Conv1d(1, 1, 3, init),
      new ReLU(),
    ]);
    expect(summary(model, [1, 64]).layers.at(-1)!.receptiveField).toEqual([5]);
    expect(mostSeen(model, 64)).toBe(5);
  });
});
