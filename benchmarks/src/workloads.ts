/** What is timed. Shapes are fixed here, once, for all engines. */
export interface Workload {
  readonly name: string;
  readonly what: string;
  /** Floating-point operations a run, a multiply-add counting two; undefined where the work is not arithmetic. */
  readonly flops?: number;
  /** The peers' workload to compare with, where no peer runs this one. */
  readonly against?: string;
  /** Where alone it makes sense. */
  readonly on?: 'node';
}

/** Multiply-adds of LeNet-5 on one 32x32 image: its two convolutions and three dense layers. */
const lenet5 = 28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10;
const conv56 = 56 * 56 * 64 * 64 * 9;

/** Images in a LeNet-5 batch. */
export const batch = 64;

/** Rounds of the peak loop in a run; each is twelve multiply-adds of four numbers. */
export const peakRounds = 100_000;

export const workloads: readonly Workload[] = [
  {
    name: 'peak',
    what: 'multiply-adds in registers alone: the limit of one thread',
    flops: 2 * 12 * 4 * peakRounds,
    on: 'node',
  },
  { name: 'add_tiny', what: 'adding two vectors of four: the overhead of an op' },
  { name: 'matmul_512', what: 'matrix product, 512 x 512 x 512', flops: 2 * 512 ** 3 },
  { name: 'matmul_1024', what: 'matrix product, 1024 x 1024 x 1024', flops: 2 * 1024 ** 3 },
  { name: 'conv3x3_64_56', what: 'convolution 3x3, 64 to 64 channels at 56x56', flops: 2 * conv56 },
  { name: 'conv3x3_64_56_input_gradient', what: 'its gradient for the input', flops: 2 * conv56 },
  { name: 'conv3x3_64_56_weight_gradient', what: 'its gradient for the weights', flops: 2 * conv56 },
  { name: 'lenet5_b1', what: 'LeNet-5, inference of one image', flops: 2 * lenet5 },
  { name: 'lenet5_b64', what: `LeNet-5, inference of ${batch} images`, flops: 2 * batch * lenet5 },
  {
    name: 'lenet5_b64_train',
    what: `LeNet-5, a training step of ${batch} images: forward, backward, SGD with momentum`,
    flops: 6 * batch * lenet5,
    against: 'lenet5_b64',
  },
];
