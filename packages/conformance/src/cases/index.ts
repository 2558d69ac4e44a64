import type { OpName } from '@receptive/tensor';
import type { OpCases } from '../case.ts';
import { activationCases } from './activations.ts';
import { deformableCases } from './deformable.ts';
import { elementwiseCases } from './elementwise.ts';
import { locallyConnectedCases } from './locally-connected.ts';
import { normalizationCases } from './normalization.ts';
import { optimiserCases } from './optimisers.ts';
import { paddingCases } from './padding.ts';
import { poolingCases } from './pooling.ts';
import { randomCases } from './random.ts';
import { reductionCases } from './reductions.ts';
import { resamplingCases } from './resampling.ts';
import { samplingCases } from './sampling.ts';
import { viewCases } from './views.ts';
import { windowCases } from './windows.ts';

/** The cases of every op. An op that has none does not compile. */
export const cases: { readonly [N in OpName]: OpCases<N> } = {
  ...elementwiseCases,
  ...activationCases,
  ...viewCases,
  ...paddingCases,
  ...reductionCases,
  ...windowCases,
  ...locallyConnectedCases,
  ...deformableCases,
  ...poolingCases,
  ...resamplingCases,
  ...samplingCases,
  ...normalizationCases,
  ...optimiserCases,
  ...randomCases,
};
