/** A kernel computes chunk number `chunk` of the work that the words at address `args` describe. */
export type Kernel = (args: number, chunk: number, scratch: number) => void;

// The types that declarations name are spelled out: without the DOM's library, TypeScript does not know WebAssembly's.

/** A WebAssembly.Memory. */
export interface LinearMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

/** A WebAssembly.Module. */
export type CompiledModule = object;

/**
 * How the kernels were compiled: with relaxed SIMD (fused multiply-add) where the engine has it, or with plain SIMD. The wide ones are relaxed ones for engines
 * that fuse pairs of vectors into such of 256 bits; in others they are slower.
 */
export type Flavour = keyof typeof modules;

const modules = {
  plain: () => import('./generated/plain.ts'),
  relaxed: () => import('./generated/relaxed.ts'),
  wide: () => import('./generated/wide.ts'),
};

/** A module of one function that uses one relaxed instruction, f32x4.relaxed_madd. */
const relaxedProbe = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 8, 1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b],
  ...[3, 2, 1, 0],
  ...[10, 13, 1, 11, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x85, 0x02, 0x0b],
);

/** Whether this engine runs relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(relaxedProbe);
}

/** The better flavour this engine runs. */
export function bestFlavour(): Flavour {
  return hasRelaxedSimd() ? 'relaxed' : 'plain';
}

/**
 * Compiles the kernels. Only the flavour asked for is loaded. With `shared`, the module takes a shared memory; the kernels use no atomics, so the two
 * differ in one bit: a flag of the memory that is imported.
 * @throws Error if the engine cannot run the flavour.
 */
export async function compileKernels(
  flavour: Flavour,
  options: { readonly shared?: boolean } = {},
): Promise<CompiledModule> {
  const { base64 } = await modules[flavour]();
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  if (options.shared) markShared(bytes);
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new Error(
      `This engine cannot run the ${flavour} kernels. They need WebAssembly SIMD${flavour !== 'plain' ? " with the relaxed extension; choose { simd: 'plain' }" : ' (Node 16.4, Chrome 91, Firefox 89, Safari 16.4 or later)'}.`,
      { cause },
    );
  }
}

/** The kernels of a compiled module over `memory`, by name, and the first address that is free for data. */
export function instantiateKernels(
  module: CompiledModule,
  memory: LinearMemory,
): { readonly kernels: Readonly<Record<string, Kernel>>; readonly base: number } {
  const imports = { env: { memory: memory as WebAssembly.Memory, abort } };
  const { heapBase, ...kernels } = new WebAssembly.Instance(module, imports).exports;
  return { kernels: kernels as Record<string, Kernel>, base: (heapBase as () => number)() };
}

function abort(): never {
  throw new Error('A kernel was called in a way it does not support; this is a bug in @receptive/kernels.');
}

const IMPORT_SECTION = 2;
const MEMORY_IMPORT = 2;
const HAS_MAXIMUM = 1;
const SHARED = 2;

/** Turns the module's memory import into one of a shared memory. */
function markShared(bytes: Uint8Array): void {
  let at = 8;
  const next = (): number => bytes[at++]!;
  const integer = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = next();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const skipName = (): void => {
    const length = integer();
    at += length;
  };
  while (next() !== IMPORT_SECTION) {
    const length = integer();
    at += length;
  }
  integer();
  for (let imports = integer(); imports > 0; imports--) {
    skipName();
    skipName();
    if (next() === MEMORY_IMPORT) {
      bytes[at] = HAS_MAXIMUM | SHARED;
      return;
    }
    integer();
  }
}
