export { alexnet } from './alexnet.ts';
export type { AlexNetOptions } from './alexnet.ts';
export { lenet5 } from './lenet5.ts';
export type { LeNet5Options } from './lenet5.ts';
export { vgg11, vgg13, vgg16, vgg19 } from './vgg.ts';
export type { VggOptions } from './vgg.ts';
export { zfnet } from './zfnet.ts';
export type { ZfNetOptions } from './zfnet.ts';
