import { Flatten, LocalResponseNorm, MaxPool2d, Sequential } from '@receptive/layers';
import { classifier, features } from './stack.ts';
import type { Row } from './stack.ts';

/** Options of {@link alexnet}. */
export interface AlexNetOptions {
  /** Classes to tell apart; 1000 unless told. */
  readonly classes?: number;
  /** Channels of the images; 3 unless told. */
  readonly inChannels?: number;
  /**
   * 2 for the paper's two halves, which do not see each other in the second, fourth and fifth convolution; 1, all in one, unless told.
   */
  readonly towers?: 1 | 2;
  /** Seed of the weights; see Module.initialize. Without one, each model of a program gets weights of its own. */
  readonly seed?: number;
}

/** What comes before the dense layers, in `towers` that see each other in the third convolution alone. */
export function alexnetFeatures(towers: 1 | 2): readonly Row[] {
  const normalised: readonly Row[] = [() => new LocalResponseNorm(), () => new MaxPool2d(3, { stride: 2 })];
  return [
    { filters: 96, kernel: 11, stride: 4 }, // 96@55x55
    ...normalised, // 96@27x27
    { filters: 256, kernel: 5, padding: 2, groups: towers },
    ...normalised, // 256@13x13
    { filters: 384, kernel: 3, padding: 1 },
    { filters: 384, kernel: 3, padding: 1, groups: towers },
    { filters: 256, kernel: 3, padding: 1, groups: towers },
    () => new MaxPool2d(3, { stride: 2 }), // 256@6x6
  ];
}

/**
 * AlexNet: five convolutions, the first two with local response normalisation and overlapping pooling after them, and three dense layers. It takes images
 * `[N, inChannels, 227, 227]` and gives logits `[N, classes]`.
 *
 * Source: Krizhevsky et al., ImageNet classification with deep convolutional neural networks, NIPS 2012, section 3.5; 227 is what its sizes need, in place of
 * the 224 that it says.
 * @throws ShapeError if classes or inChannels is not a whole number of at least 1. RangeError for another number of towers.
 */
export function alexnet({ classes = 1000, inChannels = 3, towers = 1, seed }: AlexNetOptions = {}): Sequential {
  if (towers !== 1 && towers !== 2) throw new RangeError(`alexnet: towers must be 1 or 2, but is ${String(towers)}.`);
  const model = new Sequential({
    features: new Sequential(features(inChannels, alexnetFeatures(towers))),
    flatten: new Flatten(),
    classifier: new Sequential(classifier(256 * 6 * 6, classes)),
  });
  return seed === undefined ? model : model.initialize(seed);
}
