import type { DType, DTypeArrays } from '@receptive/backend';
import { Heap, instantiateKernels, link } from '@receptive/kernels';
import type { CompiledModule, Kernel, LinearMemory, Program } from '@receptive/kernels';

const PAGE = 65536;
/** Pages a machine starts with: enough for small models, little enough for many backends. */
const INITIAL_PAGES = 16;
const CACHE_LINE = 64;

type Views = { readonly [D in Exclude<DType, 'float64'>]: DTypeArrays[D] };

/** The kernels over one linear memory, its heap, and the loop that runs programs on this thread. */
export class Machine {
  readonly heap: Heap;
  readonly #memory: LinearMemory;
  readonly #kernels: Readonly<Record<string, Kernel>>;
  /** What the next program was given; 0 for nothing. */
  #reserved = 0;
  #views: Views;
  /** Memory for a program's words and its scratch; it grows to what the largest program needed. */
  #work: { readonly address: number; readonly bytes: number };

  constructor(module: CompiledModule, maximumPages: number) {
    this.#memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: maximumPages });
    const { kernels, base } = instantiateKernels(module, this.#memory);
    this.#kernels = kernels;
    this.heap = new Heap(this.#memory, base, maximumPages * PAGE);
    this.#views = viewsOf(this.#memory);
    this.#work = { address: this.heap.allocate(PAGE), bytes: PAGE };
  }

  /** The elements at an address, in place. */
  open<D extends DType>(dtype: D, address: number, length: number): DTypeArrays[D] {
    const all = this.#current()[dtype as Exclude<DType, 'float64'>];
    const start = address / all.BYTES_PER_ELEMENT;
    return all.subarray(start, start + length) as DTypeArrays[D];
  }

  /** Memory that is the caller's until the next program has run. */
  reserve(bytes: number): number {
    this.#reserved = this.heap.allocate(bytes);
    return this.#reserved;
  }

  run(program: Program, values: readonly number[]): void {
    const { phases, words, scratch } = program;
    try {
      const own = Math.ceil((words.length * 4) / CACHE_LINE) * CACHE_LINE;
      const at = this.#workspace(own + scratch);
      link(program, values, this.#current().int32, at >>> 2);
      for (const { kernel, args, chunks } of phases) {
        const compute = this.#kernels[kernel];
        if (!compute)
          throw new TypeError(
            `cpu: there is no kernel ${kernel}; the op does not support this dtype. Convert with cast().`,
          );
        for (let chunk = 0; chunk < chunks; chunk++) compute(at + args, chunk, at + own);
      }
    } finally {
      if (this.#reserved) this.heap.free(this.#reserved);
      this.#reserved = 0;
    }
  }

  #workspace(bytes: number): number {
    if (bytes > this.#work.bytes) {
      // Allocated first: if there is not so much left, the old one stays.
      const address = this.heap.allocate(bytes);
      this.heap.free(this.#work.address);
      this.#work = { address, bytes };
    }
    return this.#work.address;
  }

  /** Growing a memory leaves its earlier views empty. */
  #current(): Views {
    if (this.#views.uint8.length === 0) this.#views = viewsOf(this.#memory);
    return this.#views;
  }
}

function viewsOf({ buffer }: LinearMemory): Views {
  return { float32: new Float32Array(buffer), int32: new Int32Array(buffer), uint8: new Uint8Array(buffer) };
}
