import type { Backend } from './backend.ts';
import type { DType, DTypeArrays, TypedArray } from './dtype.ts';
import { bytesPerElement, dtypeOf, typedArray } from './dtype.ts';
import type { Kernels, Operand, RandomPlace, Storage, UniformRange } from './kernels.ts';
import { fillUniform } from './random.ts';
import { deformable } from './reference/deformable.ts';
import { curveKernels } from './reference/curves.ts';
import { elementwise } from './reference/elementwise.ts';
import { norms } from './reference/norms.ts';
import { optimisers } from './reference/optimisers.ts';
import { reductions } from './reference/reductions.ts';
import { sampling } from './reference/sampling.ts';
import { views } from './reference/views.ts';
import { windows } from './reference/windows.ts';
import { sizeOf } from './shape.ts';

/**
 * The oracle by which other backends are judged: every kernel in its plainest form, computed in doubles and rounded once when stored. It is slow, has
 * all dtypes, and is strict about memory: it throws for a storage that was freed, is another backend's, has another dtype, or is too short.
 */
export function reference(): Backend {
  const storages = new Map<Storage, TypedArray>();
  const freed = new WeakSet();
  let disposed = false;

  const fateOf = (storage: Storage): string => (freed.has(storage) ? 'has been freed' : "is another backend's");

  function arrayOf(storage: Storage, dtype: DType, length: number): TypedArray {
    const array = storages.get(storage);
    if (!array) throw new Error(`reference: a storage is used that ${fateOf(storage)}.`);
    if (dtypeOf(array) !== dtype || array.length < length) {
      throw new Error(
        `reference: a storage of ${array.length} ${dtypeOf(array)} elements is used as ${length} ${dtype} elements.`,
      );
    }
    return array.length === length ? array : array.subarray(0, length);
  }

  const open = ({ storage, dtype, shape }: Operand): TypedArray => arrayOf(storage, dtype, sizeOf(shape));
  const single = {
    ...elementwise(open),
    ...curveKernels(open),
    ...views(open),
    ...reductions(open),
    ...windows(open),
    ...sampling(open),
    ...deformable(open),
    ...norms(open),
    ...optimisers(open),
    uniform: (out: Operand, place: RandomPlace, range: UniformRange) => fillUniform(open(out), place, range),
  };
  const kernels: Required<Kernels> = {
    ...single,
    convActivation(x, weight, bias, out, geometry, activation) {
      single.conv(x, weight, bias, out, geometry);
      single.unary(activation, out, out);
    },
  };

  function allocate(dtype: DType, length: number): Storage {
    if (disposed) throw new Error('reference: this backend has been disposed. Create another one with `reference()`.');
    const storage = {};
    storages.set(storage, freshArray(dtype, length));
    return storage;
  }

  function freshArray(dtype: DType, length: number): TypedArray {
    try {
      const array = typedArray(dtype, length);
      // All bits set is NaN or -1: whoever reads what was never written will see it.
      new Uint8Array(array.buffer).fill(0xff);
      return array;
    } catch (cause) {
      const asked = `${length} ${dtype} elements (${length * bytesPerElement(dtype)} bytes)`;
      throw new Error(`reference: no memory for ${asked}; ${memory().bytes} bytes are in use.`, { cause });
    }
  }

  function free(storage: Storage): void {
    if (disposed) return;
    if (!storages.delete(storage)) throw new Error(`reference: a storage is freed that ${fateOf(storage)}.`);
    freed.add(storage);
  }

  function write(storage: Storage, data: TypedArray): void {
    arrayOf(storage, dtypeOf(data)!, data.length).set(data);
  }

  function readSync<D extends DType>(storage: Storage, dtype: D, length: number): DTypeArrays[D] {
    return arrayOf(storage, dtype, length).slice() as DTypeArrays[D];
  }

  function memory(): { bytes: number; storages: number } {
    let bytes = 0;
    for (const array of storages.values()) bytes += array.byteLength;
    return { bytes, storages: storages.size };
  }

  return {
    name: 'reference',
    dtypes: new Set<DType>(['float64', 'float32', 'int32', 'uint8']),
    kernels,
    describe: () => 'reference: plain JavaScript loops in double precision',
    allocate,
    free,
    write,
    read: async (storage, dtype, length) => readSync(storage, dtype, length),
    readSync,
    flush: async () => {},
    memory,
    dispose() {
      for (const storage of storages.keys()) free(storage);
      disposed = true;
    },
  };
}
