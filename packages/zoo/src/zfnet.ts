import { Flatten, MaxPool2d, Sequential } from '@receptive/layers';
import { classifier, features } from './stack.ts';
import type { Row } from './stack.ts';

/** Options of {@link zfnet}. */
export interface ZfNetOptions {
  /** Classes to tell apart; 1000 unless told. */
  readonly classes?: number;
  /** Channels of the images; 3 unless told. */
  readonly inChannels?: number;
  /** Filters of the last three convolutions: 512, 1024 and 512 of the wide network of the paper's last rows; 384, 384 and 256 unless told. */
  readonly wide?: boolean;
  /** Seed of the weights; see Module.initialize. Without one, each model of a program gets weights of its own. */
  readonly seed?: number;
}

/** Filters of the last three convolutions. */
const lastFilters = (wide: boolean): readonly [number, number, number] => (wide ? [512, 1024, 512] : [384, 384, 256]);

/** What comes before the dense layers. */
export function zfnetFeatures(wide: boolean): readonly Row[] {
  const halved: Row = () => new MaxPool2d(3, { stride: 2, padding: 1 });
  return [
    { filters: 96, kernel: 7, stride: 2, padding: 1 }, // 96@110x110
    halved, // 96@55x55
    { filters: 256, kernel: 5, stride: 2 }, // 256@26x26
    halved, // 256@13x13
    ...lastFilters(wide).map((filters) => ({ filters, kernel: 3, padding: 1 })),
    () => new MaxPool2d(3, { stride: 2 }), // 6x6
  ];
}

/**
 * ZFNet: AlexNet with smaller windows and steps in its first layers, which its authors' pictures of them asked for. It takes images
 * `[N, inChannels, 224, 224]` and gives logits `[N, classes]`.
 *
 * Source: Zeiler and Fergus, Visualizing and understanding convolutional networks, arXiv:1311.2901, figure 3; `wide` is the last model of table 2.
 * @throws ShapeError if classes or inChannels is not a whole number of at least 1.
 */
export function zfnet({ classes = 1000, inChannels = 3, wide = false, seed }: ZfNetOptions = {}): Sequential {
  const model = new Sequential({
    features: new Sequential(features(inChannels, zfnetFeatures(wide))),
    flatten: new Flatten(),
    classifier: new Sequential(classifier(lastFilters(wide)[2] * 6 * 6, classes)),
  });
  return seed === undefined ? model : model.initialize(seed);
}
