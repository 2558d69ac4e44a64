import type { LinearMemory } from './module.ts';
import { roundUp } from './plan.ts';

/** Every block starts at a multiple of this many bytes: a cache line, so that two threads' blocks never share one. */
export const ALIGNMENT = 64;
/** Bytes by which memories grow. */
export const PAGE = 65536;

/** A stretch of memory, in use or free. */
interface Block {
  readonly start: number;
  size: number;
  free: boolean;
  /** The blocks that end where it starts, and start where it ends. */
  before: Block | undefined;
  after: Block | undefined;
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
  /** Blocks in use, by their address. */
  readonly #used = new Map<number, Block>();
  #last: Block | undefined;
  #bytes = 0;
  #end: number;

  /** Manages `memory` from address `base` on, growing it up to `maximum` bytes (4 GiB at most). */
  constructor(memory: LinearMemory, base: number, maximum: number) {
    this.memory = memory;
    this.#maximum = maximum;
    this.#end = memory.buffer.byteLength;
    const start = roundUp(base, ALIGNMENT);
    if (start < this.#end) this.#append(start, this.#end - start);
  }

  /** Bytes of memory there are so far. */
  get end(): number {
    return this.#end;
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
    this.#remove(at);
    if (block.size > size) {
      const rest = {
        start: block.start + size,
        size: block.size - size,
        free: true,
        before: block,
        after: block.after,
      };
      this.#join(rest, block.after);
      this.#join(block, rest);
      block.size = size;
      this.#insert(rest);
    }
    block.free = false;
    this.#used.set(block.start, block);
    this.#bytes += size;
    return block.start;
  }

  /** Gives back what {@link allocate} gave out. */
  free(address: number): void {
    const block = this.#used.get(address);
    if (!block) throw new RangeError(`No allocated block starts at address ${address}.`);
    this.#used.delete(address);
    this.#bytes -= block.size;
    this.#release(block);
  }

  /** Adds a block to the free ones, merged with its free neighbours. */
  #release(block: Block): void {
    const { before, after } = block;
    if (after?.free) {
      this.#remove(this.#search(after.size, after.start));
      block.size += after.size;
      this.#join(block, after.after);
    }
    if (before?.free) {
      this.#remove(this.#search(before.size, before.start));
      before.size += block.size;
      this.#join(before, block.after);
      block = before;
    }
    block.free = true;
    this.#insert(block);
  }

  /** Makes two blocks neighbours; none after `before` makes it the last one. */
  #join(before: Block | undefined, after: Block | undefined): void {
    if (before) before.after = after;
    if (after) after.before = before;
    else this.#last = before;
  }

  // Lists of free blocks are short: to move their elements one by one takes less time than to call a builtin.

  #insert(block: Block): void {
    const free = this.#free;
    const at = this.#search(block.size, block.start);
    for (let i = free.length; i > at; i--) free[i] = free[i - 1]!;
    free[at] = block;
  }

  #remove(at: number): void {
    const free = this.#free;
    for (let i = at + 1; i < free.length; i++) free[i - 1] = free[i]!;
    free.pop();
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
    const missing = size - (this.#last?.free ? this.#last.size : 0);
    // By an eighth at least, so that a long series of requests grows the memory seldom.
    const wanted = roundUp(this.#end + Math.max(missing, this.#end / 8), PAGE);
    const start = this.#end;
    if (start + missing > this.#maximum) throw this.#exhausted(size, this.#maximum);
    // Where the engine does not grow the memory so far, it may by what is needed.
    const end = [Math.min(wanted, this.#maximum), roundUp(start + missing, PAGE)].find((to) => this.#tryGrow(to));
    if (end === undefined) throw this.#exhausted(size, start);
    this.#end = end;
    this.#append(start, end - start);
  }

  /** Adds memory behind the last block. */
  #append(start: number, size: number): void {
    const block: Block = { start, size, free: false, before: undefined, after: undefined };
    this.#join(this.#last, block);
    this.#last = block;
    this.#release(block);
  }

  #tryGrow(end: number): boolean {
    try {
      this.memory.grow((end - this.#end) / PAGE);
      return true;
    } catch {
      return false;
    }
  }

  /** The error of a request that finds no room below `limit`. */
  #exhausted(size: number, limit: number): RangeError {
    const last = this.#last?.free ? this.#last.size : 0;
    const left = Math.max(this.#free.at(-1)?.size ?? 0, limit - this.#end + last);
    return new RangeError(
      `Out of memory: ${megabytes(size)} were asked for, but ${megabytes(this.#bytes)} of at most ${megabytes(limit)} are in use and the largest free block ` +
        `has ${megabytes(left)}. Dispose tensors that are no longer needed, or use smaller batches.`,
    );
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
