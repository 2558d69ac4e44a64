import type { Kernel } from './module.ts';
import type { Program } from './program.ts';

/** Kernels by their names, as an instance of the module exports them. */
export type KernelTable = Readonly<Record<string, Kernel>>;

/** Where a program that runs finds its words and its scratch. */
export interface Workspace {
  /** Address of the program's words. */
  readonly words: number;
  /** Address of the first thread's scratch, a multiple of 64. */
  readonly scratch: number;
  /** Bytes from one thread's scratch to the next one's. */
  readonly stride: number;
}

/** Who computes the chunks of programs: the calling thread, alone or with others. */
export interface Crew {
  /** How many threads compute at most; each has scratch of its own. */
  readonly threads: number;
  /** For people: how many compute, and whatever else there is to know. */
  describe(): string;
  /** Runs a program to its end: all chunks of a phase, in any order, before the next phase. */
  run(program: Program, workspace: Workspace): void;
  /** Resolves when nobody is missing. Undefined where nobody ever is. */
  readonly whole?: () => Promise<void>;
  /** Lets everybody go. */
  dispose(): void;
}

/** The kernel of a phase. */
export function kernelOf(kernels: KernelTable, name: string): Kernel {
  const kernel = kernels[name];
  if (kernel) return kernel;
  throw new TypeError(`There is no kernel ${name}; the op does not support this dtype. Convert with cast().`);
}

/** The calling thread alone. */
export function alone(kernels: KernelTable): Crew {
  return {
    threads: 1,
    describe: () => 'one thread',
    run({ phases }, { words, scratch }) {
      for (const { kernel, args, chunks } of phases) {
        const compute = kernelOf(kernels, kernel);
        for (let chunk = 0; chunk < chunks; chunk++) compute(words + args, chunk, scratch);
      }
    },
    dispose() {},
  };
}
