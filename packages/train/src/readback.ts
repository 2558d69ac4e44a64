import { concat, scope } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';

/** Steps that may run before their numbers are read. */
const MOST = 10;
/** Milliseconds after which they are read, however few. */
const LONGEST = 250;

/**
 * Numbers that steps leave on the backend, read together every few steps: a device that computes asynchronously is not made to wait for each of them. Every
 * step's numbers come back by themselves, so that what is made of them does not depend on when they were read.
 */
export class Readback {
  #pending: Tensor[] = [];
  #last = performance.now();

  /** Takes over the numbers of a step: vectors of one length and dtype. */
  add(numbers: Tensor): void {
    this.#pending.push(numbers);
  }

  /** Whether it is time to read. */
  get due(): boolean {
    return this.#pending.length >= MOST || performance.now() - this.#last >= LONGEST;
  }

  /** The numbers of the steps since the last reading, in their order. */
  async read(): Promise<number[][]> {
    const pending = this.#pending;
    this.#pending = [];
    this.#last = performance.now();
    if (pending.length === 0) return [];
    const all = scope(() => concat(pending));
    const data = all.data();
    for (const numbers of [...pending, all]) numbers.dispose();
    const values = await data;
    const length = values.length / pending.length;
    return pending.map((_, i) => [...values.subarray(i * length, (i + 1) * length)]);
  }

  /** Forgets what has not been read. */
  dispose(): void {
    for (const numbers of this.#pending) numbers.dispose();
    this.#pending = [];
  }
}
