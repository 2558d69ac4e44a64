import type { RandomPlace, Shape } from '@receptive/backend';
import { philox, sizeOf, unit } from '@receptive/backend';
import { tensor } from './create.ts';
import { float32AtLeast, float32AtMost, float32Below } from './float32.ts';
import { normalCdf, normalQuantile } from './gaussian.ts';
import { uniform } from './ops/random.ts';
import type { Tensor } from './tensor.ts';

/** What a checkpoint keeps of a generator. */
export type RngState = RandomPlace;

/**
 * A counter-based random generator, Philox4x32-10. The bits of a draw depend on the key, the counter and the place of the element alone: never on the
 * backend, on chunks or on threads. Each draw moves the counter on by whole blocks of four words, so two draws of 6 are not one draw of 12;
 * {@link fork} gives an independent generator and leaves the counter alone.
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
      typeof seed === 'number' ? { key: [seed % 2 ** 32, Math.floor(seed / 2 ** 32)] as const, counter: 0 } : seed;
    if (!isState(state) || (typeof seed === 'number' && !Number.isSafeInteger(seed))) {
      throw new RangeError(
        `Rng: the seed must be a whole number from 0 to 2^53 - 1, or a state {key, counter}, but is ${JSON.stringify(seed)}.`,
      );
    }
    this.#key = [state.key[0], state.key[1]];
    this.#counter = state.counter;
  }

  /** Key and counter: `new Rng(rng.state)` goes on where this generator stands. */
  get state(): RngState {
    return { key: [...this.#key], counter: this.#counter };
  }

  /** A generator of the same key at the same place. */
  clone(): Rng {
    return new Rng(this.state);
  }

  /**
   * An independent generator that depends on this one's key and the name alone, not on how much has been drawn: the same name gives the same one again.
   */
  fork(name: string): Rng {
    const [a, b] = hash(name);
    // The highest counter word, which drawing never reaches, keeps names apart from draws.
    const words = philox(this.#key, [a, b, name.length, 0xffffffff], new Uint32Array(4));
    return new Rng({ key: [words[0]!, words[1]!], counter: 0 });
  }

  /**
   * `n` random 32-bit words.
   * @throws RangeError unless n is a whole number of at least 0.
   */
  bits(n: number): Uint32Array {
    if (!Number.isSafeInteger(n) || n < 0)
      throw new RangeError(`bits: needs a whole number of at least 0, but is ${n}.`);
    const blocks = Math.ceil(n / 4);
    const counter = [this.#counter >>> 0, Math.floor(this.#counter / 2 ** 32), 0, 0] as const;
    this.#counter += blocks;
    return philox(this.#key, counter, new Uint32Array(blocks * 4)).subarray(0, n);
  }

  /**
   * Uniform numbers in `[low, high)`, float32, made of 24 random bits each.
   * @throws RangeError unless the limits are finite and there is a float32 number between them.
   */
  uniform(shape: Shape, low = 0, high = 1): Tensor<'float32'> {
    const span = high - low;
    const [least, greatest] = [float32AtLeast(low), float32Below(high)];
    if (!(least <= greatest) || !Number.isFinite(span)) {
      throw new RangeError(`uniform: needs finite limits low < high, but they are ${low} and ${high}.`);
    }
    const y = uniform(shape, this.state, { low, span, least, greatest });
    this.#counter += Math.ceil(y.size / 4);
    return y;
  }

  /**
   * Normal numbers by Box and Muller's transform, float32.
   * @throws RangeError unless mean and std are finite and std is at least 0.
   */
  normal(shape: Shape, mean = 0, std = 1): Tensor<'float32'> {
    if (!Number.isFinite(mean) || !Number.isFinite(std) || std < 0) {
      throw new RangeError(`normal: needs a finite mean and a std of at least 0, but they are ${mean} and ${std}.`);
    }
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

  /**
   * Normal numbers of `mean` and `std` before truncation, limited to `[low, high]` by drawing through the inverse of the distribution; float32.
   * @throws RangeError unless low < high, std > 0, and the interval holds some of the distribution.
   */
  truncatedNormal(shape: Shape, mean = 0, std = 1, low = mean - 2 * std, high = mean + 2 * std): Tensor<'float32'> {
    // Above the mean the distribution is drawn mirrored: small probabilities keep the digits that those near 1 lose.
    const side = low > mean ? -std : std;
    const [from, to] = [normalCdf((low - mean) / side), normalCdf((high - mean) / side)];
    const [least, greatest] = [float32AtLeast(low), float32AtMost(high)];
    if (!(std > 0) || !(least <= greatest) || !(low < high) || !(Math.abs(to - from) > 0)) {
      throw new RangeError(
        `truncatedNormal: needs std > 0 and low < high with some of the distribution between them, but mean is ${mean}, std ${std}, low ${low}, high ${high}.`,
      );
    }
    return this.#draw(shape, (random) => {
      const probability = from + (to - from) * (random + 2 ** -25);
      return Math.min(greatest, Math.max(least, mean + side * normalQuantile(probability)));
    });
  }

  /**
   * 1 with the given probability, else 0, as uint8.
   * @throws RangeError unless the probability lies between 0 and 1.
   */
  bernoulli(shape: Shape, probability: number): Tensor<'uint8'> {
    if (!(probability >= 0 && probability <= 1)) {
      throw new RangeError(`bernoulli: the probability must lie between 0 and 1, but is ${probability}.`);
    }
    const bits = this.bits(sizeOf(shape));
    const values = new Uint8Array(bits.length);
    for (let i = 0; i < bits.length; i++) values[i] = unit(bits[i]!) < probability ? 1 : 0;
    return tensor(values, { shape });
  }

  /** The numbers from 0 to `n - 1` in random order (Fisher and Yates), for the host's use: shuffling a dataset. */
  permutation(n: number): Int32Array {
    const bits = this.bits(2 * n);
    const order = new Int32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    for (let i = n - 1; i > 0; i--) {
      // 53 random bits make the bias of the multiplication negligible.
      const random = ((bits[2 * i]! >>> 5) * 2 ** 26 + (bits[2 * i + 1]! >>> 6)) / 2 ** 53;
      const j = Math.floor(random * (i + 1));
      const moved = order[i]!;
      order[i] = order[j]!;
      order[j] = moved;
    }
    return order;
  }

  #draw(shape: Shape, value: (random: number) => number): Tensor<'float32'> {
    const bits = this.bits(sizeOf(shape));
    const values = new Float32Array(bits.length);
    for (let i = 0; i < bits.length; i++) values[i] = value(unit(bits[i]!));
    return tensor(values, { shape });
  }
}

function isState(state: RngState | null | undefined): boolean {
  const { key, counter } = state ?? {};
  return Array.isArray(key) && key.length === 2 && key.every(isWord) && Number.isSafeInteger(counter) && counter! >= 0;
}

function isWord(value: unknown): boolean {
  return value === Number(value) >>> 0;
}

/** Two words from a name: FNV-1a over its UTF-16 units, from two different starts. */
function hash(name: string): [number, number] {
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x01000193) ^ (b >>> 15);
  }
  return [a >>> 0, b >>> 0];
}
