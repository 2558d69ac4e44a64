import type { Backend, DType, DTypeArrays, Operand, Storage, TypedArray } from '@receptive/backend';
import { bytesPerElement, typedArray } from '@receptive/backend';
import type { Device } from './device.ts';
import { kernels } from './kernels/index.ts';
import { Box, memoryOf, runner } from './runner.ts';
import { openDevice } from './open.ts';

/** Options of {@link gpu}. */
export interface GpuOptions {
  /** Which interface to the GPU: `'auto'`, the default, takes WebGPU where there is an adapter, else WebGL2. */
  readonly mode?: 'webgpu' | 'webgl2' | 'auto';
  /** Whether a GPU that is emulated in software will do, as in tests; no by default, since it is slower than the CPU backends. */
  readonly software?: boolean;
  /** Options of Dawn, WebGPU's implementation in Node, such as `['backend=vulkan', 'adapter=NVIDIA']`. */
  readonly dawn?: readonly string[];
}

/**
 * The backend that computes on the GPU, through gpu.js: in the browser by WebGPU or WebGL2, in Node by WebGPU. It has float32, and int32 and uint8 for labels,
 * indices and masks: whole numbers are exact up to 2^24.
 *
 * Ops are enqueued; `data()` waits for what it reads, and on WebGPU `dataSync()` is an error.
 * @throws Error that names everything that was tried, if there is no GPU, no driver, or only an emulated one and `software` is not set; or if a package is missing.
 */
export async function gpu({ mode = 'auto', software = false, dawn = [] }: GpuOptions = {}): Promise<Backend> {
  return backendOn(await openDevice({ mode, software, dawn }));
}

function backendOn(opened: Device): Backend {
  let device: Device | undefined = opened;
  const use = { bytes: 0, storages: 0 };

  function alive(): Device {
    if (!device) throw new Error('gpu: this backend has been disposed. Create another one with `await gpu()`.');
    return device;
  }

  function boxOf(storage: Storage): Box {
    if (!(storage instanceof Box) || storage.device !== alive()) {
      throw new Error('gpu: a storage of another backend is used. Move its tensor with `await tensor.to(backend)`.');
    }
    if (storage.freed) throw new Error('gpu: a storage is used that has been freed.');
    return storage;
  }

  const readSync = opened.readSync?.bind(opened);
  return {
    name: 'gpu',
    dtypes: new Set<DType>(['float32', 'int32', 'uint8']),
    kernels: kernels(
      opened.mode,
      runner(alive, (operand: Operand) => boxOf(operand.storage)),
    ),
    describe: () => `gpu: ${alive().describe()}`,
    allocate(dtype, length) {
      const { maximumLength } = alive();
      if (length > maximumLength) {
        throw new RangeError(
          `gpu: a tensor of ${length} elements was asked for, but this device holds at most ${maximumLength} (${maximumLength * 4} bytes) in one. ` +
            'Compute in smaller batches, or use a CPU backend.',
        );
      }
      use.bytes += length * 4;
      use.storages++;
      return new Box(alive(), length * 4);
    },
    free(storage) {
      // Disposing has released everything; a finaliser may come late.
      if (!device) return;
      const box = boxOf(storage);
      box.freed = true;
      use.bytes -= box.bytes;
      use.storages--;
      box.hold(undefined);
    },
    write(storage, data: TypedArray) {
      boxOf(storage).hold(alive().upload(data instanceof Float32Array ? data : new Float32Array(data)));
    },
    async read(storage, dtype, length) {
      const box = checked(boxOf(storage), dtype, length);
      return asType(dtype, await alive().read(memoryOf(box, alive()), length));
    },
    readSync:
      readSync &&
      ((storage, dtype, length) => {
        const box = checked(boxOf(storage), dtype, length);
        return asType(dtype, readSync(memoryOf(box, alive()), length));
      }),
    flush: async () => alive().flush(),
    memory: () => ({ ...use }),
    dispose() {
      device?.dispose();
      device = undefined;
      use.bytes = use.storages = 0;
    },
  };
}

function checked(box: Box, dtype: DType, length: number): Box {
  if (length * 4 > box.bytes) {
    throw new RangeError(`gpu: a storage of ${box.bytes / 4} elements cannot give ${length} ${dtype} elements.`);
  }
  return box;
}

/** The device holds every element as a float32; whole numbers beyond their type's range become the nearest that is in it. */
function asType<D extends DType>(dtype: D, data: Float32Array): DTypeArrays[D] {
  if (dtype === 'float32') return data as DTypeArrays[D];
  const bits = bytesPerElement(dtype) * 8;
  const [least, most] = dtype === 'uint8' ? [0, 255] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const array = typedArray(dtype, data.length);
  for (let i = 0; i < data.length; i++) array[i] = Math.min(most, Math.max(least, data[i]!));
  return array;
}
