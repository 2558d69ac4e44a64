// How a pool gets on with other programs that want the processors. A thread that loses its processor in the middle of a chunk gets it back a time slice later, and all others wait for that chunk
// meanwhile: on two processors, with one other program, a pool of two is then hardly faster than one thread. But who gives its processor up of its own accord does so between two chunks, where
// nobody waits for it, and is soon given one again. So while there is a crowd, every thread takes a nap after a stint shorter than a time slice. And one more thread helps, which is in reserve
// otherwise: with as many threads as processors and one other program, the kernel would time and again have two of the pool share a processor, and leave the other one to that program.
import { CROWDED, LOSSES, NEVER } from './words.ts';

// Times in milliseconds; `bench --busy 1 --threads 1,2` measures what they come to.

/** For how long a thread computes until it takes a nap: less than a time slice, which is 4 where the clock ticks 250 times a second. */
export const STINT = 3;
/** How long a nap is, unless somebody else uses the processor for longer. */
const NAP = 0.05;
/** Who is away for longer than what it did can have taken, by this much, had lost its processor. */
const LOST = 1.5;
/** How many losses in how long are not chance: who shares a processor with somebody else loses it every other slice. */
const [ENOUGH, WINDOW] = [6, 150];
/** How long there is a crowd until it is looked for again: that a thread in reserve helps looks like one. */
const TRIAL = 500;

/** The time of one thread. */
export class Pace {
  readonly #control: Int32Array;
  readonly #stint: number;
  /** Since when it has had its processor, and when it was last seen to. */
  #since = 0;
  #last = 0;

  constructor(control: Int32Array, stint: number) {
    this.#control = control;
    this.#stint = stint;
  }

  /** It begins with something, whatever there was before. */
  begin(now: number): void {
    this.#last = now;
  }

  /** It has done something that is thought to take `cost` milliseconds. Says what time it is. */
  go(cost: number): number {
    const now = performance.now();
    if (now - this.#last > 2 * cost + LOST) {
      Atomics.add(this.#control, LOSSES, 1);
      this.#since = now;
    }
    this.#last = now;
    return now;
  }

  /** Whether there is a crowd, and it is time for a nap. */
  get isOver(): boolean {
    return Atomics.load(this.#control, CROWDED) === 1 && this.#last - this.#since >= this.#stint;
  }

  /** Leaves the processor to others for a moment. */
  nap(): void {
    Atomics.wait(this.#control, NEVER, 0, NAP);
    this.rested();
  }

  /** It has slept. */
  rested(): void {
    this.#since = this.#last = performance.now();
  }
}

/** Whether there is a crowd, as the caller sees it. */
export class Crowd {
  readonly #control: Int32Array;
  /** How many losses there had been at a time that is not long ago. */
  #losses = 0;
  #then = 0;
  /** Until when there is thought to be a crowd. */
  #until = 0;

  constructor(control: Int32Array) {
    this.#control = control;
  }

  /** Looks for one, at a time when no turn is open. */
  look(now: number): void {
    const control = this.#control;
    const losses = Atomics.load(control, LOSSES);
    if (this.#until > 0) {
      if (now < this.#until) return;
      this.#until = 0;
      Atomics.store(control, CROWDED, 0);
    } else if (now - this.#then <= WINDOW) {
      if (losses - this.#losses < ENOUGH) return;
      this.#until = now + TRIAL;
      Atomics.store(control, CROWDED, 1);
      Atomics.notify(control, CROWDED);
    }
    this.#losses = losses;
    this.#then = now;
  }
}
