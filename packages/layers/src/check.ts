import type { Shape } from '@receptive/backend';
import { shapes } from '@receptive/backend/shape';
import type { Rng, Tensor } from '@receptive/tensor';
import { ShapeError, formatShape, scope, unobserved, withBackend, zeros } from '@receptive/tensor';
import type { Module } from './module.ts';

/** Refuses anything but whole numbers of at least 1, alone or in lists, naming the first that is none. */
export function whole(door: string, numbers: Readonly<Record<string, number | readonly number[]>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (![value].flat().every((n) => Number.isSafeInteger(n) && n >= 1)) {
      throw new ShapeError(
        `${door}: ${name} must be made of whole numbers of at least 1, but is ${JSON.stringify(value)}.`,
      );
    }
  }
}

/** Runs a layer without state on zeros of a shape, of which nothing is computed: options that make no sense are refused where the model is built. */
export function tried(layer: Pick<Module, 'forward'>, shape: Shape): void {
  unobserved(() => scope(() => withBackend(shapes(), () => layer.forward(zeros(shape)))));
}

/** Refuses an input whose axes are not as many as those of one of `layouts`, such as `[N, C, H, W]`. */
export function laidOut(door: string, x: Tensor, ...layouts: readonly string[]): void {
  if (!layouts.some((layout) => layout.split(',').length === x.rank)) {
    throw new ShapeError(`${door}: needs an input ${layouts.join(' or ')}, but was given ${formatShape(x.shape)}.`);
  }
}

/** The generator that a layer was given; in training there must be one. */
export function requireRng(door: string, rng: Rng | undefined): Rng {
  if (rng) return rng;
  throw new TypeError(
    `${door}: in training it needs random numbers. Pass a generator: model.forward(x, { training: true, rng: new Rng(seed) }).`,
  );
}
