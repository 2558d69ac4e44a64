import { AdaptiveAvgPool2d, Flatten, MaxPool2d, Sequential } from '@receptive/layers';
import { classifier, features } from './stack.ts';
import type { Row } from './stack.ts';

/** Filters of the 3 x 3 convolutions between the poolings: configurations A, B, D and E of the paper's table 1. */
const configurations = {
  vgg11: [[64], [128], [256, 256], [512, 512], [512, 512]],
  vgg13: [
    [64, 64],
    [128, 128],
    [256, 256],
    [512, 512],
    [512, 512],
  ],
  vgg16: [
    [64, 64],
    [128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [512, 512, 512],
  ],
  vgg19: [
    [64, 64],
    [128, 128],
    [256, 256, 256, 256],
    [512, 512, 512, 512],
    [512, 512, 512, 512],
  ],
} as const;

/** Options of {@link vgg16} and its sisters. */
export interface VggOptions {
  /** Classes to tell apart; 1000 unless told. */
  readonly classes?: number;
  /** Channels of the images; 3 unless told. */
  readonly inChannels?: number;
  /** Seed of the weights; see Module.initialize. Without one, each model of a program gets weights of its own. */
  readonly seed?: number;
}

/** What comes before the dense layers. */
export function vggFeatures(name: keyof typeof configurations): readonly Row[] {
  return configurations[name].flatMap((block): Row[] => [
    ...block.map((filters) => ({ filters, kernel: 3, padding: 1 })),
    () => new MaxPool2d(2),
  ]);
}

function vgg(name: keyof typeof configurations, { classes = 1000, inChannels = 3, seed }: VggOptions): Sequential {
  const model = new Sequential({
    features: new Sequential(features(inChannels, vggFeatures(name))),
    // Images of 224 x 224 come out of it as they went in; others are brought to what the dense layers take.
    avgpool: new AdaptiveAvgPool2d(7),
    flatten: new Flatten(),
    classifier: new Sequential(classifier(512 * 7 * 7, classes)),
  });
  return seed === undefined ? model : model.initialize(seed);
}

/**
 * VGG-16: 13 convolutions of 3 x 3 in five blocks, each halved by pooling, and three dense layers. It takes images `[N, inChannels, H, W]` of at least 32 x 32
 * (224 x 224 in the paper) and gives logits `[N, classes]`. State dictionaries have torchvision's keys.
 *
 * Source: Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, arXiv:1409.1556, table 1, configuration D.
 * @throws ShapeError if classes or inChannels is not a whole number of at least 1.
 */
export function vgg16(options: VggOptions = {}): Sequential {
  return vgg('vgg16', options);
}

/** {@link vgg16} with 8 convolutions: configuration A. */
export function vgg11(options: VggOptions = {}): Sequential {
  return vgg('vgg11', options);
}

/** {@link vgg16} with 10 convolutions: configuration B. */
export function vgg13(options: VggOptions = {}): Sequential {
  return vgg('vgg13', options);
}

/** {@link vgg16} with 16 convolutions: configuration E. */
export function vgg19(options: VggOptions = {}): Sequential {
  return vgg('vgg19', options);
}
