import type { Backend, DType, Storage } from '@receptive/backend';
import { recordDeath } from './leaks.ts';

/**
 * A backend's storage with the number of handles on it. Tensors, reshaped tensors, tapes and caches each hold it once; the last to let go frees it.
 */
export class SharedStorage {
  readonly backend: Backend;
  readonly storage: Storage;
  #holders = 1;

  constructor(backend: Backend, dtype: DType, length: number) {
    this.backend = backend;
    this.storage = backend.allocate(dtype, length);
  }

  /** True while exactly one handle holds the storage, so that writing to it cannot be seen by anyone else. */
  get exclusive(): boolean {
    return this.#holders === 1;
  }

  retain(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    this.#holders--;
    if (this.#holders > 0) return;
    recordDeath(this);
    this.backend.free(this.storage);
  }
}
