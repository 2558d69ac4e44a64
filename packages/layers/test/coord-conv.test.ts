import { describe, expect, test } from 'vitest';
import { reference } from '@receptive/backend/reference';
import {
  Conv2d,
  CoordConv1d,
  CoordConv2d,
  CoordConv3d,
  CoordConvTranspose1d,
  CoordConvTranspose2d,
  CoordConvTranspose3d,
  ReLU,
  Sequential,
  summary,
} from '@receptive/layers';
import { addCoordinates, concat, conv2d, convTranspose2d, ones, setBackend, tensor, zeros } from '@receptive/tensor';
import { distance, nested, numbers } from './harness.ts';

setBackend(reference());

const layers = [
  { Layer: CoordConv1d, spatial: [7] },
  { Layer: CoordConv2d, spatial: [7, 6] },
  { Layer: CoordConv3d, spatial: [4, 3, 5] },
] as const;
const transposed = [
  { Layer: CoordConvTranspose1d, spatial: [3] },
  { Layer: CoordConvTranspose2d, spatial: [3, 2] },
  { Layer: CoordConvTranspose3d, spatial: [2, 3, 2] },
] as const;

describe.each(layers)('$Layer.name', ({ Layer, spatial }) => {
  test('sees its input and as many coordinates as there are axes, and the distance if told', () => {
    const axes = spatial.length;
    for (const withR of [false, true]) {
      const layer = new Layer(2, 3, 2, { withR, stride: 2 }).initialize(1);
      expect(layer.weight.shape).toEqual([3, 2 + axes + (withR ? 1 : 0), ...spatial.map(() => 2)]);
      const y = layer.forward(ones([2, 2, ...spatial]));
      expect(y.shape).toEqual([2, 3, ...spatial.map((length) => Math.floor((length - 2) / 2) + 1)]);
    }
  });
});

describe.each(transposed)('$Layer.name', ({ Layer, spatial }) => {
  test('sees its input and as many coordinates as there are axes, and the distance if told', () => {
    const axes = spatial.length;
    for (const withR of [false, true]) {
      const layer = new Layer(2, 3, 2, { withR, stride: 2 }).initialize(1);
      expect(layer.weight.shape).toEqual([2 + axes + (withR ? 1 : 0), 3, ...spatial.map(() => 2)]);
      expect(layer.forward(ones([2, 2, ...spatial])).shape).toEqual([2, 3, ...spatial.map((length) => 2 * length)]);
    }
  });
});

describe('CoordConv2d', () => {
  test('is conv2d of the input with its coordinates, with all options', () => {
    const options = { stride: [2, 1], padding: 1, dilation: [1, 2], groups: 5 } as const;
    const layer = new CoordConv2d(2, 5, 3, { ...options, withR: true }).initialize(1);
    const x = ones([2, 2, 6, 7]);
    const expected = conv2d(addCoordinates(x, { withR: true }), layer.weight.value, layer.bias!.value, options);
    expect(distance(layer.forward(x), expected)).toBe(0);
  });

  test('can tell where it is: weights that read the coordinates alone give them', () => {
    const layer = new CoordConv2d(1, 2, 1, { bias: false });
    layer.weight.assign(tensor([0, 1, 0, 0, 0, 1], { shape: [2, 3, 1, 1] }));
    expect(nested(layer.forward(zeros([1, 1, 2, 3])))).toEqual([
      [
        [
          [-1, -1, -1],
          [1, 1, 1],
        ],
        [
          [-1, 0, 1],
          [-1, 0, 1],
        ],
      ],
    ]);
  });

  test('with weights of 0 for the coordinates is a plain convolution', () => {
    const [plain, coord] = [new Conv2d(2, 3, 3), new CoordConv2d(2, 3, 3)];
    const [x, weight, bias] = [numbers([1, 2, 5, 5]), numbers([3, 2, 3, 3], 2), numbers([3], 3)];
    plain.weight.assign(weight);
    coord.weight.assign(concat([weight, zeros([3, 2, 3, 3], { dtype: 'float64' })], 1));
    for (const layer of [plain, coord]) layer.bias!.assign(bias);
    expect(distance(coord.forward(x), plain.forward(x))).toBe(0);
  });

  test('refuses inputs of other channels or axes, and no channels', () => {
    const layer = new CoordConv2d(3, 8, 3);
    expect(() => layer.forward(ones([1, 1, 8, 8]))).toThrow(
      'CoordConv2d: takes inputs of 3 channels and 2 spatial axes, to which it adds their coordinates, but was given [1, 1, 8, 8].',
    );
    expect(() => layer.forward(ones([1, 3, 8]))).toThrow('but was given [1, 3, 8]');
    expect(() => new CoordConv2d(0, 8, 3)).toThrow(
      'CoordConv2d: inChannels must be made of whole numbers of at least 1, but is 0.',
    );
    expect(() => new CoordConv2d(2, 4, 3, { groups: 3 })).toThrow('groups must divide the channels');
  });
});

test('CoordConvTranspose2d is convTranspose2d of the input with its coordinates', () => {
  const options = { stride: 2, padding: 1, outputPadding: 1 } as const;
  const layer = new CoordConvTranspose2d(2, 3, 3, { ...options, withR: true }).initialize(1);
  const x = ones([2, 2, 3, 4]);
  const expected = convTranspose2d(addCoordinates(x, { withR: true }), layer.weight.value, layer.bias!.value, options);
  expect(distance(layer.forward(x), expected)).toBe(0);
});

test('the summary has one line for it, whose receptive field is that of the input: coordinates see none of it', () => {
  const { layers: lines } = summary(
    new Sequential([new CoordConv2d(3, 8, 3, { padding: 1 }), new CoordConv2d(8, 4, 5, { withR: true }), new ReLU()]),
    [3, 16, 16],
  );
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatchObject({
    type: 'CoordConv2d',
    input: [3, 16, 16],
    output: [8, 16, 16],
    filters: 8,
    parameters: 8 * 5 * 9 + 8,
    multiplyAdds: 8 * 5 * 9 * 256,
    computations: (8 * 5 * 9 + 8) * 256,
    receptiveField: [3, 3],
  });
  expect(lines[1]).toMatchObject({ parameters: 4 * 11 * 25 + 4, receptiveField: [7, 7] });
  expect(lines[2]!.receptiveField).toEqual([7, 7]);
});
