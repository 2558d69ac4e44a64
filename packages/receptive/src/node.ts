export * from '@receptive/data/node';
export * from '@receptive/train/node';
export { digits } from './node/digits.ts';
