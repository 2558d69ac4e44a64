import type { Backend, DType, DTypeArrays, Storage, TypedArray } from '@receptive/backend';
import { bytesPerElement, dtypeOf } from '@receptive/backend';
import type { Crew, KernelTable } from './crew.ts';
import { alone } from './crew.ts';
import { PAGE } from './heap.ts';
import { Kept } from './kept.ts';
import { plannedKernels } from './kernels.ts';
import { Machine } from './machine.ts';
import type { CompiledModule, Flavour, LinearMemory } from './module.ts';
import { bestFlavour, compileKernels, instantiateKernels } from './module.ts';

const FOUR_GIB = 2 ** 32;
/** Pages a memory starts with: enough for small models, little enough for many backends. */
const INITIAL_PAGES = 16;
/** What every engine can be asked to set addresses aside for. */
const MODEST_PAGES = 4096;

/** Options of the backends that compute in WebAssembly. */
export interface LinearOptions {
  /** Which instructions the kernels use: the best that the engine has (`'auto'`, the default), or one kind; `'wide'` is what `revectorize()` is for. */
  readonly simd?: Flavour | 'auto';
  /** Bytes that tensors and intermediate results may take together; 4 GiB, the most there can be, unless given. */
  readonly maximumMemory?: number;
}

/** What a crew is made of: each thread has an instance of the module over the one memory. */
export interface Means {
  readonly module: CompiledModule;
  readonly memory: LinearMemory;
  /** The calling thread's instance. */
  readonly kernels: KernelTable;
  /** To be called when a thread that is no longer waited for may still write to memory, and when it no longer may. */
  readonly hold: () => void;
  readonly release: () => void;
}

/** How a backend in WebAssembly computes. */
export interface Manner {
  /** Whether its memory is one that threads share. */
  readonly shared: boolean;
  readonly hire: (means: Means) => Crew | Promise<Crew>;
}

/** On the calling thread, in a memory of its own. */
export const single: Manner = { shared: false, hire: ({ kernels }) => alone(kernels) };

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
 * A backend over one linear memory, called `name`. It has float32, int32 and uint8.
 * @throws RangeError if `maximumMemory` is less than 1 MiB; Error if the engine has no WebAssembly SIMD of the kind asked for.
 */
export async function linearBackend(
  name: string,
  { simd = 'auto', maximumMemory = FOUR_GIB }: LinearOptions,
  { shared, hire }: Manner,
): Promise<Backend> {
  const flavour = simd === 'auto' ? bestFlavour() : simd;
  const most = Math.min(Math.floor(maximumMemory / PAGE), FOUR_GIB / PAGE);
  if (!(most >= INITIAL_PAGES))
    throw new RangeError(`${name}: maximumMemory must be at least 1 MiB, but is ${maximumMemory} bytes.`);
  const module = await compileKernels(flavour, { shared });
  const { memory, pages } = memoryOf(most, shared);
  const { kernels, base } = instantiateKernels(module, memory);
  const crew = await hire({
    module,
    memory,
    kernels,
    hold: () => machine?.hold(),
    release: () => machine?.release(),
  });
  let machine: Machine | undefined = new Machine(memory, base, pages * PAGE, crew);
  const use = { bytes: 0, storages: 0 };
  const kept = new Kept({
    allocate: (bytes) => alive().allocate(bytes),
    free: (address) => alive().free(address),
  });

  function alive(): Machine {
    if (!machine)
      throw new Error(`${name}: this backend has been disposed. Create another one with \`await ${name}()\`.`);
    return machine;
  }

  function blockOf(storage: Storage): Block {
    alive();
    if (!(storage instanceof Block) || storage.owner !== use) {
      throw new Error(
        `${name}: a storage of another backend is used. Move its tensor with \`await tensor.to(backend)\`.`,
      );
    }
    if (storage.freed) throw new Error(`${name}: a storage is used that has been freed.`);
    return storage;
  }

  function allocate(bytes: number): number {
    try {
      return alive().allocate(bytes);
    } catch (error) {
      if (!kept.clear()) throw error;
      return alive().allocate(bytes);
    }
  }

  function open<D extends DType>(storage: Storage, dtype: D, length: number): DTypeArrays[D] {
    const { address, bytes } = blockOf(storage);
    if (length * bytesPerElement(dtype) > bytes) {
      throw new RangeError(`${name}: a storage of ${bytes} bytes cannot hold ${length} ${dtype} elements.`);
    }
    return alive().open(dtype, address, length);
  }

  function readSync<D extends DType>(storage: Storage, dtype: D, length: number): DTypeArrays[D] {
    return open(storage, dtype, length).slice() as DTypeArrays[D];
  }

  return {
    name,
    dtypes: new Set<DType>(['float32', 'int32', 'uint8']),
    kernels: plannedKernels(
      {
        addressOf: (storage) => blockOf(storage).address,
        reserve: (bytes) => alive().reserve(bytes),
        run: (program, values) => alive().run(program, values),
      },
      kept,
    ),
    describe: () => `${name}: WebAssembly with ${flavour} SIMD on ${crew.describe()}`,
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
      machine.free(block.address);
    },
    write(storage, data: TypedArray) {
      open(storage, dtypeOf(data)!, data.length).set(data);
    },
    // The copy is made before the promise is returned, and an error rejects it.
    async read(storage, dtype, length) {
      const data = readSync(storage, dtype, length);
      await crew.whole?.();
      return data;
    },
    readSync,
    flush: async () => crew.whole?.(),
    memory: () => ({ ...use }),
    dispose() {
      machine = undefined;
      use.bytes = use.storages = 0;
      crew.dispose();
    },
  };
}

/** A memory that can grow to `most` pages, or to as many as the engine sets addresses aside for: phones refuse 4 GiB. */
function memoryOf(most: number, shared: boolean): { readonly memory: LinearMemory; readonly pages: number } {
  for (let pages = most; ; pages = Math.max(pages >>> 1, MODEST_PAGES)) {
    try {
      return { memory: new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: pages, shared }), pages };
    } catch (error) {
      if (pages <= MODEST_PAGES) throw error;
    }
  }
}
