import { Rng } from '@receptive/tensor';
import { activationGenerators } from './activations.ts';
import { convolutionGenerators } from './convolution.ts';
import { coordinateGenerators } from './coordinates.ts';
import { deformableGenerators } from './deformable.ts';
import { Draw } from './draw.ts';
import { dropoutGenerators } from './dropout.ts';
import { elementwiseGenerators } from './elementwise.ts';
import type { Generators, RandomCase } from './generator.ts';
import { lossGenerators } from './losses.ts';
import { paddingGenerators } from './padding.ts';
import { normalizationGenerators } from './normalization.ts';
import { locallyConnectedGenerators } from './locally-connected.ts';
import { poolingGenerators } from './pooling.ts';
import { reductionGenerators } from './reductions.ts';
import { resamplingGenerators } from './resampling.ts';
import { samplingGenerators } from './sampling.ts';
import { viewGenerators } from './views.ts';

/** Every function of the catalogue, by its name. */
export const generators: Generators = {
  ...elementwiseGenerators,
  ...viewGenerators,
  ...reductionGenerators,
  ...activationGenerators,
  ...lossGenerators,
  ...convolutionGenerators,
  ...paddingGenerators,
  ...coordinateGenerators,
  ...locallyConnectedGenerators,
  ...deformableGenerators,
  ...normalizationGenerators,
  ...dropoutGenerators,
  ...poolingGenerators,
  ...resamplingGenerators,
  ...samplingGenerators,
};

/** Case number `number` of the function `name`, which depends on these and the seed alone. */
export function randomCase(
  name: string,
  seed: number,
  number: number,
): Required<Pick<RandomCase, 'tolerance'>> & RandomCase {
  const generator = generators[name]!;
  return { tolerance: generator.tolerance, ...generator.draw(new Draw(new Rng(seed).fork(`${name}/${number}`))) };
}
