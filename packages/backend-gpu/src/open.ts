import type { Device } from './device.ts';
import { installed, loadDawn, loadGpuJs } from './gpu-js.ts';
import type { Dawn, GpuContext, GpuJs, Packages } from './gpu-js.ts';
import type { GpuOptions } from './gpu.ts';
import { openContext, rendererOf, WebGl2Device } from './webgl2/device.ts';
import { WebGpuDevice } from './webgpu/device.ts';

// Told here: which GPU is taken, what stood in the way where none is, and what several backends share of it.

type Mode = Device['mode'];
type Options = Required<Omit<GpuOptions, 'mode'>> & { readonly gpuJs: GpuJs; readonly packages: Packages };

const names: Readonly<Record<Mode, string>> = { webgpu: 'WebGPU', webgl2: 'WebGL2' };
const openers: Readonly<Record<Mode, (options: Options) => Promise<Device>>> = {
  webgpu: openWebGpu,
  webgl2: openWebGl2,
};

/** What the host may have of WebGPU. */
const host = globalThis as {
  navigator?: { readonly gpu?: GPU };
  readonly process?: { readonly versions?: { readonly node?: string } };
  readonly isSecureContext?: boolean;
};
const inNode = (): boolean => host.process?.versions?.node !== undefined;

/**
 * Opens a GPU.
 * @throws TypeError for options that are none.
 * @throws Error that says what was tried, what stood in the way, and what to do.
 */
export async function openDevice(
  { mode, software, dawn }: Required<GpuOptions>,
  packages: Packages = installed,
): Promise<Device> {
  if (mode !== 'auto' && !Object.hasOwn(openers, mode)) {
    throw new TypeError(`gpu: mode is 'webgpu', 'webgl2' or 'auto', not ${JSON.stringify(mode)}.`);
  }
  if (typeof software !== 'boolean') {
    throw new TypeError(`gpu: software is true or false, not ${JSON.stringify(software)}.`);
  }
  if (!Array.isArray(dawn) || dawn.some((option) => typeof option !== 'string')) {
    throw new TypeError(`gpu: dawn is a list of options such as ['backend=vulkan'], not ${JSON.stringify(dawn)}.`);
  }
  const options = { software, dawn, packages, gpuJs: await loadGpuJs(packages) };
  if (mode !== 'auto') return openers[mode](options);
  const errors: [Mode, Error][] = [];
  for (const each of ['webgpu', 'webgl2'] as const) {
    try {
      return await openers[each](options);
    } catch (error) {
      errors.push([each, error as Error]);
    }
  }
  throw new AggregateError(
    errors.map(([, error]) => error),
    [
      'gpu: no GPU could be opened.',
      ...errors.map(([each, { message }]) => `${names[each]}: ${message.replace(/^gpu: /, '')}`),
    ].join('\n- '),
  );
}

async function openWebGpu({ gpuJs, software, dawn, packages }: Options): Promise<Device> {
  const entered = [await enterDawn(dawn, packages)];
  const leave = (): void => entered.splice(0).forEach((each) => each());
  try {
    const adapter = await findAdapter();
    const { vendor, architecture, device, description } = adapter.info;
    refuseSoftware(software, [vendor, architecture, device, description].join(' '), adapter.info.isFallbackAdapter);
    const [context, leaveDevice] = await enterDevice(gpuJs);
    entered.unshift(leaveDevice);
    return new WebGpuDevice(gpuJs, context, leave);
  } catch (error) {
    leave();
    throw error;
  }
}

async function openWebGl2({ gpuJs, software }: Options): Promise<Device> {
  const gl = openContext();
  try {
    refuseSoftware(software, rendererOf(gl));
    return new WebGl2Device(gpuJs, gl);
  } catch (error) {
    gl.getExtension('WEBGL_lose_context')?.loseContext();
    throw error;
  }
}

/** The adapter that gpu.js will take, or why there is none. */
async function findAdapter(): Promise<GPUAdapter> {
  const gpu = host.navigator?.gpu;
  if (!gpu) {
    throw new Error(
      host.isSecureContext === false
        ? 'gpu: a page has WebGPU only where it came by https or from localhost.'
        : "gpu: this browser has no WebGPU (there is no navigator.gpu). Use a current one, or mode 'webgl2'.",
    );
  }
  let reason = 'WebGPU is there, but finds no GPU (no adapter)';
  try {
    const adapter = await gpu.requestAdapter();
    if (adapter) return adapter;
  } catch (error) {
    reason = `WebGPU does not give a GPU: ${(error as Error).message}`;
  }
  throw new Error(
    `gpu: ${reason}. ` +
      (inNode()
        ? "Install the GPU's driver (on Linux its Vulkan driver, such as mesa-vulkan-drivers or NVIDIA's; `vulkaninfo --summary` lists what there is, and " +
          'VK_ICD_FILENAMES hides all others where it is set), check the options `dawn`, or use a CPU backend.'
        : 'Hardware acceleration may be off, or the driver blocked: see chrome://gpu or about:support.'),
  );
}

/** @throws Error if `renderer`, what the GPU calls itself, is a program that emulates one, unless that will do. */
function refuseSoftware(software: boolean, renderer: string, fallback = false): void {
  if (software || !(fallback || /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i.test(renderer))) return;
  throw new Error(
    `gpu: the only GPU found is emulated in software (${renderer.trim()}), which is slower than a CPU backend. ` +
      "Install the GPU's driver, use a CPU backend, or, for a test, take it with `gpu({ software: true })`.",
  );
}

/** Counts who uses something; the last one to leave closes it. */
class Shared {
  readonly #close: () => void;
  #users = 0;

  constructor(close: () => void) {
    this.#close = close;
  }

  /** Returns how to leave, which counts once. */
  enter(): () => void {
    this.#users++;
    let inside = true;
    return () => {
      if (inside && --this.#users === 0) this.#close();
      inside = false;
    };
  }
}

/** What stands on navigator.gpu by our doing. */
let placed: { readonly gpu: GPU; readonly options: string; readonly shared: Shared } | undefined;

/** Puts Dawn on navigator.gpu, where gpu.js looks for it, unless something is there. Returns how to take it away, which is done for the last backend that uses it. */
async function enterDawn(options: readonly string[], packages: Packages): Promise<() => void> {
  if (inNode() && !host.navigator?.gpu) {
    const dawn = await loadDawn(packages);
    // Another call may have been faster.
    if (!host.navigator?.gpu) placed = place(dawn, options);
  }
  if (!placed || placed.gpu !== host.navigator?.gpu) return () => {};
  if (options.length > 0 && options.join() !== placed.options) {
    throw new Error(
      `gpu: Dawn is in use already, with the options [${placed.options}], and all GPU backends of a process share it. ` +
        `Dispose of them before asking for [${options.join()}].`,
    );
  }
  return placed.shared.enter();
}

/** One Dawn for each list of options, kept for good: where garbage collection destroys one that still has work to end, Node crashes. */
const started = new WeakMap<Dawn['create'], Map<string, GPU>>();

function place({ create }: Dawn, list: readonly string[]): typeof placed {
  const options = list.join();
  let gpus = started.get(create);
  if (!gpus) started.set(create, (gpus = new Map<string, GPU>()));
  let gpu = gpus.get(options);
  if (!gpu) gpus.set(options, (gpu = create(list)));
  const own = !host.navigator;
  const navigator = (host.navigator ??= {});
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  const remove = (): void => {
    placed = undefined;
    if (navigator.gpu !== gpu) return;
    Reflect.deleteProperty(navigator, 'gpu');
    if (own && host.navigator === navigator) delete host.navigator;
  };
  return { gpu, options, shared: new Shared(remove) };
}

/** gpu.js has one device at a time, the same promise for all who ask; after a loss it makes another. */
const devices = new WeakMap<Promise<GpuContext>, Shared>();

/** gpu.js's device, and how to leave it, which destroys it for the last backend. */
async function enterDevice(gpuJs: GpuJs): Promise<[context: GpuContext, leave: () => void]> {
  const opening = gpuJs.WebGPUContext.acquire();
  let context: GpuContext | undefined;
  let shared = devices.get(opening);
  if (!shared) {
    // Through gpu.js, so that whoever asks next gets a new one; but not where it is lost, and gpu.js may have another one by now.
    shared = new Shared(() => {
      if (context?.isLost === false) void gpuJs.WebGPUContext.destroy();
    });
    devices.set(opening, shared);
  }
  // Before waiting: meanwhile another backend may leave.
  const leave = shared.enter();
  try {
    context = await opening;
    return [context, leave];
  } catch (error) {
    leave();
    throw new Error(`gpu: the GPU gives no device: ${(error as Error).message}`, { cause: error });
  }
}
