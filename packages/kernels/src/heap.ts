import type { LinearMemory } from './module.ts';
import { roundUp } from './plan.ts';

/** Every block starts at a multiple of this many bytes: a cache line, so that two threads' blocks never share one. */
const ALIGNMENT = 64;
const PAGE = 65536;

interface Block {
  start: number;
  size: number;
}

/**
 * Memory management over one linear memory: best fit with coalescing. Free blocks are kept ordered by size, then by address, so that the same sequence of
 * requests gives the same addresses, and neighbours are merged as soon as both are free: a loop that frees what it allocates never grows the heap.
 */
export class Heap {
  readonly memory: LinearMemory;
  readonly #maximum: number;
  /** Ordered by size, then by address. */
  readonly #free: Block[] = [];
  /** The same blocks by their first byte and by the byte after their last. */
  readonly #starts = new Map<number, Block>();
  readonly #ends = new Map<number, Block>();
  readonly #used = new Map<number, number>();
  #bytes = 0;
  #end: number;

  /** Manages `memory` from address `base` on, growing it up to `maximum` bytes (4 GiB at most). */
  constructor(memory: LinearMemory, base: number, maximum: number) {
    this.memory = memory;
    this.#maximum = maximum;
    this.#end = memory.buffer.byteLength;
    const start = roundUp(base, ALIGNMENT);
    if (start < this.#end) this.#release(start, this.#end - start);
  }

  /** Bytes handed out and not yet freed, rounded up as they were handed out. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The address of `bytes` bytes, a multiple of 64.
   * @throws RangeError if so much is not left.
   */
  allocate(bytes: number): number {
    const size = roundUp(Math.max(bytes, 1), ALIGNMENT);
    let at = this.#search(size, 0);
    if (at === this.#free.length) {
      this.#grow(size);
      at = this.#search(size, 0);
    }
    const block = this.#free[at]!;
    this.#remove(block, at);
    if (block.size > size) this.#insert({ start: block.start + size, size: block.size - size });
    this.#used.set(block.start, size);
    this.#bytes += size;
    return block.start;
  }

  /** Gives back what {@link allocate} gave out. */
  free(address: number): void {
    const size = this.#used.get(address);
    if (size === undefined) throw new RangeError(`No allocated block starts at address ${address}.`);
    this.#used.delete(address);
    this.#bytes -= size;
    this.#release(address, size);
  }

  /** Adds a block to the free ones, merged with its free neighbours. */
  #release(start: number, size: number): void {
    const before = this.#ends.get(start);
    const after = this.#starts.get(start + size);
    if (before) {
      this.#remove(before);
      start = before.start;
      size += before.size;
    }
    if (after) {
      this.#remove(after);
      size += after.size;
    }
    this.#insert({ start, size });
  }

  #insert(block: Block): void {
    this.#free.splice(this.#search(block.size, block.start), 0, block);
    this.#starts.set(block.start, block);
    this.#ends.set(block.start + block.size, block);
  }

  #remove(block: Block, at = this.#search(block.size, block.start)): void {
    this.#free.splice(at, 1);
    this.#starts.delete(block.start);
    this.#ends.delete(block.start + block.size);
  }

  /** Place of the first free block that is not below (size, start). */
  #search(size: number, start: number): number {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = this.#free[middle]!;
      if (block.size < size || (block.size === size && block.start < start)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Makes a free block of at least `size` bytes at the end of memory. */
  #grow(size: number): void {
    const missing = size - (this.#ends.get(this.#end)?.size ?? 0);
    // By an eighth at least, so that a long series of requests grows the memory seldom.
    const wanted = roundUp(this.#end + Math.max(missing, this.#end / 8), PAGE);
    const end = Math.min(wanted, this.#maximum);
    if (this.#end + missing > this.#maximum || !this.#tryGrow(end)) throw this.#exhausted(size);
    const start = this.#end;
    this.#end = end;
    this.#release(start, end - start);
  }

  #tryGrow(end: number): boolean {
    try {
      this.memory.grow((end - this.#end) / PAGE);
      return true;
    } catch {
      return false;
    }
  }

  #exhausted(size: number): RangeError {
    const largest = this.#free.at(-1)?.size ?? 0;
    const room = this.#maximum - this.#end;
    return new RangeError(
      `Out of memory: ${megabytes(size)} were asked for, but ${megabytes(this.#bytes)} of at most ${megabytes(this.#maximum)} are in use and the largest free block ` +
        `has ${megabytes(Math.max(largest, room))}. Dispose tensors that are no longer needed, or use smaller batches.`,
    );
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
