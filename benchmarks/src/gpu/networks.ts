// The networks that a real GPU is measured on, as data: Receptive and PyTorch build them from the same.

/** A layer. Sizes, strides and paddings are the same in both directions. */
export type Layer =
  | readonly ['conv', inChannels: number, outChannels: number, kernel: number, stride: number, padding: number]
  | readonly ['pool', kernel: number, stride: number]
  | readonly ['linear', inFeatures: number, outFeatures: number]
  | readonly ['dropout', probability: number]
  | readonly ['relu']
  | readonly ['flatten'];

/** A network on colour images of `size` by `size`. */
export interface Network {
  readonly size: number;
  readonly classes: number;
  readonly layers: readonly Layer[];
  /** For one image. */
  readonly multiplyAdds: number;
}

/** What is scaled: the images, and the number of channels and features in each hidden layer. */
export interface Scale {
  readonly size: number;
  readonly width: number;
  /** Probability of dropping, before each of the hidden dense layers. */
  readonly dropout: number;
}

type Convolution = readonly [outChannels: number, kernel: number, stride: number, padding: number];
type Stage = Convolution | 'pool';

const CLASSES = 1000;
const three = (channels: number): Convolution => [channels, 3, 1, 1];

/** Stacks convolutions with ReLU, poolings, and three dense layers, the last of which gives the classes. */
function network(stages: readonly Stage[], pool: Layer & readonly ['pool', ...unknown[]], scale: Scale): Network {
  const scaled = (features: number): number => Math.max(1, Math.round(features * scale.width));
  const layers: Layer[] = [];
  let [channels, size, multiplyAdds] = [3, scale.size, 0];
  for (const stage of stages) {
    if (stage === 'pool') {
      layers.push(pool);
      size = Math.floor((size - pool[1]) / pool[2]) + 1;
    } else {
      const [out, kernel, stride, padding] = stage;
      layers.push(['conv', channels, scaled(out), kernel, stride, padding], ['relu']);
      size = Math.floor((size + 2 * padding - kernel) / stride) + 1;
      multiplyAdds += size * size * scaled(out) * channels * kernel * kernel;
      channels = scaled(out);
    }
  }
  layers.push(['flatten']);
  const features = [channels * size * size, scaled(4096), scaled(4096), CLASSES] as const;
  for (const i of [0, 1, 2] as const) {
    if (i < 2 && scale.dropout > 0) layers.push(['dropout', scale.dropout]);
    layers.push(['linear', features[i], features[i + 1]!]);
    if (i < 2) layers.push(['relu']);
    multiplyAdds += features[i] * features[i + 1]!;
  }
  return { size: scale.size, classes: CLASSES, layers, multiplyAdds };
}

/** Source: Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, ICLR 2015, table 1, column D. */
export function vgg16(scale: Scale): Network {
  const stages = [
    [64, 2],
    [128, 2],
    [256, 3],
    [512, 3],
    [512, 3],
  ] as const;
  return network(
    stages.flatMap(([channels, count]): Stage[] => [...Array.from({ length: count }, () => three(channels)), 'pool']),
    ['pool', 2, 2],
    scale,
  );
}

/** Source: Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014, which is also torchvision's. */
export function alexnet(scale: Scale): Network {
  const stages: Stage[] = [[64, 11, 4, 2], 'pool', [192, 5, 1, 2], 'pool', three(384), three(256), three(256), 'pool'];
  return network(stages, ['pool', 3, 2], scale);
}
