import type { DType, DTypeArrays } from '@receptive/backend';
import type { Crew } from './crew.ts';
import { Heap, PAGE } from './heap.ts';
import type { LinearMemory } from './module.ts';
import { roundUp } from './plan.ts';
import type { Program } from './program.ts';
import { link } from './program.ts';

/**
 * What one thread writes over and over begins at a multiple of so many bytes: processors fetch ahead of what is read, but not beyond a page, and would take from another thread's cache what it
 * is about to write.
 */
const APART = 4096;

type Views = { readonly [D in Exclude<DType, 'float64'>]: DTypeArrays[D] };

/** Memory for the words and the scratch of programs. */
interface Work {
  /** What the heap calls it. */
  readonly block: number;
  readonly address: number;
  readonly bytes: number;
}

/** A linear memory with its heap, and a crew that runs programs over it. */
export class Machine {
  readonly crew: Crew;
  readonly #memory: LinearMemory;
  readonly #heap: Heap;
  /** What the next program was given; 0 for nothing. */
  #reserved = 0;
  #views: Views;
  /** Memory for a program's words and its scratch; it grows to what the largest program needed. */
  #work: Work;
  /** What was freed while somebody who is no longer waited for may still write to it. */
  #held: number[] | undefined;

  /** A machine whose data lie from address `base` on; `maximum` is the most that `memory` grows to, in bytes. */
  constructor(memory: LinearMemory, base: number, maximum: number, crew: Crew) {
    this.crew = crew;
    this.#memory = memory;
    this.#heap = new Heap(memory, base, maximum);
    this.#views = viewsOf(memory);
    this.#work = this.#allocateWork(PAGE);
  }

  /** The elements at an address, in place. */
  open<D extends DType>(dtype: D, address: number, length: number): DTypeArrays[D] {
    const all = this.#current()[dtype as Exclude<DType, 'float64'>];
    const start = address / all.BYTES_PER_ELEMENT;
    return all.subarray(start, start + length) as DTypeArrays[D];
  }

  /** Address of so many bytes. Throws a RangeError if they are not left. */
  allocate(bytes: number): number {
    return this.#heap.allocate(bytes);
  }

  free(address: number): void {
    if (this.#held) this.#held.push(address);
    else this.#heap.free(address);
  }

  /** Memory that is the caller's until the next program has run. */
  reserve(bytes: number): number {
    this.#reserved = this.allocate(bytes);
    return this.#reserved;
  }

  run(program: Program, values: readonly number[]): void {
    const { words, scratch } = program;
    try {
      // Not even the words may be written: whoever still reads those of another program would write to where these say.
      if (this.#held)
        throw new Error(
          'A thread has been given up and may still write to memory. Await backend.flush(): then another one has its place.',
        );
      const own = roundUp(words.length * 4, APART);
      const stride = roundUp(scratch, APART);
      const at = this.#workspace(own + stride * this.crew.threads);
      link(program, values, this.#current().int32, at >>> 2);
      this.crew.run(program, { words: at, scratch: at + own, stride });
    } finally {
      if (this.#reserved) this.free(this.#reserved);
      this.#reserved = 0;
    }
  }

  /** From now on nothing that is freed is given out again and no program runs, until {@link release}. */
  hold(): void {
    this.#held ??= [];
  }

  /** Nobody writes to memory any more but who is asked to. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const address of held) this.free(address);
  }

  #workspace(bytes: number): number {
    if (bytes > this.#work.bytes) {
      // Allocated first: if there is not so much left, the old one stays.
      const work = this.#allocateWork(bytes);
      this.free(this.#work.block);
      this.#work = work;
    }
    return this.#work.address;
  }

  #allocateWork(bytes: number): Work {
    const block = this.allocate(bytes + APART);
    return { block, address: roundUp(block, APART), bytes };
  }

  /** A memory that grew has a new buffer; views of the old one are empty, or too short where it is shared. */
  #current(): Views {
    if (this.#views.uint8.length !== this.#heap.end) this.#views = viewsOf(this.#memory);
    return this.#views;
  }
}

function viewsOf({ buffer }: LinearMemory): Views {
  return { float32: new Float32Array(buffer), int32: new Int32Array(buffer), uint8: new Uint8Array(buffer) };
}
