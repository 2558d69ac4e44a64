// The part of gpu.js that is used here. Its own types leave some of it out, and call some of it otherwise than it is.

/** A type of a number that a kernel is given. */
type NumberType = 'Integer' | 'Float' | 'Number';

/** A function that kernels can call. */
export interface GpuFunction {
  readonly source: string;
  readonly settings: {
    readonly argumentTypes: { readonly [name: string]: NumberType };
    readonly returnType: NumberType;
  };
}

/** A kernel, behind the function that gpu.js returns to run it. */
export interface GpuKernel {
  readonly constructor: { readonly mode: string };
  build(...args: readonly unknown[]): unknown;
  destroy(): void;
  /** Translates and compiles asynchronously; only WebGPU's kernels have it. */
  _buildAsync?: () => Promise<void>;
  /** WGSL, once it is built. */
  readonly compiledSource?: string;
  /** Of WebGL2, once it is built. */
  readonly program?: WebGLProgram;
  /** The parameters, once it is built for WebGL2: what their uniforms are called. */
  readonly kernelArguments?: readonly { readonly id: string }[];
}

/** An instance of gpu.js, in one of its modes. */
export interface Gpu {
  createKernel(source: string, settings: object): { readonly kernel: GpuKernel };
  addFunction(source: string, settings: GpuFunction['settings']): this;
  /** Puts a string before the functions of every kernel. */
  injectNative(source: string): this;
}

/** gpu.js's one WebGPU device. */
export interface GpuContext {
  readonly adapter: GPUAdapter;
  readonly device: GPUDevice;
  readonly isLost: boolean;
}

/** What gpu.js exports. */
export interface GpuJs {
  readonly GPU: new (settings: {
    readonly mode: 'webgpu' | 'webgl2';
    readonly context?: WebGL2RenderingContext;
  }) => Gpu;
  readonly input: (value: Float32Array, size: readonly number[]) => object;
  readonly WebGPUContext: { acquire(): Promise<GpuContext>; destroy(): Promise<void> };
}

/** How the packages that this one needs are imported. Neither is a dependency: who computes in the browser needs no Dawn, and who has no GPU needs neither. */
export interface Packages {
  gpuJs(): Promise<object>;
  dawn(): Promise<object>;
}

/** WebGPU's implementation in Node. */
export interface Dawn {
  readonly create: (options: readonly string[]) => GPU;
}

/** Not a literal, so that bundlers for the browser do not look for it. */
const webgpu = 'webgpu';

/** The packages that are installed. */
export const installed: Packages = {
  async gpuJs() {
    // Where it is tried, what may be missing is a warning to bundlers, not an error.
    try {
      return await import('gpu.js');
    } catch (error) {
      throw error instanceof Error ? error : new Error(String(error));
    }
  },
  dawn: () => import(/* @vite-ignore */ /* webpackIgnore: true */ webgpu) as Promise<object>,
};

/**
 * Loads gpu.js.
 * @throws Error if it is not installed, or too old.
 */
export async function loadGpuJs(packages: Packages): Promise<GpuJs> {
  let module: Partial<GpuJs> & { readonly default?: Partial<GpuJs> };
  try {
    module = await packages.gpuJs();
  } catch (error) {
    throw new Error(
      `gpu: gpu.js is not installed, or does not load. Install it beside @receptive/backend-gpu: \`npm install gpu.js\`. (${messageOf(error)})`,
      { cause: error },
    );
  }
  const gpuJs = module.default ?? module;
  if (!gpuJs.WebGPUContext) {
    throw new Error(
      'gpu: the gpu.js that is installed is too old to know WebGPU. Update it: `npm install gpu.js@latest`.',
    );
  }
  return gpuJs as GpuJs;
}

/**
 * Loads Dawn.
 * @throws Error if the package webgpu is not installed, or its native module does not load.
 */
export async function loadDawn(packages: Packages): Promise<Dawn> {
  try {
    return (await packages.dawn()) as Dawn;
  } catch (error) {
    const missing = (error as { readonly code?: unknown }).code === 'ERR_MODULE_NOT_FOUND';
    throw new Error(
      missing
        ? 'gpu: Node has no WebGPU of its own, and the package webgpu is not installed. Install it: `npm install webgpu`.'
        : `gpu: the package webgpu is installed, but its native module does not load: ${messageOf(error)}. ` +
            'Install a version for this system (`npm install webgpu@latest`; what gpu.js brings along is older and needs a newer glibc), or use a CPU backend.',
      { cause: error },
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
