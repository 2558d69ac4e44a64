import { addCoordinates } from '@receptive/tensor';
import { numbers } from '../case.ts';
import { exact } from '../tolerance.ts';
import type { Generators } from './generator.ts';

export const coordinateGenerators: Generators = {
  addCoordinates: {
    tolerance: exact,
    // ONNX has no such operator.
    draw(draw) {
      const shape = [...draw.wholes(2, 1, 2), ...draw.wholes(draw.whole(1, 3), 1, 3)];
      const withR = draw.chance();
      return {
        description: JSON.stringify({ shape, withR }),
        inputs: [numbers(shape)],
        f: (x) => addCoordinates(x, { withR }),
      };
    },
  },
};
