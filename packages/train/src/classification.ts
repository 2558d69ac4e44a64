import type { Backend } from '@receptive/backend';
import type { Module } from '@receptive/layers';
import { ShapeError, argmax, cast, currentBackend, equal, formatShape, scope, sum } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';

/**
 * The loss of a batch, a float scalar that is a mean over the images, from the model's output `[n, classes]` and the numbers of the true classes `[n]`,
 * int32. The `crossEntropy` of @receptive/layers is one.
 */
export type Loss = (output: Tensor, labels: Tensor) => Tensor;

/** Where a model lives; the current backend for one without parameters. */
export function backendOf(model: Module): Backend {
  return model.parameters()[0]?.value.backend ?? currentBackend();
}

/**
 * Refuses an output that does not say something of each class: labels beyond it would turn the loss into NaN.
 * @throws ShapeError
 */
export function checkOutput({ shape }: Tensor, images: number, classes: number): void {
  if (shape.length !== 2 || shape[0] !== images || shape[1]! < classes) {
    throw new ShapeError(
      `The model gives ${formatShape(shape)} for a batch of ${images} images, but a dataset of ${classes} classes needs [${images}, ${classes}]. Build the model for ${classes} classes.`,
    );
  }
}

/** In how many rows of `output` `[n, classes]` the label's number is the largest: a scalar of output's dtype. */
export function countCorrect(output: Tensor, labels: Tensor): Tensor {
  return scope(() => sum(cast(equal(argmax(output, 1), labels), output.dtype)));
}
