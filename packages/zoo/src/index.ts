export { lenet5 } from './lenet5.ts';
export type { LeNet5Options } from './lenet5.ts';
