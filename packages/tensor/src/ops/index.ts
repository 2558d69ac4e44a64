import type { Op } from '../op.ts';
import { fill } from '../create.ts';
import { activationOps } from './activations.ts';
import { blendOps } from './blend.ts';
import { controlOps } from './control.ts';
import { convOps } from './conv.ts';
import { crossEntropyOps } from './cross-entropy.ts';
import { curveOps } from './curves.ts';
import { deformableOps } from './deformable.ts';
import { elementwiseOps } from './elementwise.ts';
import { indexingOps } from './indexing.ts';
import { interpolateOps } from './interpolate.ts';
import { locallyConnectedOps } from './locally-connected.ts';
import { matmulOps } from './matmul.ts';
import { normalizationOps } from './normalization.ts';
import { optimizerOps } from './optimizer.ts';
import { paddingOps } from './padding.ts';
import { pixelShuffleOps } from './pixel-shuffle.ts';
import { poolOps } from './pool.ts';
import { variancePoolOps } from './pool-statistics.ts';
import { sumPoolOps } from './pool-variants.ts';
import { randomOps } from './random.ts';
import { reduceOps } from './reduce.ts';
import { sampleOps } from './sample.ts';
import { responseNormOps } from './response-norm.ts';
import { softmaxOps } from './softmax.ts';
import { stochasticPoolOps } from './stochastic-pool.ts';
import { viewOps } from './views.ts';

/** Every op there is, by name. Derivative rules and conformance cases are typed over these names, so that a gap does not compile. */
export const ops = {
  fill,
  ...randomOps,
  ...elementwiseOps,
  ...activationOps,
  ...curveOps,
  ...viewOps,
  ...paddingOps,
  ...reduceOps,
  ...matmulOps,
  ...indexingOps,
  ...softmaxOps,
  ...crossEntropyOps,
  ...convOps,
  ...locallyConnectedOps,
  ...poolOps,
  ...sampleOps,
  ...deformableOps,
  ...sumPoolOps,
  ...variancePoolOps,
  ...stochasticPoolOps,
  ...blendOps,
  ...interpolateOps,
  ...pixelShuffleOps,
  ...normalizationOps,
  ...responseNormOps,
  ...optimizerOps,
  ...controlOps,
};

/** The table of ops. */
export type Ops = typeof ops;

/** Name of an op. */
export type OpName = keyof Ops;

/** Type of the attributes of the op called `N`. */
export type AttributesOf<N extends OpName> = Ops[N] extends Op<infer A, infer _I, infer _O> ? A : never;

/** List of the inputs of the op called `N`. */
export type InputsOf<N extends OpName> = Ops[N] extends Op<infer _A, infer I, infer _O> ? I : never;

/** List of the outputs of the op called `N`. */
export type OutputsOf<N extends OpName> = Ops[N] extends Op<infer _A, infer _I, infer O> ? O : never;
