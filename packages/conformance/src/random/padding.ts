import type { PadOptions } from '@receptive/tensor';
import { pad } from '@receptive/tensor';
import { numbers } from '../case.ts';
import { exact } from '../tolerance.ts';
import type { Generators } from './generator.ts';

/** Our modes, as ONNX calls them. */
const onnxModes = { constant: 'constant', reflect: 'reflect', replicate: 'edge', circular: 'wrap' } as const;

export const paddingGenerators: Generators = {
  pad: {
    tolerance: exact,
    draw(draw) {
      const shape = draw.wholes(draw.whole(1, 4), 1, 3);
      const mode = draw.pick(['constant', 'reflect', 'replicate', 'circular'] as const);
      const value = mode === 'constant' && draw.chance() ? draw.whole(-3, 3) : undefined;
      const padding = shape.map((length) => {
        const most = { constant: 2, reflect: length - 1, replicate: 2, circular: length }[mode];
        return [draw.whole(0, most), draw.whole(0, most)] as const;
      });
      const options: PadOptions = { mode, ...(value !== undefined && { value }) };
      const pads = [0, 1].flatMap((side) => padding.map((pair) => pair[side]!));
      const constant = { shape: [], dtype: 'float32', data: Float32Array.of(value ?? 0) } as const;
      return {
        description: JSON.stringify({ shape, padding, ...options }),
        inputs: [numbers(shape)],
        f: (x) => pad(x, padding, options),
        onnx: {
          op: 'Pad',
          inputs: [0, pads, ...(value === undefined ? [] : [constant])],
          strings: { mode: onnxModes[mode] },
        },
      };
    },
  },
};
