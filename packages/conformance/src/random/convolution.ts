import { conv2d } from '@receptive/tensor';
import { numbers } from '../case.ts';
import { sums } from '../tolerance.ts';
import type { Generators } from './generator.ts';

export const convolutionGenerators: Generators = {
  conv2d: {
    tolerance: sums,
    draw(draw) {
      const groups = draw.whole(1, 2);
      const [inputs, outputs] = [groups * draw.whole(1, 2), groups * draw.whole(1, 2)];
      const kernel = draw.wholes(2, 1, 3);
      const stride = draw.wholes(2, 1, 2);
      const dilation = draw.wholes(2, 1, 2);
      const padding = [0, 1].map(() => [draw.whole(0, 2), draw.whole(0, 2)] as const);
      const spatial = kernel.map((taps, axis) => dilation[axis]! * (taps - 1) + draw.whole(1, 3));
      const bias = draw.chance();
      const x = [draw.whole(1, 2), inputs, ...spatial];
      const weight = [outputs, inputs / groups, ...kernel];
      return {
        description: JSON.stringify({ x, weight, stride, padding, dilation, groups, bias }),
        inputs: [numbers(x), numbers(weight), ...(bias ? [numbers([outputs])] : [])],
        f: (input, weights, shift) => conv2d(input, weights, shift, { stride, padding, dilation, groups }),
        onnx: {
          op: 'Conv',
          ints: {
            strides: stride,
            dilations: dilation,
            group: groups,
            pads: [0, 1].flatMap((side) => padding.map((pair) => pair[side]!)),
          },
        },
      };
    },
  },
};
