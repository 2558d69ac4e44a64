import type { Kernels } from '@receptive/backend';
import type { Device } from '../device.ts';
import type { Runner } from '../runner.ts';
import { convShaders } from '../shaders/conv.ts';
import { matmulShaders } from '../shaders/matmul.ts';
import { reduceShaders } from '../shaders/reduce.ts';
import { conv } from './conv.ts';
import { elementwise } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { matmul } from './matmul.ts';
import { optimisers } from './optimisers.ts';
import { reduce } from './reduce.ts';
import { views } from './views.ts';
import { windows } from './windows.ts';

/** All kernels: gpu.js's on both machines, and on WebGPU shaders for those on which training time depends. */
export function kernels(mode: Device['mode'], runner: Runner): Kernels {
  const scripts = {
    ...elementwise(runner),
    ...views(runner),
    ...indexing(runner),
    ...reduce(runner),
    ...matmul(runner),
    ...windows(runner),
    ...conv(runner),
    ...optimisers(runner),
  } as Kernels;
  if (mode === 'webgl2') return scripts;
  return { ...scripts, ...matmulShaders(runner), ...convShaders(runner), ...reduceShaders(runner) };
}
