import { windowOutput } from '@receptive/backend';
import type { Tensor, WindowOptions } from '@receptive/tensor';
import { locallyConnected1d, locallyConnected2d } from '@receptive/tensor';
import { numbers } from '../case.ts';
import { sums } from '../tolerance.ts';
import type { Generator, Generators } from './generator.ts';

type LocallyConnected = (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: WindowOptions) => Tensor;

/** Calls of one of them, over `axes` spatial axes; each with at most `places` places to slide to along an axis. ONNX has no such operator. */
function generator(f: LocallyConnected, axes: number, places: number): Generator {
  return {
    tolerance: sums,
    draw(draw) {
      const [n, inputs, outputs] = draw.wholes(3, 1, 2) as [number, number, number];
      const kernel = draw.wholes(axes, 1, 3);
      const stride = draw.wholes(axes, 1, 2);
      const dilation = draw.wholes(axes, 1, 2);
      const padding = kernel.map(() => [draw.whole(0, 1), draw.whole(0, 1)] as const);
      const spatial = kernel.map((taps, axis) => dilation[axis]! * (taps - 1) + draw.whole(1, places - 1));
      const output = windowOutput(spatial, { kernel, stride, dilation, padding });
      const bias = draw.chance();
      const x = [n, inputs, ...spatial];
      const weight = [...output, outputs, inputs, ...kernel];
      return {
        description: JSON.stringify({ x, weight, stride, padding, dilation, bias }),
        inputs: [numbers(x), numbers(weight), ...(bias ? [numbers([outputs, ...output])] : [])],
        f: (input, weights, shift) => f(input, weights, shift, { stride, padding, dilation }),
      };
    },
  };
}

export const locallyConnectedGenerators: Generators = {
  locallyConnected1d: generator(locallyConnected1d, 1, 4),
  locallyConnected2d: generator(locallyConnected2d, 2, 2),
};
