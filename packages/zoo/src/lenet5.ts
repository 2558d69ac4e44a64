import { AvgPool2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, Tanh } from '@receptive/layers';

const activations = { tanh: Tanh, relu: ReLU };
const poolings = { max: MaxPool2d, average: AvgPool2d };

/** Options of {@link lenet5}. */
export interface LeNet5Options {
  /** Classes to tell apart; 10 unless told. */
  readonly classes?: number;
  /** Channels of the images; 1 (grey) unless told. */
  readonly inChannels?: number;
  /** What follows each layer but the last; tanh, as in the original, unless told. */
  readonly activation?: keyof typeof activations;
  /** How the maps are halved; by their maxima unless told. */
  readonly pooling?: keyof typeof poolings;
  /** Seed of the weights; see Module.initialize. Without one, each model of a program gets weights of its own. */
  readonly seed?: number;
}

/**
 * LeNet-5 as courses teach it: two convolutions, each with pooling, and three dense layers. It takes images `[N, inChannels, 32, 32]` and gives logits
 * `[N, classes]`. What it learns lies in `features.0`, `features.3`, `classifier.0`, `classifier.2` and `classifier.4`.
 *
 * Source: LeCun et al., Gradient-based learning applied to document recognition, Proceedings of the IEEE 86(11), 1998, section II.B. The original joins
 * each filter of the second convolution to some of the six maps only, has weights in its pooling, and ends in distances to prototypes.
 * @throws RangeError for an activation or a pooling that it does not have.
 * @throws ShapeError if classes or inChannels is not a whole number of at least 1.
 */
export function lenet5(options: LeNet5Options = {}): Sequential {
  const { classes = 10, inChannels = 1, activation = 'tanh', pooling = 'max', seed } = options;
  const Activation = choose(activations, 'activation', activation);
  const Pool = choose(poolings, 'pooling', pooling);
  const model = new Sequential({
    features: new Sequential([
      new Conv2d(inChannels, 6, 5), // 6@28x28
      new Activation(),
      new Pool(2), // 6@14x14
      new Conv2d(6, 16, 5), // 16@10x10
      new Activation(),
      new Pool(2), // 16@5x5
    ]),
    flatten: new Flatten(),
    classifier: new Sequential([
      new Linear(16 * 5 * 5, 120),
      new Activation(),
      new Linear(120, 84),
      new Activation(),
      new Linear(84, classes),
    ]),
  });
  return seed === undefined ? model : model.initialize(seed);
}

/** A choice may come from a command line. */
function choose<T>(choices: Readonly<Record<string, T>>, what: string, choice: string): T {
  const chosen = Object.hasOwn(choices, choice) ? choices[choice] : undefined;
  if (!chosen)
    throw new RangeError(`lenet5: ${what} must be one of ${Object.keys(choices).join(', ')}, but is ${choice}.`);
  return chosen;
}
