import type { Shape } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { Rng } from '@receptive/tensor';
import type { Input } from '../case.ts';

/** Draws what a random case is made of. */
export class Draw {
  readonly #rng: Rng;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.#rng.bits(1)[0]! / 2 ** 32;
  }

  /** A number in [low, high). */
  real(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor((high - low + 1) * this.unit());
  }

  /** `count` whole numbers from `low` to `high`, both included. */
  wholes(count: number, low: number, high: number): number[] {
    return Array.from({ length: count }, () => this.whole(low, high));
  }

  /** True in one case of two, or with another probability. */
  chance(probability = 0.5): boolean {
    return this.unit() < probability;
  }

  /** One of `choices`. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.whole(0, choices.length - 1)]!;
  }

  /** Numbers of either sign of which no two are nearer than `gap`, nor any nearer to 0: where they are compared, no kink is near. */
  distinct(shape: Shape, gap = 0.1): Input {
    const size = sizeOf(shape);
    const order = this.#rng.permutation(size);
    return { shape, dtype: 'any', element: (_, i) => gap * (order[i]! - Math.floor(size / 2) + 0.5) };
  }
}

/** Numbers in [low, high), none nearer than `gap` to one of `kinks`. */
export function away(shape: Shape, low: number, high: number, kinks: readonly number[], gap = 0.01): Input {
  // What is left of the interval between the kinks, piece by piece.
  const edges = [
    low - gap,
    ...kinks.filter((kink) => kink > low - gap && kink < high + gap).sort((a, b) => a - b),
    high + gap,
  ];
  const pieces = edges
    .slice(1)
    .map((edge, i) => [edges[i]! + gap, edge - gap] as const)
    .filter(([from, to]) => to > from);
  const total = pieces.reduce((sum, [from, to]) => sum + to - from, 0);
  return {
    shape,
    dtype: 'any',
    element(unit) {
      let place = unit * total;
      for (const [from, to] of pieces) {
        if (place < to - from) return from + place;
        place -= to - from;
      }
      return pieces.at(-1)![1];
    },
  };
}
