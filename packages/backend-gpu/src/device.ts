import type { Program } from './program.ts';

/** Memory on the device: a flat array of float32 that is written once, by what made it, and shared from then on. */
export type Memory = object;

/** One run of a program. */
export interface Run {
  readonly program: Program;
  readonly reads: readonly Memory[];
  /** The program's integers, then its floats. */
  readonly values: readonly number[];
  /** Elements of the output. */
  readonly length: number;
  /** How many workgroups a shader takes; a script has one thread an element. */
  readonly groups?: number;
}

/** One of the two machines that run kernels: WebGPU or WebGL2. Work is enqueued; only {@link read} and {@link flush} wait. */
export interface Device {
  readonly mode: 'webgpu' | 'webgl2';
  /** For a person: the adapter, and what it can do. */
  describe(): string;
  /** The most elements one memory can have. */
  readonly maximumLength: number;
  /** Copies `data`, at once. */
  upload(data: Float32Array): Memory;
  run(run: Run): Memory;
  /** Takes one more hold on a memory, which has to be released once more. */
  share(memory: Memory): Memory;
  release(memory: Memory): void;
  /** The first `length` elements as they are now, whatever runs later. */
  read(memory: Memory, length: number): Promise<Float32Array>;
  /** The same at once, where the machine can. */
  readonly readSync: ((memory: Memory, length: number) => Float32Array) | undefined;
  /** Waits until all is done and what was released is free. Rejects with the first error that the machine reported. */
  flush(): Promise<void>;
  dispose(): void;
}
