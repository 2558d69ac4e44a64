import { sizeOf, windowSpan } from '@receptive/backend';
import { deformConv2d } from '@receptive/tensor';
import { numbers, uniform } from '../case.ts';
import { sampled } from '../cases/deformable.ts';
import { away } from './draw.ts';
import type { Generators } from './generator.ts';

/** At whole offsets, where cells meet, the gradient jumps. */
const jumps = [-3, -2, -1, 0, 1, 2, 3];

export const deformableGenerators: Generators = {
  deformConv2d: {
    tolerance: sampled,
    draw(draw) {
      const [groups, offsetGroups] = [draw.whole(1, 2), draw.whole(1, 2)];
      const [channels, filters] = [2 * draw.whole(1, 2), groups * draw.whole(1, 2)];
      const kernel = draw.wholes(2, 1, 2);
      const stride = draw.wholes(2, 1, 2);
      const dilation = draw.wholes(2, 1, 2);
      const spans = kernel.map((taps, axis) => windowSpan(taps, dilation[axis]!));
      // Less than a window, so that there is something in it.
      const padding = spans.map((span) => {
        const before = draw.whole(0, Math.min(1, span - 1));
        return [before, draw.whole(0, Math.min(1, span - 1 - before))] as const;
      });
      const output = draw.wholes(2, 1, 2);
      const spatial = output.map((places, axis) => {
        const padded = (places - 1) * stride[axis]! + spans[axis]! + draw.whole(0, stride[axis]! - 1);
        return padded - padding[axis]![0] - padding[axis]![1];
      });
      const [batch, biased, modulated] = [draw.whole(1, 2), draw.chance(), draw.chance()];
      // Within the next pixels, or far enough to leave the image.
      const reach = draw.pick([0.95, 3]);
      const reads = offsetGroups * sizeOf(kernel);
      const x = [batch, channels, ...spatial];
      const weight = [filters, channels / groups, ...kernel];
      const options = { stride, padding, dilation, groups, offsetGroups };
      return {
        description: JSON.stringify({ x, weight, ...options, biased, modulated, reach }),
        inputs: [
          numbers(x),
          away([batch, 2 * reads, ...output], -reach, reach, jumps, 0.05),
          numbers(weight),
          ...(biased ? [numbers([filters])] : []),
          ...(modulated ? [uniform([batch, reads, ...output], 0, 1)] : []),
        ],
        f: (input, offset, weights, ...rest) =>
          deformConv2d(input, offset, weights, biased ? rest[0] : null, {
            ...options,
            mask: modulated ? rest.at(-1)! : null,
          }),
        onnx: {
          op: 'DeformConv',
          inputs: [0, 2, 1, biased ? 3 : null, modulated ? 3 + Number(biased) : null],
          ints: {
            kernel_shape: kernel,
            strides: stride,
            dilations: dilation,
            group: groups,
            offset_group: offsetGroups,
            pads: [0, 1].flatMap((side) => padding.map((pair) => pair[side]!)),
          },
        },
      };
    },
  },
};
