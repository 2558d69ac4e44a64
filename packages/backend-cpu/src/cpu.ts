import type { Backend, DType, DTypeArrays, Storage, TypedArray } from '@receptive/backend';
import { bytesPerElement, dtypeOf } from '@receptive/backend';
import { Kept, bestFlavour, compileKernels, plannedKernels } from '@receptive/kernels';
import type { Flavour } from '@receptive/kernels';
import { Machine } from './machine.ts';

const PAGE = 65536;
const FOUR_GIB = 2 ** 32;

/** Options of {@link cpu}. */
export interface CpuOptions {
  /** Which instructions the kernels use: the best that the engine has (`'auto'`, the default), or one kind; `'wide'` is what `revectorize()` is for. */
  readonly simd?: Flavour | 'auto';
  /** Bytes that tensors and intermediate results may take together; 4 GiB, the most there can be, unless given. */
  readonly maximumMemory?: number;
}

/** Memory of one tensor. */
class Block {
  /** Stands for the backend: a block that is forgotten late must not hold its memory. */
  readonly owner: object;
  readonly address: number;
  readonly bytes: number;
  freed = false;

  constructor(owner: object, address: number, bytes: number) {
    this.owner = owner;
    this.address = address;
    this.bytes = bytes;
  }
}

/**
 * The backend that computes in WebAssembly on the calling thread. It has float32, int32 and uint8.
 * @throws RangeError if `maximumMemory` is less than 1 MiB; Error if the engine has no WebAssembly SIMD of the kind asked for.
 */
export async function cpu({ simd = 'auto', maximumMemory = FOUR_GIB }: CpuOptions = {}): Promise<Backend> {
  const flavour = simd === 'auto' ? bestFlavour() : simd;
  const pages = Math.min(Math.floor(maximumMemory / PAGE), FOUR_GIB / PAGE);
  if (!(pages >= 16)) throw new RangeError(`cpu: maximumMemory must be at least 1 MiB, but is ${maximumMemory} bytes.`);
  let machine: Machine | undefined = new Machine(await compileKernels(flavour), pages);
  const use = { bytes: 0, storages: 0 };
  const kept = new Kept({
    allocate: (bytes) => alive().heap.allocate(bytes),
    free: (address) => alive().heap.free(address),
  });

  function alive(): Machine {
    if (!machine) throw new Error('cpu: this backend has been disposed. Create another one with `await cpu()`.');
    return machine;
  }

  function blockOf(storage: Storage): Block {
    alive();
    if (!(storage instanceof Block) || storage.owner !== use) {
      throw new Error('cpu: a storage of another backend is used. Move its tensor with `await tensor.to(backend)`.');
    }
    if (storage.freed) throw new Error('cpu: a storage is used that has been freed.');
    return storage;
  }

  function allocate(bytes: number): number {
    const { heap } = alive();
    try {
      return heap.allocate(bytes);
    } catch (error) {
      if (!kept.clear()) throw error;
      return heap.allocate(bytes);
    }
  }

  function open<D extends DType>(storage: Storage, dtype: D, length: number): DTypeArrays[D] {
    const { address, bytes } = blockOf(storage);
    if (length * bytesPerElement(dtype) > bytes) {
      throw new RangeError(`cpu: a storage of ${bytes} bytes cannot hold ${length} ${dtype} elements.`);
    }
    return alive().open(dtype, address, length);
  }

  function readSync<D extends DType>(storage: Storage, dtype: D, length: number): DTypeArrays[D] {
    return open(storage, dtype, length).slice() as DTypeArrays[D];
  }

  return {
    name: 'cpu',
    dtypes: new Set<DType>(['float32', 'int32', 'uint8']),
    kernels: plannedKernels(
      {
        addressOf: (storage) => blockOf(storage).address,
        reserve: (bytes) => alive().reserve(bytes),
        run: (program, values) => alive().run(program, values),
      },
      kept,
    ),
    describe: () => `cpu: WebAssembly with ${flavour} SIMD on one thread`,
    allocate(dtype, length) {
      const bytes = length * bytesPerElement(dtype);
      const block = new Block(use, allocate(bytes), bytes);
      use.bytes += bytes;
      use.storages++;
      return block;
    },
    free(storage) {
      // Disposing has released everything; a finaliser may come late.
      if (!machine) return;
      const block = blockOf(storage);
      block.freed = true;
      use.bytes -= block.bytes;
      use.storages--;
      kept.forget(block);
      machine.heap.free(block.address);
    },
    write(storage, data: TypedArray) {
      open(storage, dtypeOf(data)!, data.length).set(data);
    },
    // Not an async function: the copy is made before the promise is returned, and an error rejects it.
    read: (storage, dtype, length) => new Promise((resolve) => resolve(readSync(storage, dtype, length))),
    readSync,
    flush: async () => {},
    memory: () => ({ ...use }),
    dispose() {
      machine = undefined;
      use.bytes = use.storages = 0;
    },
  };
}
