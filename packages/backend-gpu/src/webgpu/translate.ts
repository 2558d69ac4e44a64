import type { Gpu, GpuJs } from '../gpu-js.ts';
import type { Program, Script, Shader } from '../program.ts';
import { gpuFor, kernelOf } from '../scripts.ts';

/** A program as WebGPU takes it: bindings are the numbers (0), the memories read (1...), and the result. */
export interface Translated {
  readonly code: string;
  /** Threads along a workgroup of a script, which has one thread an element; undefined for a shader. */
  readonly threads: number | undefined;
  /** Words before the numbers, in what is bound at 0. */
  readonly head: number;
}

/** Threads that gpu.js puts into a workgroup of a flat kernel. */
const THREADS = 64;

/** Makes WGSL of programs. */
export function translator(gpuJs: GpuJs): (program: Program) => Translated {
  const gpu = gpuFor(gpuJs, { mode: 'webgpu' });
  const memory = { type: 'Array', example: gpuJs.input(new Float32Array(1), [1]) };
  return (program) => (program.kind === 'script' ? translate(gpu, program, memory) : complete(program));
}

/**
 * gpu.js writes the shader; it is run by our own queue. gpu.js's would make a promise of every call, one submission and several new buffers.
 * Its uniforms are the output's three lengths and the threads in a row of workgroups, then four words for each memory, then the numbers.
 */
function translate(gpu: Gpu, script: Script, memory: { readonly type: string; readonly example: object }): Translated {
  const made = kernelOf(gpu, script, memory);
  const { mode } = made.kernel.constructor;
  if (mode !== 'webgpu') throw new Error(`gpu.js made a ${mode} kernel where a webgpu one was asked for.`);
  // Building translates at once, and would then compile the shader, which is ours to do.
  made.kernel._buildAsync = async () => {};
  made.build();
  const { compiledSource: code } = made.kernel;
  made.kernel.destroy();
  if (!code) throw new Error('gpu.js has left no WGSL behind.');
  return { code, threads: THREADS, head: 4 + 4 * script.reads.length };
}

function complete({ reads, vectors, integers, floats, body }: Shader): Translated {
  const numbers = [...integers.map((name) => `${name}: i32`), ...floats.map((name) => `${name}: f32`)];
  const code = [
    `struct Params { ${(numbers.length > 0 ? numbers : ['unused: i32']).join(', ')} }`,
    '@group(0) @binding(0) var<uniform> params: Params;',
    ...reads.map((name, i) => {
      const element = vectors.includes(name) ? 'vec4<f32>' : 'f32';
      return `@group(0) @binding(${i + 1}) var<storage, read> ${name}: array<${element}>;`;
    }),
    `@group(0) @binding(${reads.length + 1}) var<storage, read_write> result: array<f32>;`,
    body,
  ].join('\n');
  return { code, threads: undefined, head: 0 };
}
