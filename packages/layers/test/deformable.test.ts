import { describe, expect, test } from 'vitest';
import { grad, gradCheck } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import { Conv2d, DeformConv2d, Sequential, summary } from '@receptive/layers';
import { conv2d, deformConv2d, ones, setBackend, sigmoid, slice, sum } from '@receptive/tensor';
import { distance, image, nested, numbers } from './harness.ts';

setBackend(reference());

const geometry = { stride: [2, 1], padding: [1, 2], dilation: [1, 2] } as const;

/** A layer of float64 whose offsets, and masks, are those of a trained one: neither zeros nor whole numbers. */
function trained(options: ConstructorParameters<typeof DeformConv2d>[3] = {}): DeformConv2d {
  const layer = new DeformConv2d(4, 6, [3, 2], { ...geometry, groups: 2, offsetGroups: 2, ...options });
  [...layer.parameters()].forEach((parameter, i) => parameter.assign(numbers(parameter.shape, i + 1)));
  return layer;
}

describe('DeformConv2d', () => {
  const x = numbers([2, 4, 5, 4]);

  test('reads where a convolution beside it says, and with that weight which another one says', () => {
    for (const modulated of [false, true]) {
      const layer = trained({ modulated });
      const beside = (conv: Conv2d | undefined) => conv && conv2d(x, conv.weight.value, conv.bias!.value, geometry);
      const [offset, mask] = [beside(layer.offsetConv)!, beside(layer.maskConv)];
      expect(distance(layer.offsets(x), offset)).toBe(0);
      const expected = deformConv2d(x, offset, layer.weight.value, layer.bias!.value, {
        ...geometry,
        groups: 2,
        offsetGroups: 2,
        mask: mask && sigmoid(mask),
      });
      expect(distance(layer.forward(x), expected)).toBe(0);
    }
  });

  test('untrained is the convolution of its weights, and modulated half of that', () => {
    for (const [modulated, share] of [
      [false, 1],
      [true, 0.5],
    ] as const) {
      const layer = new DeformConv2d(4, 6, 3, { padding: 'same', offsetGroups: 4, modulated, bias: false }).initialize(
        1,
      );
      const y = layer.forward(ones([1, 4, 5, 4]));
      const conv = conv2d(ones([1, 4, 5, 4]), layer.weight.value, null, { padding: 'same' });
      expect(distance(y, conv.mul(share))).toBeLessThan(1e-6);
    }
  });

  test('has the state of a convolution, and that of those beside it', () => {
    const shapes = (layer: DeformConv2d) =>
      Object.fromEntries([...layer.stateDict()].map(([key, { shape }]) => [key, shape]));
    expect(shapes(trained({ modulated: true }))).toEqual({
      weight: [6, 2, 3, 2],
      bias: [6],
      'offset_conv.weight': [24, 4, 3, 2],
      'offset_conv.bias': [24],
      'mask_conv.weight': [12, 4, 3, 2],
      'mask_conv.bias': [12],
    });
    expect(Object.keys(shapes(trained({ bias: false })))).toEqual(['weight', 'offset_conv.weight', 'offset_conv.bias']);
  });

  test('the gradient goes through what is read and through where it is read', () => {
    const layer = trained({ modulated: true });
    expect(gradCheck((input) => layer.forward(input), [numbers([1, 4, 3, 3], 2)])).toBeLessThan(1e-6);
  });

  test('by hand: the gradient of an offset is the slope of the image', () => {
    // Values 2 * row + 3 * column: in each of the 3 x 3 cells they rise by 2 downwards and by 3 to the right.
    const ramp = image(
      Array.from({ length: 4 }, (_, row) => Array.from({ length: 4 }, (_v, column) => 2 * row + 3 * column)),
    );
    const layer = new DeformConv2d(1, 1, 1, { bias: false });
    layer.weight.assign(ones([1, 1, 1, 1], { dtype: 'float64' }));
    layer.offsetConv.weight.assign(numbers([2, 1, 1, 1]).mul(0));
    layer.offsetConv.bias!.assign(numbers([2]).mul(0));
    const inCells = () => sum(slice(layer.forward(ramp), [0, 0, 0, 0], [1, 1, 3, 3]));
    const [gradient] = grad(inCells, [layer.offsetConv.bias!]);
    expect(nested(gradient)).toEqual([9 * 2, 9 * 3]);
  });

  test('refuses what makes no filters, or no groups', () => {
    expect(() => new DeformConv2d(0, 1, 3)).toThrow(
      'DeformConv2d: inChannels must be made of whole numbers of at least 1, but is 0.',
    );
    expect(() => new DeformConv2d(1, 1, [3])).toThrow('DeformConv2d: kernelSize must be');
    expect(() => new DeformConv2d(1, 1, 3, { stride: 0 })).toThrow('DeformConv2d: stride must be');
    expect(() => new DeformConv2d(4, 6, 3, { groups: 4 })).toThrow(
      'DeformConv2d: groups must divide the channels, but 4 does not divide both 4 and 6.',
    );
    expect(() => new DeformConv2d(4, 6, 3, { offsetGroups: 3 })).toThrow(
      'DeformConv2d: offsetGroups must divide the channels of the input, but 3 does not divide 4.',
    );
    expect(() => new DeformConv2d(4, 6, 3, { offsetGroups: 0 })).toThrow('offsetGroups must be made of whole numbers');
    expect(() => new DeformConv2d(4, 6, 3, { paddingMode: 'reflect' } as object)).toThrow(
      'DeformConv2d: paddingMode must be',
    );
    expect(() => new DeformConv2d(3, 8, 3).forward(ones([1, 1, 8, 8]))).toThrow('1 channels');
  });

  test('the summary counts the convolution and those beside it, and says that data decides what is seen', () => {
    const model = new Sequential({
      first: new Conv2d(1, 4, 3, { padding: 1 }),
      deform: new DeformConv2d(4, 8, 3, { padding: 1, stride: 2, modulated: true, groups: 2 }),
    });
    const { layers, totals } = summary(model, [1, 16, 16]);
    expect(
      layers.map(({ path, type, parameters, multiplyAdds, filters, receptiveField, output }) => ({
        path,
        type,
        parameters,
        multiplyAdds,
        filters,
        receptiveField,
        output,
      })),
    ).toEqual([
      {
        path: 'first',
        type: 'Conv2d',
        parameters: 40,
        multiplyAdds: 36 * 256,
        filters: 4,
        receptiveField: [3, 3],
        output: [4, 16, 16],
      },
      {
        path: 'deform',
        type: 'DeformConv2d',
        parameters: 8 * 2 * 9 + 8,
        multiplyAdds: 8 * 2 * 9 * 64,
        filters: 8,
        receptiveField: [16, 16],
        output: [8, 8, 8],
      },
      {
        path: 'deform.offset_conv',
        type: 'Conv2d',
        parameters: 18 * 37,
        multiplyAdds: 18 * 36 * 64,
        filters: 18,
        receptiveField: [5, 5],
        output: [18, 8, 8],
      },
      {
        path: 'deform.mask_conv',
        type: 'Conv2d',
        parameters: 9 * 37,
        multiplyAdds: 9 * 36 * 64,
        filters: 9,
        receptiveField: [5, 5],
        output: [9, 8, 8],
      },
    ]);
    expect(layers[1]!.window).toMatchObject({ kernel: [3, 3], stride: [2, 2] });
    expect(totals.multiplyAdds).toBe(36 * 256 + (144 + 18 * 36 + 9 * 36) * 64);
  });
});
