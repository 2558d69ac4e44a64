import type { Backend } from './backend.ts';
import type { DType } from './dtype.ts';
import type { Kernels } from './kernels.ts';

const nothing = (): void => {};

const kernels: Required<Kernels> = {
  fill: nothing,
  cast: nothing,
  unary: nothing,
  binary: nothing,
  compare: nothing,
  where: nothing,
  copyView: nothing,
  concat: nothing,
  pad: nothing,
  reduce: nothing,
  argReduce: nothing,
  matmul: nothing,
  gather: nothing,
  scatterAdd: nothing,
  im2col: nothing,
  col2im: nothing,
  conv: nothing,
  convActivation: nothing,
  convInputGradient: nothing,
  convWeightGradient: nothing,
  maxPool: nothing,
  maxPoolGradient: nothing,
  avgPool: nothing,
  avgPoolGradient: nothing,
  sumPool: nothing,
  sumPoolGradient: nothing,
  activationGradient: nothing,
  blend: nothing,
  curve: nothing,
  curveGradient: nothing,
  sample: nothing,
  sampleInputGradient: nothing,
  samplePointsGradient: nothing,
  deformConv: nothing,
  deformColumns: nothing,
  deformColumnsInputGradient: nothing,
  deformColumnsOffsetGradient: nothing,
  deformColumnsMaskGradient: nothing,
  softmax: nothing,
  logSoftmax: nothing,
  softmaxGradient: nothing,
  logSoftmaxGradient: nothing,
  softmaxCrossEntropy: nothing,
  softmaxCrossEntropyGradient: nothing,
  batchNorm: nothing,
  standardize: nothing,
  standardizeGradient: nothing,
  localResponseNorm: nothing,
  localResponseNormGradient: nothing,
  uniform: nothing,
  sgdStep: nothing,
  adamStep: nothing,
};

function noNumbers(): never {
  throw new Error(
    'The shape backend knows shapes only and holds no numbers to read. Use a backend that computes, such as cpu.',
  );
}

/**
 * A backend that allocates nothing and computes nothing, in every dtype: what runs on it goes through all checks of shapes and dtypes, so that a model
 * of any size can be summed up without its weights. Reading throws.
 */
export function shapes(): Backend {
  return {
    name: 'shape',
    dtypes: new Set<DType>(['float32', 'float64', 'int32', 'uint8']),
    kernels,
    describe: () => 'shape: no memory, no arithmetic',
    allocate: () => ({}),
    free: nothing,
    write: nothing,
    read: async () => noNumbers(),
    readSync: noNumbers,
    flush: async () => {},
    memory: () => ({ bytes: 0, storages: 0 }),
    dispose: nothing,
  };
}
