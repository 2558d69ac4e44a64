import type { DType, DTypeArrays, TypedArray } from './dtype.ts';
import type { Kernels, Storage } from './kernels.ts';

/** How much a backend holds at the moment. */
export interface MemoryUse {
  /** Bytes of all storages that have not been freed. */
  readonly bytes: number;
  /** Storages that have not been freed. */
  readonly storages: number;
}

/**
 * A place where tensors live and are computed. The backend owns memory and computes; shapes, dtypes and lifetimes are the tensor package's business.
 * Work is enqueued in the order of calls; only {@link read} and {@link flush} wait.
 */
export interface Backend {
  /** Short name for messages and logs, such as `cpu`. */
  readonly name: string;
  /** Element types this backend stores and computes. */
  readonly dtypes: ReadonlySet<DType>;
  readonly kernels: Kernels;
  /** One line for a person: what computes, with which features. */
  describe(): string;
  /** Uninitialised memory for `length` elements. Throws when there is not enough left, saying what was asked and what is left. */
  allocate(dtype: DType, length: number): Storage;
  /** Releases a storage; it is not used again. Nothing happens after {@link dispose}: handles that were forgotten are collected late. */
  free(storage: Storage): void;
  /** Copies `data` into `storage`, which has as many elements of the same type. */
  write(storage: Storage, data: TypedArray): void;
  /** A copy of the first `length` elements. The copy is enqueued before the promise is returned, so later ops cannot change it. */
  read<D extends DType>(storage: Storage, dtype: D, length: number): Promise<DTypeArrays[D]>;
  /** The same at once, where the backend can; undefined where it cannot (a GPU). */
  readonly readSync: (<D extends DType>(storage: Storage, dtype: D, length: number) => DTypeArrays[D]) | undefined;
  /** Waits until all enqueued work is done and the memory it held is released. Rejects with the first error the device reported. */
  flush(): Promise<void>;
  memory(): MemoryUse;
  /** Releases everything. The backend is not used again. */
  dispose(): void;
}
