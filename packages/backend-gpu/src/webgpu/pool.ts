/** A buffer of the pool. */
export interface Block {
  readonly buffer: GPUBuffer;
  readonly bytes: number;
  /** The last batch of commands that used it. */
  batch: number;
}

/** Rounds up so that at most an eighth is wasted, and sizes that differ little find each other's buffers. */
function sizeClass(bytes: number): number {
  const step = Math.max(256, 2 ** Math.floor(Math.log2(bytes) - 3));
  return Math.ceil(bytes / step) * step;
}

/**
 * Buffers, used again once released: making one costs more than most kernels. Commands run in the order in which they are encoded, so that a buffer may be
 * given out again while commands that use it are still waiting.
 */
export class BufferPool {
  readonly #device: GPUDevice;
  readonly #usage: number;
  readonly #most: number;
  readonly #keep: number;
  readonly #all = new Set<GPUBuffer>();
  readonly #free = new Map<number, Block[]>();
  #spare = 0;

  /** `most` is the greatest size of a buffer; `keep` how many bytes of unused ones {@link trim} leaves. */
  constructor(device: GPUDevice, usage: number, most: number, keep: number) {
    this.#device = device;
    this.#usage = usage;
    this.#most = most;
    this.#keep = keep;
  }

  /** A buffer of at least `bytes`; a new one is called `label` in the device's errors. */
  take(bytes: number, label: string): Block {
    const size = Math.min(sizeClass(bytes), this.#most);
    const block = this.#free.get(size)?.pop();
    if (block) {
      this.#spare -= size;
      return block;
    }
    const buffer = this.#device.createBuffer({ label, size, usage: this.#usage });
    this.#all.add(buffer);
    return { buffer, bytes: size, batch: -1 };
  }

  give(block: Block): void {
    const free = this.#free.get(block.bytes);
    if (free) free.push(block);
    else this.#free.set(block.bytes, [block]);
    this.#spare += block.bytes;
  }

  /** Destroys a buffer that is of no use any more. */
  drop({ buffer }: Block): void {
    this.#destroy(buffer);
  }

  /** Destroys unused buffers, the largest first, until few enough remain; those that commands still use are no longer among them once the queue is idle. */
  trim(): void {
    for (const size of [...this.#free.keys()].sort((a, b) => b - a)) {
      const blocks = this.#free.get(size)!;
      while (this.#spare > this.#keep && blocks.length > 0) {
        this.#destroy(blocks.pop()!.buffer);
        this.#spare -= size;
      }
      if (blocks.length === 0) this.#free.delete(size);
    }
  }

  /** Destroys all buffers, those in use included. */
  dispose(): void {
    for (const buffer of this.#all) this.#destroy(buffer);
    this.#free.clear();
    this.#spare = 0;
  }

  #destroy(buffer: GPUBuffer): void {
    this.#all.delete(buffer);
    buffer.destroy();
  }
}
