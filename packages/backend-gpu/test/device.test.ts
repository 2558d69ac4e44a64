import type { Backend, Operand, Shape, Storage } from '@receptive/backend';
import { gpu } from '@receptive/backend-gpu';
import { add, ones, relu, tensor, withBackend } from '@receptive/tensor';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Device } from '../src/device.ts';
import { installed, loadGpuJs } from '../src/gpu-js.ts';
import { openDevice } from '../src/open.ts';
import { script, shader } from '../src/program.ts';
import { needsGpu, options } from './node.ts';

const { WebGPUContext } = await loadGpuJs(installed);

beforeEach(needsGpu);

const open: Backend[] = [];
afterEach(() => {
  for (const backend of open.splice(0)) backend.dispose();
});

/** A backend that the end of the test disposes of. */
async function opened(): Promise<Backend> {
  const backend = await gpu(options);
  open.push(backend);
  return backend;
}

/** A device that the end of the test disposes of. */
async function openedDevice(): Promise<Device> {
  const found = await openDevice({ mode: 'webgpu', software: true, dawn: [], ...options });
  onTestFinished(() => found.dispose());
  return found;
}

const operand = (storage: Storage, shape: Shape): Operand => ({ storage, shape, dtype: 'float32' });

test('says which GPU computes, by what, and how large a tensor may be', async () => {
  const backend = await opened();
  expect(backend.describe()).toMatch(/^gpu: webgpu on \S.*, tensors of up to [1-9]\d* MiB$/);
});

test('a tensor larger than the device holds is refused with both sizes', async () => {
  const backend = await opened();
  const { device } = await WebGPUContext.acquire();
  const most = Math.floor(Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize) / 4);
  const before = backend.memory();
  expect(() => backend.allocate('float32', most + 1)).toThrow(
    new RegExp(`${most + 1} elements was asked for, .* at most ${most} \\(${most * 4} bytes\\).*smaller batches`),
  );
  expect(backend.memory()).toEqual(before);
});

test('dataSync is refused, and names what to use', async () => {
  const x = withBackend(await opened(), () => ones([2]));
  expect(() => x.dataSync()).toThrow('The gpu backend cannot read synchronously. Use `await tensor.data()`.');
});

test('what is awaited while the backend is disposed of is refused, not left hanging', async () => {
  const backend = await opened();
  const promise = withBackend(backend, () => relu(ones([64]))).data();
  backend.dispose();
  await expect(promise).rejects.toThrow('disposed of before');
});

test('more workgroups than fit into a row go into several', async () => {
  const machine = await openedDevice();
  const program = shader(
    'numbers of workgroups',
    { integers: ['length'] },
    `@compute @workgroup_size(1)
    fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>) {
      let i = i32(id.x + id.y * count.x);
      if (i < params.length) { result[i] = f32(i); }
    }`,
  );
  const length = 150_001;
  const memory = machine.run({ program, reads: [], values: [length], length, groups: length });
  expect(await machine.read(memory, length)).toEqual(Float32Array.from({ length }, (_, i) => i));
});

describe('errors of the GPU', () => {
  const broken = shader('brokenShader', {}, 'fn nothing( {');

  test('a shader that does not compile rejects the next flush and every read after, naming it', async () => {
    const machine = await openedDevice();
    const sound = machine.upload(Float32Array.of(1, 2));
    expect(await machine.read(sound, 2)).toEqual(Float32Array.of(1, 2));
    machine.run({ program: broken, reads: [], values: [], length: 4, groups: 1 });
    await expect(machine.flush()).rejects.toThrow('brokenShader');
    await expect(machine.read(sound, 2)).rejects.toThrow('brokenShader');
  });

  test('a kernel that gpu.js cannot translate is refused, naming it', async () => {
    const machine = await openedDevice();
    const program = script('brokenScript', {}, 'return Math.imaginary(this.thread.x);');
    expect(() => machine.run({ program, reads: [], values: [], length: 4 })).toThrow('the kernel brokenScript cannot');
  });

  test('a kernel of gpu.js for another machine is refused, not run there', async () => {
    const gpuJs = await loadGpuJs(installed);
    const GPU = new Proxy(gpuJs.GPU, { construct: (target) => new target({ mode: 'cpu' as 'webgpu' }) });
    const packages = { ...installed, gpuJs: async () => ({ ...gpuJs, GPU }) };
    const machine = await openDevice({ mode: 'webgpu', software: true, dawn: [], ...options }, packages);
    onTestFinished(() => machine.dispose());
    const program = script('value', {}, 'return 1;');
    expect(() => machine.run({ program, reads: [], values: [], length: 1 })).toThrow(
      'the kernel value cannot be translated: gpu.js made a cpu kernel where a webgpu one was asked for',
    );
  });

  test('stay with the backend whose they are, though the device is shared', async () => {
    const [bad, good] = [await openedDevice(), await openedDevice()];
    const double = script('double', { reads: ['x'] }, 'return x[this.thread.x] * 2;');
    // Encoded in turns, and waited for in the order of opening.
    const run = (): unknown =>
      good.run({ program: double, reads: [good.upload(Float32Array.of(3))], values: [], length: 1 });
    bad.upload(Float32Array.of(1));
    run();
    bad.run({ program: broken, reads: [], values: [], length: 1, groups: 1 });
    const result = run() as object;
    await expect(bad.flush()).rejects.toThrow('brokenShader');
    expect(await good.read(result, 1)).toEqual(Float32Array.of(6));
    await good.flush();
  });

  test('running out of memory rejects the next read, naming the op and the remedy; a new backend computes', async () => {
    const backend = await opened();
    const held: Storage[] = [];
    // A terabyte is more than a device has; an emulated one refuses the first.
    const exhaust = async (): Promise<void> => {
      for (let i = 0; i < 1024; i++) {
        const { device } = await WebGPUContext.acquire();
        const length = Math.min(device.limits.maxStorageBufferBindingSize, 2 ** 30) / 4;
        const storage = backend.allocate('float32', length);
        held.push(storage);
        backend.kernels.fill(operand(storage, [length]), 1);
        await backend.flush();
      }
    };
    await expect(exhaust()).rejects.toThrow(/out of memory[^]*fill[^]*smaller batches/);
    await expect(backend.read(held[0]!, 'float32', 1)).rejects.toThrow('out of memory');
    backend.dispose();
    const again = await opened();
    expect(await withBackend(again, () => add(ones([2]), ones([2]))).data()).toEqual(Float32Array.of(2, 2));
  });
});

describe('a device that is lost', () => {
  const remedy = /device was lost.*make a new backend with `await gpu\(\)`, and load the model/;

  async function lose(): Promise<void> {
    const { device } = await WebGPUContext.acquire();
    device.destroy();
    await device.lost;
  }

  test('is told with its remedy by data(), flush() and ops', async () => {
    const backend = await opened();
    const x = withBackend(backend, () => ones([4]));
    await x.data();
    await lose();
    await expect(x.data()).rejects.toThrow(remedy);
    await expect(backend.flush()).rejects.toThrow(remedy);
    expect(() => relu(x)).toThrow(remedy);
    expect(() => withBackend(backend, () => tensor([1]))).toThrow(remedy);
    backend.dispose();
  });

  test('does not leave hanging whoever waits', async () => {
    const backend = await opened();
    const x = withBackend(backend, () => ones([1 << 20]));
    const [read] = await Promise.allSettled([relu(x).data(), lose()]);
    expect(read).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(remedy) } });
  });

  test('is refused at once by ops that follow before it is known', async () => {
    const backend = await opened();
    const x = withBackend(backend, () => ones([4]));
    const { device } = await WebGPUContext.acquire();
    device.destroy();
    await expect((async () => relu(x).data())()).rejects.toThrow(remedy);
    await device.lost;
  });

  test('is replaced by the next gpu(), which the old backend does not disturb', async () => {
    const old = await opened();
    await lose();
    const fresh = await opened();
    const x = withBackend(fresh, () => ones([3]));
    old.dispose();
    expect(await add(x, x).data()).toEqual(Float32Array.of(2, 2, 2));
  });
});

describe('memory', () => {
  /** Counts the bytes of the device's buffers: of those that live, and the most there ever were. */
  async function watched(): Promise<{ live: number; most: number }> {
    const { device } = await WebGPUContext.acquire();
    const count = { live: 0, most: 0 };
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      buffer.destroy = () => {
        count.live -= descriptor.size;
        return destroy();
      };
      count.live += descriptor.size;
      count.most = Math.max(count.most, count.live);
      return buffer;
    };
    return count;
  }

  test('does not grow with temporaries that are disposed of', { timeout: 60_000 }, async () => {
    const backend = await opened();
    const count = await watched();
    const data = new Float32Array(1 << 15);
    for (let i = 0; i < 320; i++) {
      const x = withBackend(backend, () => tensor(data));
      relu(x).dispose();
      x.dispose();
      await backend.flush();
    }
    expect(backend.memory()).toEqual({ bytes: 0, storages: 0 });
    // Together the 640 were 80 MiB.
    expect(count.most).toBeLessThan(2 ** 20);
  });

  test('that ops use while a flush is under way outlives it', { timeout: 60_000 }, async () => {
    const machine = await openedDevice();
    const program = shader('one', {}, '@compute @workgroup_size(1) fn main() { result[0] = 1; }');
    const length = 1 << 22; // 16 MiB each
    const flushed = machine.flush();
    // All this is still waiting to be submitted when the flush comes to giving back what is free.
    const memories = Array.from({ length: 20 }, () =>
      machine.run({ program, reads: [], values: [], length, groups: 1 }),
    );
    for (const memory of memories.slice(1)) machine.release(memory);
    await flushed;
    expect(await machine.read(memories[0]!, 1)).toEqual(Float32Array.of(1));
    await machine.flush();
  });

  test('beyond 256 MiB is given back at the next flush', { timeout: 60_000 }, async () => {
    const backend = await opened();
    const count = await watched();
    const data = new Float32Array(1 << 22);
    const held = Array.from({ length: 20 }, () => withBackend(backend, () => tensor(data)));
    await backend.flush();
    expect(count.live).toBeGreaterThanOrEqual(20 << 24);
    for (const x of held) x.dispose();
    await backend.flush();
    expect(count.live).toBeLessThanOrEqual(257 * 2 ** 20);
    backend.dispose();
    expect(count.live).toBeLessThanOrEqual(0); // what was made before counting began is gone, too
  });
});
