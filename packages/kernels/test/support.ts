import { setFlagsFromString } from 'node:v8';
import type { DType, Kernels, Operand, TypedArray } from '@receptive/backend';
import { dtypeOf, sizeOf, typedArray } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import { expect } from 'vitest';
import { Heap, compileKernels, hasRelaxedSimd, instantiateKernels, link, plannedKernels } from '../src/index.ts';
import type { CompiledModule, Flavour, Host, LinearMemory, Program } from '../src/index.ts';

// Node 20 has relaxed SIMD behind a flag that can still be set now.
if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');

/** The flavours that can be tested in this engine. */
export const flavours: readonly Flavour[] = hasRelaxedSimd() ? ['plain', 'relaxed', 'wide'] : ['plain'];

/** Bytes that are watched behind a chunk's scratch. */
const GUARD = 4096;

/** In which order the chunks of a phase run. */
export type Order = 'forward' | 'backward';

/** The kernels over a small memory, with operands made from arrays. */
export class TestHost {
  readonly host: Host;
  readonly kernels: Required<Kernels>;
  readonly heap: Heap;
  order: Order = 'forward';
  readonly #memory: LinearMemory;
  readonly #exports: ReturnType<typeof instantiateKernels>['kernels'];
  #reserved: number | undefined;

  constructor(module: CompiledModule, memory: LinearMemory = new WebAssembly.Memory({ initial: 4, maximum: 65536 })) {
    this.#memory = memory;
    const { kernels, base } = instantiateKernels(module, memory);
    this.#exports = kernels;
    this.heap = new Heap(memory, base, 2 ** 32);
    this.host = {
      addressOf: (storage) => (storage as { address: number }).address,
      reserve: (bytes) => (this.#reserved = this.#allocate(bytes)),
      run: (program, values) => this.#run(program, values),
    };
    this.kernels = plannedKernels(this.host);
  }

  static async create(flavour: Flavour): Promise<TestHost> {
    return new TestHost(await compileKernels(flavour));
  }

  /** Memory full of NaN, so that whoever reads what was never written is found out. */
  #allocate(bytes: number): number {
    const address = this.heap.allocate(bytes);
    new Uint8Array(this.#memory.buffer, address, bytes).fill(0xff);
    return address;
  }

  operand(dtype: DType, shape: readonly number[], data?: TypedArray): Operand {
    const array = typedArray(dtype, sizeOf(shape));
    const address = this.#allocate(array.byteLength);
    if (data) this.#view(address, array).set(data);
    return { storage: { address }, dtype, shape };
  }

  read({ storage, dtype, shape }: Operand): TypedArray {
    const array = typedArray(dtype, sizeOf(shape));
    array.set(this.#view((storage as { address: number }).address, array));
    return array;
  }

  write({ storage }: Operand, data: TypedArray): void {
    this.#view((storage as { address: number }).address, data).set(data);
  }

  free(...operands: readonly Operand[]): void {
    for (const { storage } of operands) this.heap.free((storage as { address: number }).address);
  }

  #view(address: number, like: TypedArray): TypedArray {
    return new (like.constructor as Float32ArrayConstructor)(this.#memory.buffer, address, like.length);
  }

  #run(program: Program, values: readonly number[]): void {
    const at = this.#allocate(program.words.byteLength);
    link(program, values, new Int32Array(this.#memory.buffer), at / 4);
    for (const { kernel, args, chunks } of program.phases) {
      // Behind what a chunk may use lies what it must leave alone.
      const own = this.#allocate(program.scratch + GUARD);
      for (let i = 0; i < chunks; i++)
        this.#exports[kernel]!(at + args, this.order === 'forward' ? i : chunks - 1 - i, own);
      const guard = new Uint8Array(this.#memory.buffer, own + program.scratch, GUARD);
      if (guard.some((byte) => byte !== 0xff)) throw new Error(`${kernel} writes beyond its scratch.`);
      this.heap.free(own);
    }
    this.heap.free(at);
    if (this.#reserved !== undefined) this.heap.free(this.#reserved);
    this.#reserved = undefined;
  }
}

/** A seeded sequence of numbers between 0 and 1 (mulberry32). */
export function sequence(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `length` float32 between -1 and 1. */
export function noise(length: number, random: () => number): Float32Array {
  return Float32Array.from({ length }, () => random() * 2 - 1);
}

/** An operand given as an array. */
export interface Given {
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** An output to be made. */
export interface Wanted {
  readonly shape: readonly number[];
  /** float32 unless given; the reference then computes float64. */
  readonly dtype?: DType;
}

export type Call = (kernels: Required<Kernels>, inputs: Operand[], outputs: Operand[]) => void;

/**
 * Runs a kernel on the host and, in float64, on the reference, and expects `|got - expected| <= c * eps * scale`, where scale is what the reference gives
 * for the inputs' magnitudes: the sum of |products|; `magnitude` computes it where the kernel subtracts. The same bits must come out when chunks run backwards, and no memory may be left over.
 */
export function agrees(
  host: TestHost,
  inputs: readonly Given[],
  outputs: readonly Wanted[],
  call: Call,
  c: number,
  magnitude = call,
): void {
  const results = computed(host, inputs, outputs, call);
  expect(computed(host, inputs, outputs, call, 'backward')).toEqual(results);
  const expected = exactly(inputs, outputs, call);
  const scales = exactly(
    inputs.map(({ shape, data }) => ({ shape, data: data instanceof Float32Array ? data.map(Math.abs) : data })),
    outputs,
    magnitude,
  );
  results.forEach((got, k) => {
    const worst = { error: 0, at: -1 };
    got.forEach((value, i) => {
      const error = Math.abs(value - expected[k]![i]!) / (scales[k]![i]! * 2 ** -24 + 1e-30);
      if (!(error <= worst.error)) Object.assign(worst, { error, at: i });
    });
    expect(
      worst.error,
      `output ${k} at ${worst.at}: ${got[worst.at]} for ${expected[k]![worst.at]}`,
    ).toBeLessThanOrEqual(c);
  });
}

/** What the host gives. No memory may be left over. */
export function computed(
  host: TestHost,
  inputs: readonly Given[],
  outputs: readonly Wanted[],
  call: Call,
  order: Order = 'forward',
): TypedArray[] {
  const before = host.heap.bytes;
  host.order = order;
  const ins = inputs.map(({ shape, data }) => host.operand(dtypeOf(data)!, shape, data));
  const outs = outputs.map(({ shape, dtype = 'float32' }) => host.operand(dtype, shape));
  call(host.kernels, ins, outs);
  const results = outs.map((out) => host.read(out));
  host.free(...ins, ...outs);
  expect(host.heap.bytes).toBe(before);
  return results;
}

/** What the reference gives in float64. */
export function exactly(inputs: readonly Given[], outputs: readonly Wanted[], call: Call): TypedArray[] {
  const backend = reference();
  const operand = (shape: readonly number[], dtype: DType, data?: TypedArray): Operand => {
    const storage = backend.allocate(dtype, sizeOf(shape));
    if (data) backend.write(storage, data);
    return { storage, shape, dtype };
  };
  const ins = inputs.map(({ shape, data }) =>
    data instanceof Float32Array
      ? operand(shape, 'float64', Float64Array.from(data))
      : operand(shape, dtypeOf(data)!, data),
  );
  const outs = outputs.map(({ shape, dtype = 'float64' }) => operand(shape, dtype));
  call(backend.kernels as Required<Kernels>, ins, outs);
  return outs.map(({ storage, shape, dtype }) => backend.readSync!(storage, dtype, sizeOf(shape)));
}
