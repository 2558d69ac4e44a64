import type { Tensor } from '@receptive/tensor';
import { Rng, alphaDropout, dropout, spatialDropout, stochasticDepth } from '@receptive/tensor';
import { numbers } from '../case.ts';
import { formula } from '../tolerance.ts';
import type { Draw } from './draw.ts';
import type { Generator, Generators } from './generator.ts';

/** A function that drops at random: always at the same places, by a generator made anew for each call. */
function dropping(
  leastRank: number,
  drawn: (draw: Draw) => {
    readonly options?: string;
    readonly f: (x: Tensor, probability: number, rng: Rng) => Tensor;
  },
): Generator {
  return {
    tolerance: formula,
    draw(draw) {
      const shape = draw.wholes(draw.whole(leastRank, 5), 1, 3);
      const probability = draw.chance(0.2) ? 0 : draw.real(0.1, 0.9);
      const seed = draw.whole(0, 1000);
      const { options, f } = drawn(draw);
      return {
        description: JSON.stringify({ shape, probability, seed, options }),
        inputs: [numbers(shape)],
        f: (x) => f(x, probability, new Rng(seed)),
      };
    },
  };
}

export const dropoutGenerators: Generators = {
  dropout: dropping(1, () => ({ f: dropout })),
  spatialDropout: dropping(3, () => ({ f: spatialDropout })),
  alphaDropout: dropping(1, () => ({ f: alphaDropout })),
  stochasticDepth: dropping(1, (draw) => {
    const mode = draw.pick(['batch', 'row'] as const);
    return { options: mode, f: (x, probability, rng) => stochasticDepth(x, probability, mode, rng) };
  }),
};
