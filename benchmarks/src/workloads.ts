/** What is timed. Shapes are fixed here, once, for all engines. */
export interface Workload {
  readonly name: string;
  readonly what: string;
  /** Floating-point operations a run, a multiply-add counting two; undefined where the work is not arithmetic. */
  readonly flops?: number;
  /** Bytes of the inputs and outputs, each counted once, where these and not the arithmetic are the work. */
  readonly bytes?: number;
  /** Of a training step, the inference of the same batch: what the peers are compared by where they do not train, and what backward is set beside. */
  readonly forward?: string;
  /** What shares a process with it, where each engine has processes of its own: workloads of the same large network. */
  readonly apart?: string;
  /** Whether the peers are spared it. */
  readonly alone?: true;
  /** Where alone it makes sense. */
  readonly on?: 'node';
}

/** A convolution of one square image, timed by itself. Stride and groups are 1 unless told. A plain or deformable one keeps the image's size. */
export interface Convolution {
  readonly kind: 'plain' | 'transposed' | 'deformable';
  readonly channels: number;
  readonly filters: number;
  /** Rows and columns of the input. */
  readonly size: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding: number;
  readonly groups?: number;
  /** Whether the GPUs in software of the browser, too, are done with it within seconds. */
  readonly light?: true;
}

/** The convolutions, by the names of their workloads. */
export const convolutions = {
  conv3x3_64_56: { kind: 'plain', channels: 64, filters: 64, size: 56, kernel: 3, padding: 1, light: true },
  conv3x3_64_224: { kind: 'plain', channels: 64, filters: 64, size: 224, kernel: 3, padding: 1 },
  conv3x3_256_56: { kind: 'plain', channels: 256, filters: 256, size: 56, kernel: 3, padding: 1 },
  conv3x3_512_14: { kind: 'plain', channels: 512, filters: 512, size: 14, kernel: 3, padding: 1 },
  conv5x5_96_256_27: { kind: 'plain', channels: 96, filters: 256, size: 27, kernel: 5, padding: 2 },
  depthwise3x3_128_112: { kind: 'plain', channels: 128, filters: 128, size: 112, kernel: 3, padding: 1, groups: 128 },
  transposed4x4_128_64_32: {
    kind: 'transposed',
    channels: 128,
    filters: 64,
    size: 32,
    kernel: 4,
    stride: 2,
    padding: 1,
  },
  deformable3x3_64_56: { kind: 'deformable', channels: 64, filters: 64, size: 56, kernel: 3, padding: 1 },
} as const satisfies Readonly<Record<string, Convolution>>;

/** Each element of the input meets each element of a kernel, once for each of the filters that see it; at the edges too, where padding makes up for it. */
function convolutionFlops({ channels, filters, size, kernel, groups = 1 }: Convolution): number {
  return 2 * size ** 2 * channels * (filters / groups) * kernel ** 2;
}

/** What moves more than it computes: the shape that it takes, and of how many elements it makes one. */
export const movements = {
  batchnorm: { what: 'batch normalisation by given statistics', shape: [1, 64, 112, 112], shrinks: 1 },
  lrn: { what: 'local response normalisation over five channels', shape: [1, 96, 55, 55], shrinks: 1 },
  maxpool: { what: 'max pooling 2x2', shape: [1, 64, 224, 224], shrinks: 4 },
} as const;

/** The networks, the shape of an image that they take, and their multiply-adds for one, with those of the first convolution. */
export const networks = {
  lenet5: { title: 'LeNet-5', image: [1, 32, 32], multiplyAdds: 416_520, first: 117_600 },
  alexnet: { title: 'AlexNet, in one tower', image: [3, 227, 227], multiplyAdds: 1_135_256_096, first: 105_415_200 },
  zfnet: { title: 'ZFNet, wide', image: [3, 224, 224], multiplyAdds: 2_476_704_896, first: 170_755_200 },
  vgg16: { title: 'VGG-16', image: [3, 224, 224], multiplyAdds: 15_470_264_320, first: 86_704_128 },
} as const;

/** Images in a LeNet-5 batch. */
export const batch = 64;

/** Which networks are timed at inference, and on how many images at once; some of them for comparison with our training alone. */
export const inferences = {
  lenet5_b1: { network: 'lenet5', images: 1 },
  lenet5_b64: { network: 'lenet5', images: batch },
  alexnet_b1: { network: 'alexnet', images: 1 },
  alexnet_b4: { network: 'alexnet', images: 4 },
  alexnet_b8: { network: 'alexnet', images: 8 },
  zfnet_b1: { network: 'zfnet', images: 1 },
  vgg16_b1: { network: 'vgg16', images: 1 },
} as const;

/** Rounds of the peak loop in a run; each is twelve multiply-adds of four numbers. */
export const peakRounds = 100_000;

const matmuls = [512, 1024].map((n) => ({
  name: `matmul_${n}`,
  what: `matrix product, ${n} x ${n} x ${n}`,
  flops: 2 * n ** 3,
}));

const single = Object.entries<Convolution>(convolutions).map(([name, row]): Workload => {
  const { kind, kernel, channels, filters, size, groups = 1 } = row;
  const sort = groups > 1 ? 'depthwise ' : kind === 'plain' ? '' : `${kind} `;
  return {
    name,
    what: `${sort}convolution ${kernel}x${kernel}, ${channels} to ${filters} channels at ${size}x${size}`,
    flops: convolutionFlops(row),
    ...(!row.light && { on: 'node' }),
  };
});

const moved = Object.entries(movements).map(([name, { what, shape, shrinks }]): Workload => {
  const elements = shape.reduce<number>((product, length) => product * length, 1);
  return { name, what: `${what}, ${shape.join(' x ')}`, bytes: 4 * (elements + elements / shrinks), on: 'node' };
});

const inference = Object.entries(inferences).map(([name, { network, images }]): Workload => {
  const { title, multiplyAdds } = networks[network];
  return {
    name,
    what: `${title}, inference of ${images === 1 ? 'one image' : `${images} images`}`,
    flops: 2 * images * multiplyAdds,
    ...(network !== 'lenet5' && { on: 'node', apart: network }),
    ...(name === 'alexnet_b4' && { alone: true }),
  };
});

/** The inferences that are timed with training, too. A gradient takes twice what the forward pass takes, but that for the images is not needed. */
const trainings = (['lenet5_b64', 'alexnet_b4'] as const).map((forward): Workload => {
  const { network, images } = inferences[forward];
  const { title, multiplyAdds, first } = networks[network];
  return {
    name: `${forward}_train`,
    what: `${title}, a training step of ${images} images: forward, backward, SGD with momentum`,
    flops: 2 * images * (3 * multiplyAdds - first),
    forward,
    ...(network !== 'lenet5' && { on: 'node', apart: network, alone: true }),
  };
});

export const workloads: readonly Workload[] = [
  {
    name: 'peak',
    what: 'multiply-adds in registers alone: the limit of one thread',
    flops: 2 * 12 * 4 * peakRounds,
    on: 'node',
  },
  { name: 'dispatch', what: 'sharing a phase that has nothing to do: the overhead of a pool of threads', on: 'node' },
  { name: 'add_tiny', what: 'adding two vectors of four: the overhead of an op' },
  ...matmuls,
  ...single,
  ...['input', 'weight'].map((of) => ({
    name: `conv3x3_64_56_${of}_gradient`,
    what: `gradient of a convolution for the ${of}, as of conv3x3_64_56`,
    flops: convolutionFlops(convolutions.conv3x3_64_56),
  })),
  ...moved,
  ...inference,
  ...trainings,
];
