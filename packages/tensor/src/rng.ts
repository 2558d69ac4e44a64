import type { Shape } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { tensor } from './create.ts';
import { philox } from './philox.ts';
import type { Tensor } from './tensor.ts';

/** What a checkpoint keeps of a generator. */
export interface RngState {
  readonly key: readonly [number, number];
  /** Blocks of four 32-bit words drawn so far. */
  readonly counter: number;
}

/**
 * A counter-based random generator, Philox4x32-10. The bits of a draw depend on the key, the counter and the place of the element alone: never on the
 * backend, on chunks or on threads. Each draw moves the counter on; {@link fork} gives an independent generator without doing so.
 *
 * Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011.
 */
export class Rng {
  readonly #key: readonly [number, number];
  #counter: number;

  /**
   * @param seed A whole number from 0 to 2^53 - 1, or the {@link state} of a generator to go on from.
   * @throws RangeError for anything else.
   */
  constructor(seed: number | RngState) {
    const state =
      typeof seed === 'number' ? { key: [seed >>> 0, Math.floor(seed / 2 ** 32)] as const, counter: 0 } : seed;
    const words =
      Array.isArray(state.key) &&
      state.key.length === 2 &&
      state.key.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32);
    if (!words || !Number.isSafeInteger(state.counter) || state.counter < 0) {
      throw new RangeError(
        `Rng: the seed must be a whole number from 0 to 2^53 - 1, or a state {key, counter}, but is ${JSON.stringify(seed)}.`,
      );
    }
    this.#key = [state.key[0], state.key[1]];
    this.#counter = state.counter;
  }

  /** Key and counter: `new Rng(rng.state)` goes on where this generator stands. */
  get state(): RngState {
    return { key: this.#key, counter: this.#counter };
  }

  /** A generator of the same key at the same place. */
  clone(): Rng {
    return new Rng(this.state);
  }

  /** An independent generator that depends on this one's key and the name alone, not on how much has been drawn. */
  fork(name: string): Rng {
    const [a, b] = hash(name);
    // The highest counter word, which drawing never reaches, keeps names apart from draws.
    const words = philox(this.#key, [a, b, name.length, 0xffffffff]);
    return new Rng({ key: [words[0]!, words[1]!], counter: 0 });
  }

  /** `n` random 32-bit words. */
  bits(n: number): Uint32Array {
    const blocks = Math.ceil(n / 4);
    const words = new Uint32Array(blocks * 4);
    for (let i = 0; i < blocks; i++) {
      const place = this.#counter + i;
      words.set(philox(this.#key, [place >>> 0, Math.floor(place / 2 ** 32), 0, 0]), 4 * i);
    }
    this.#counter += blocks;
    return words.subarray(0, n);
  }

  /** Uniform numbers in `[low, high)`, float32, made of 24 random bits each. */
  uniform(shape: Shape, low = 0, high = 1): Tensor<'float32'> {
    const span = high - low;
    // Rounding to float32 can reach `high`; the largest value below it keeps the interval half open.
    return this.#draw(shape, (unit) => Math.min(low + span * unit, previousFloat32(high)));
  }

  /** Normal numbers by Box and Muller's transform, float32. */
  normal(shape: Shape, mean = 0, std = 1): Tensor<'float32'> {
    const values = new Float32Array(sizeOf(shape));
    const bits = this.bits(2 * Math.ceil(values.length / 2));
    for (let i = 0; i < values.length; i += 2) {
      // 1 - u lies in (0, 1], so that the logarithm is finite.
      const radius = std * Math.sqrt(-2 * Math.log(1 - unit(bits[i]!)));
      const angle = 2 * Math.PI * unit(bits[i + 1]!);
      values[i] = mean + radius * Math.cos(angle);
      if (i + 1 < values.length) values[i + 1] = mean + radius * Math.sin(angle);
    }
    return tensor(values, { shape });
  }

  /** Normal numbers of `mean` and `std` before truncation, limited to `[low, high]` by drawing through the inverse of the distribution. */
  truncatedNormal(shape: Shape, mean = 0, std = 1, low = mean - 2 * std, high = mean + 2 * std): Tensor<'float32'> {
    if (!(low < high) || !(std > 0))
      throw new RangeError(
        `truncatedNormal: needs low < high and std > 0, but low is ${low}, high ${high}, std ${std}.`,
      );
    const from = normalCdf((low - mean) / std);
    const to = normalCdf((high - mean) / std);
    return this.#draw(shape, (u) =>
      Math.min(high, Math.max(low, mean + std * normalQuantile(from + (to - from) * (u + 2 ** -25)))),
    );
  }

  /** 1 with the given probability, else 0, as uint8. */
  bernoulli(shape: Shape, probability: number): Tensor<'uint8'> {
    if (!(probability >= 0 && probability <= 1))
      throw new RangeError(`bernoulli: the probability must lie between 0 and 1, but is ${probability}.`);
    const values = Uint8Array.from(this.bits(sizeOf(shape)), (word) => (unit(word) < probability ? 1 : 0));
    return tensor(values, { shape });
  }

  /** The numbers from 0 to `n - 1` in random order (Fisher and Yates), for the host's use: shuffling a dataset. */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    const bits = this.bits(2 * n);
    for (let i = n - 1; i > 0; i--) {
      // 53 random bits make the bias of the multiplication negligible.
      const j = Math.floor((((bits[2 * i]! >>> 5) * 2 ** 26 + (bits[2 * i + 1]! >>> 6)) / 2 ** 53) * (i + 1));
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }

  #draw(shape: Shape, value: (unit: number) => number): Tensor<'float32'> {
    return tensor(
      Float32Array.from(this.bits(sizeOf(shape)), (word) => value(unit(word))),
      { shape },
    );
  }
}

/** The upper 24 bits of a word as a number in [0, 1), exact in float32. */
function unit(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/** Two words from a name: FNV-1a over its UTF-16 units, from two different starts. */
function hash(name: string): [number, number] {
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i < name.length; i++) {
    const unit16 = name.charCodeAt(i);
    a = Math.imul(a ^ unit16, 0x01000193);
    b = Math.imul(b ^ unit16, 0x01000193) ^ (b >>> 15);
  }
  return [a >>> 0, b >>> 0];
}

function previousFloat32(x: number): number {
  const rounded = Math.fround(x);
  if (rounded < x) return rounded;
  const bits = new Int32Array(new Float32Array([rounded === 0 ? -0 : rounded]).buffer);
  bits[0]! += rounded > 0 ? -1 : 1;
  return new Float32Array(bits.buffer)[0]!;
}

/** The standard normal distribution function, from Abramowitz and Stegun 7.1.26; absolute error below 1.5e-7, which float32 draws do not see. */
function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const tail =
    0.5 *
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp(-z * z);
  return x < 0 ? tail : 1 - tail;
}

/** Inverse of the standard normal distribution function by Acklam's rational approximation; relative error below 1.15e-9. */
function normalQuantile(p: number): number {
  const tail = (q: number): number =>
    (((((-7.784894002430293e-3 * q - 3.223964580411365e-1) * q - 2.400758277161838) * q - 2.549732539343734) * q +
      4.374664141464968) *
      q +
      2.938163982698783) /
    ((((7.784695709041462e-3 * q + 3.224671290700398e-1) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1);
  if (p < 0.02425) return tail(Math.sqrt(-2 * Math.log(p)));
  if (p > 1 - 0.02425) return -tail(Math.sqrt(-2 * Math.log(1 - p)));
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-3.969683028665376e1 * r + 2.209460984245205e2) * r - 2.759285104469687e2) * r + 1.38357751867269e2) * r -
      3.066479806614716e1) *
      r +
      2.506628277459239) *
      q) /
    (((((-5.447609879822406e1 * r + 1.615858368580409e2) * r - 1.556989798598866e2) * r + 6.680131188771972e1) * r -
      1.328068155288572e1) *
      r +
      1)
  );
}
