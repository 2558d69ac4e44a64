import { gpu } from '@receptive/backend-gpu';
import type { GpuOptions } from '@receptive/backend-gpu';
import { add, ones, withBackend } from '@receptive/tensor';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { installed, loadDawn } from '../src/gpu-js.ts';
import type { Packages } from '../src/gpu-js.ts';
import { openDevice } from '../src/open.ts';
import { needsGpu, options } from './node.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** What opening says where it fails. */
async function complaint(given: GpuOptions, packages: Partial<Packages> = {}): Promise<string> {
  const opening = openDevice({ mode: 'webgpu', software: false, dawn: [], ...given }, { ...installed, ...packages });
  return opening.then(
    () => 'nothing',
    (error: unknown) => (error as Error).message,
  );
}

/** The package webgpu, with a GPU of which this is known. */
const dawnWith = (requestAdapter: () => Promise<unknown>) => ({
  dawn: async () => ({ create: () => ({ requestAdapter }) }),
});

const missing = (name: string) => async (): Promise<never> => {
  throw Object.assign(new Error(`Cannot find package '${name}' imported from app.js`), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
};

/** What the host calls WebGPU. */
const hosted = (): unknown => (globalThis as { navigator?: { gpu?: unknown } }).navigator?.gpu;

describe('options that are none are refused', () => {
  test.each([
    [{ mode: 'cuda' }, "mode is 'webgpu', 'webgl2' or 'auto', not \"cuda\""],
    [{ mode: 'toString' }, 'mode is'],
    [{ software: 1 }, 'software is true or false, not 1'],
    [{ dawn: 'backend=vulkan' }, 'a list of options such as [\'backend=vulkan\'], not "backend=vulkan"'],
    [{ dawn: [3] }, 'not [3]'],
  ])('%j', async (given, message) => {
    const opening = gpu(given as unknown as GpuOptions);
    await expect(opening).rejects.toThrow(TypeError);
    await expect(opening).rejects.toThrow(message);
  });
});

describe('where there is no GPU, the error says what stood in the way and what to do', () => {
  test('gpu.js is not installed', async () => {
    const said = await complaint({}, { gpuJs: missing('gpu.js') });
    expect(said).toContain('gpu.js is not installed');
    expect(said).toContain('`npm install gpu.js`');
    expect(said).toContain("Cannot find package 'gpu.js'");
  });

  test('gpu.js is of a time before WebGPU', async () => {
    const said = await complaint({}, { gpuJs: async () => ({ default: { GPU: {} } }) });
    expect(said).toContain('too old to know WebGPU. Update it: `npm install gpu.js@latest`');
  });

  test('webgpu is not installed', async () => {
    const said = await complaint({}, { dawn: missing('webgpu') });
    expect(said).toContain('the package webgpu is not installed. Install it: `npm install webgpu`');
  });

  test("webgpu's native module does not load", async () => {
    const said = await complaint({}, { dawn: () => import('./fixtures/newer-glibc.ts') });
    expect(said).toContain("version `GLIBC_2.99' not found");
    expect(said).toContain('`npm install webgpu@latest`');
    expect(said).toContain('or use a CPU backend');
  });

  test('there is no adapter', async () => {
    const said = await complaint(
      {},
      dawnWith(async () => null),
    );
    expect(said).toMatch(/finds no GPU \(no adapter\).*driver.*VK_ICD_FILENAMES.*CPU backend/);
  });

  test('Dawn has not the adapter that was asked for', async () => {
    const said = await complaint({ dawn: ['backend=vulkan', 'adapter=Nonesuch'] });
    expect(said).toMatch(/does not give a GPU: .*Nonesuch|no GPU \(no adapter\)/);
    expect(said).toContain('the options `dawn`');
  });

  test.each(['SwiftShader driver 5.0.0', 'llvmpipe (LLVM 15.0.6, 256 bits)', 'Microsoft Basic Render Driver'])(
    'it is emulated: %s',
    async (description) => {
      const said = await complaint(
        {},
        dawnWith(async () => ({ info: { vendor: '', architecture: '', device: '', description } })),
      );
      expect(said).toContain(`emulated in software (${description})`);
      expect(said).toContain('`gpu({ software: true })`');
    },
  );

  test('it is a fallback by its own account', async () => {
    const info = { vendor: 'acme', architecture: 'x', device: '', description: '', isFallbackAdapter: true };
    expect(
      await complaint(
        {},
        dawnWith(async () => ({ info })),
      ),
    ).toContain('emulated in software (acme x)');
  });

  test('the emulated one of this machine, where software is not asked for', async (context) => {
    needsGpu(context);
    const said = await complaint({ ...options, software: false });
    expect(said).toMatch(/emulated in software|nothing/);
    const backend = await gpu(options);
    expect(backend.describe().includes('SwiftShader')).toBe(said.includes('SwiftShader'));
    backend.dispose();
  });

  test('the device is not given', async () => {
    const info = { vendor: 'acme', architecture: '', device: '', description: 'Acme 1' };
    const said = await complaint(
      {},
      dawnWith(async () => ({ info, limits: {}, requestDevice: () => Promise.reject(new Error('out of devices')) })),
    );
    expect(said).toBe('gpu: the GPU gives no device: out of devices');
  });

  test('WebGL2 is asked for in Node', async () => {
    expect(await complaint({ mode: 'webgl2' })).toMatch(/no WebGL2 here, only in browsers/);
  });

  test("'auto' tells of both", async () => {
    const opening = openDevice({ mode: 'auto', software: false, dawn: [] }, { ...installed, dawn: missing('webgpu') });
    await expect(opening).rejects.toThrow(AggregateError);
    await expect(opening).rejects.toThrow(
      /^gpu: no GPU could be opened\.\n- WebGPU: .*webgpu is not installed.*\n- WebGL2: .*only in browsers/,
    );
  });

  describe('in a browser', () => {
    test.each([
      [true, 'this browser has no WebGPU'],
      [false, 'only where it came by https or from localhost'],
    ])('without WebGPU, secure: %s', async (isSecureContext, message) => {
      vi.stubGlobal('isSecureContext', isSecureContext);
      vi.stubGlobal('process', { ...process, versions: {} });
      const said = await complaint({});
      vi.unstubAllGlobals();
      expect(said).toContain(message);
    });

    /** A canvas whose WebGL2 has these. */
    const canvas = (context: object | null): unknown =>
      vi.stubGlobal(
        'OffscreenCanvas',
        class {
          getContext(): object | null {
            return context;
          }
        },
      );

    test('without WebGL2', async () => {
      canvas(null);
      expect(await complaint({ mode: 'webgl2' })).toMatch(/no WebGL2 context/);
    });

    test('without float textures', async () => {
      canvas({ getExtension: () => null });
      expect(await complaint({ mode: 'webgl2' })).toMatch(/cannot render to float32 textures.*EXT_color_buffer_float/);
    });

    test('with WebGL2 in software', async () => {
      const loseContext = vi.fn<() => void>();
      canvas({
        getExtension: () => ({ UNMASKED_RENDERER_WEBGL: 1, loseContext }),
        getParameter: () => 'ANGLE (SwiftShader)',
      });
      expect(await complaint({ mode: 'webgl2' })).toContain('emulated in software (ANGLE (SwiftShader))');
      expect(loseContext).toHaveBeenCalledOnce();
    });
  });

  test('leaves nothing on navigator', () => {
    expect(hosted()).toBeUndefined();
  });
});

describe('navigator.gpu in Node', () => {
  let own: GPU; // kept while there is work for it: Dawn crashes where it is collected earlier

  beforeEach(needsGpu);

  test('is there for as long as a backend is', async () => {
    const before = Object.hasOwn(globalThis, 'navigator');
    const [a, b] = await Promise.all([gpu(options), gpu(options)]);
    const there = hosted();
    expect(there).toBeDefined();
    a.dispose();
    a.dispose();
    expect(hosted()).toBe(there);
    b.dispose();
    expect(hosted()).toBeUndefined();
    expect(Object.hasOwn(globalThis, 'navigator')).toBe(before);
  });

  test('is left alone where it was there before', async () => {
    own = (await loadDawn(installed)).create(options.dawn ?? []);
    vi.stubGlobal('navigator', { gpu: own });
    const backend = await gpu({ ...options, dawn: [] });
    expect(hosted()).toBe(own);
    backend.dispose();
    expect(hosted()).toBe(own);
  });

  test('has the options of the first; asking for others is refused until that is disposed of', async () => {
    const first = await gpu(options);
    await expect(gpu({ ...options, dawn: ['backend=opengl'] })).rejects.toThrow(
      'in use already, with the options [backend=vulkan]',
    );
    const second = await gpu({ ...options, dawn: [] });
    first.dispose();
    expect(await withBackend(second, () => ones([2])).data()).toEqual(Float32Array.of(1, 1));
    second.dispose();
    await expect(gpu({ ...options, dawn: ['backend=opengl'] })).rejects.not.toThrow('in use already');
  });
});

describe('the device', () => {
  beforeEach(needsGpu);

  test('is shared by backends; one that leaves does not disturb the others', async () => {
    const [a, b] = [await gpu(options), await gpu(options)];
    const x = withBackend(b, () => ones([3]));
    const pending = withBackend(a, () => ones([3])).data();
    a.dispose();
    await expect(pending).rejects.toThrow('disposed');
    expect(await add(x, x).data()).toEqual(Float32Array.of(2, 2, 2));
    b.dispose();
  });

  test('is made anew after the last backend has left, be it in the same breath', async () => {
    for (let i = 0; i < 3; i++) {
      const last = await gpu(options);
      const next = gpu(options);
      last.dispose();
      const backend = await next;
      const x = withBackend(backend, () => ones([3]));
      expect(await add(x, x).data()).toEqual(Float32Array.of(2, 2, 2));
      backend.dispose();
      const another = gpu(options);
      expect(await withBackend(await another, () => ones([1])).item()).toBe(1);
      (await another).dispose();
    }
  });
});
