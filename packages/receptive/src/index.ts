export { digits } from '#digits';
export type { Digits } from './digits.ts';
export { backends, init } from './init.ts';
export type { BackendName, BackendOptions } from './init.ts';

export type { Backend, DType, Shape, TypedArray } from '@receptive/backend';
export * from '@receptive/autograd';
export * from '@receptive/data';
export * from '@receptive/formats';
export * from '@receptive/graph';
export * from '@receptive/layers';
export * from '@receptive/tensor';
export * from '@receptive/train';
export * from '@receptive/visual';
export * from '@receptive/zoo';

// Three names mean one thing for tensors and another for images: the short ones are the tensors'.
export { pad, split, stack } from '@receptive/tensor';
export { pad as padImages, split as splitDataset, stack as stackImages } from '@receptive/data';
