import type { Storage } from '@receptive/backend';

// What is made of weights alone, packed panels and transformed kernels, is kept for as long as the weights stay as they
// are. Training changes them at every step, and would only pay for the memory: so it is kept from the second use on.

/** Where what is kept lies. */
export interface Memory {
  /** Throws a RangeError if so much is not left. */
  allocate(bytes: number): number;
  free(address: number): void;
}

/** Something that was made of an operand, and perhaps of others. */
interface Made {
  /** What it was made of: with other contents it is something else. */
  readonly ids: readonly number[];
  /** Undefined as long as it has been used but once. */
  address?: number | undefined;
}

/** What has been made of operands whose contents have names. It goes with the storage of the first of them. */
export class Kept {
  readonly #memory: Memory;
  readonly #made = new Map<Storage, Map<string, Made>>();

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /**
   * Where that lies which `key` describes, `bytes` long, as made of the contents `ids`, of which the first are those of `storage`. Calls `make` the first time,
   * which is the second time it is asked for; undefined at the first one, and where there is no memory left for what is not needed.
   */
  find(
    key: string,
    storage: Storage,
    ids: readonly number[],
    bytes: number,
    make: (address: number) => void,
  ): number | undefined {
    let all = this.#made.get(storage);
    if (!all) this.#made.set(storage, (all = new Map<string, Made>()));
    const made = all.get(key);
    if (made?.ids.every((id, i) => id === ids[i])) return (made.address ??= this.#tryMake(bytes, make));
    // Nothing that was made of the old contents will be asked for again.
    if (made && made.ids[0] !== ids[0]) this.#forget(all);
    else this.#free(made);
    all.set(key, { ids });
    return undefined;
  }

  #tryMake(bytes: number, make: (address: number) => void): number | undefined {
    let address: number | undefined;
    try {
      address = this.#memory.allocate(bytes);
      make(address);
      return address;
    } catch (error) {
      if (address !== undefined) this.#memory.free(address);
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** To be called when a storage is freed. */
  forget(storage: Storage): void {
    const all = this.#made.get(storage);
    if (!all) return;
    this.#forget(all);
    this.#made.delete(storage);
  }

  /** Frees everything: it is made again when it is needed. Says whether there was something to free. */
  clear(): boolean {
    let freed = false;
    for (const all of this.#made.values()) freed = this.#forget(all) || freed;
    this.#made.clear();
    return freed;
  }

  #forget(all: Map<string, Made>): boolean {
    let freed = false;
    for (const made of all.values()) freed = this.#free(made) || freed;
    all.clear();
    return freed;
  }

  #free(made: Made | undefined): boolean {
    if (made?.address === undefined) return false;
    this.#memory.free(made.address);
    return true;
  }
}
