import type { Operand } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { Device, Memory } from './device.ts';
import type { Program, Script, Shader } from './program.ts';

/** What kernels run programs with. */
export interface Runner {
  /** Runs `program` over the inputs and the numbers (integers, then floats): one thread for each element of `out`. */
  run(program: Script, out: Operand, reads: readonly Operand[], values?: readonly number[]): void;
  /** Runs a shader in so many workgroups, or a few more: they lie in rows of `num_workgroups.x` each. */
  runShader(program: Shader, out: Operand, reads: readonly Operand[], values: readonly number[], groups: number): void;
  /** Gives `out` the memory of `x`: nothing is copied, since memory is written only once. */
  share(x: Operand, out: Operand): void;
  /** Calls `use` with an intermediate result of `length` float32, which is gone afterwards. */
  temporary(length: number, use: (operand: Operand) => void): void;
}

/** Memory of one tensor. It has none before something is written, and another one after each writing. */
export class Box {
  readonly device: Device;
  readonly bytes: number;
  memory: Memory | undefined;
  freed = false;

  constructor(device: Device, bytes: number) {
    this.device = device;
    this.bytes = bytes;
  }

  /** Lets go of what it holds for `memory`. */
  hold(memory: Memory | undefined): void {
    const before = this.memory;
    this.memory = memory;
    if (before) this.device.release(before);
  }
}

/** Runs programs on `device`; `boxOf` finds the memory of an operand. */
export function runner(device: () => Device, boxOf: (operand: Operand) => Box): Runner {
  const run = (
    program: Program,
    out: Operand,
    reads: readonly Operand[],
    values: readonly number[],
    groups?: number,
  ): void => {
    const memories = reads.map((read) => memoryOf(boxOf(read), device()));
    const into = boxOf(out);
    into.hold(
      device().run({
        program,
        reads: memories,
        values,
        length: sizeOf(out.shape),
        ...(groups !== undefined && { groups }),
      }),
    );
  };
  return {
    run: (program, out, reads, values = []) => run(program, out, reads, values),
    runShader: run,
    share(x, out) {
      boxOf(out).hold(device().share(memoryOf(boxOf(x), device())));
    },
    temporary(length, use) {
      const box = new Box(device(), length * 4);
      try {
        use({ storage: box, shape: [length], dtype: 'float32' });
      } finally {
        box.hold(undefined);
      }
    },
  };
}

/** The memory of a box. What was never written reads as zeros, as uninitialised memory may. */
export function memoryOf(box: Box, device: Device): Memory {
  if (!box.memory) box.memory = device.upload(new Float32Array(Math.max(1, box.bytes / 4)));
  return box.memory;
}
