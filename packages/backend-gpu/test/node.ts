// What tests in Node need to open the GPU.
import { existsSync } from 'node:fs';
import type { GpuOptions } from '@receptive/backend-gpu';
import { test } from 'vitest';
import type { TestContext } from 'vitest';

/** The software Vulkan that Debian's Chromium carries. */
const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';

if (process.env['VK_ICD_FILENAMES'] === undefined && existsSync(driver)) process.env['VK_ICD_FILENAMES'] = driver;

const dawn = ['backend=vulkan'];

/** How tests in Node open the GPU: an emulated one will do. */
export const options: GpuOptions = { mode: 'webgpu', software: true, dawn };

/** Whether Vulkan has any GPU. Dawn itself is asked: what our own code cannot open is no reason to skip a test. */
async function hasGpu(): Promise<boolean> {
  try {
    const name = 'webgpu'; // not a literal: its types are at odds with TypeScript's
    const dawnOfNode = (await import(name)) as { create(options: readonly string[]): GPU };
    return (await dawnOfNode.create(dawn).requestAdapter()) !== null;
  } catch {
    return false;
  }
}

const missing = (await hasGpu())
  ? undefined
  : 'Vulkan has no GPU here. Install a driver: that of the GPU, or, for an emulated one, `apt-get install chromium libvulkan1`';

/** For `beforeEach`: skips tests that need a GPU where there is none. */
export function needsGpu({ skip }: TestContext): void {
  if (missing !== undefined) skip(missing);
}

/** Declares tests that open a GPU when they are declared; where there is none, one that is skipped stands for them. */
export const onGpu: (declare: () => void) => void =
  missing === undefined ? (declare) => declare() : () => test('all tests on a GPU in Node', needsGpu);
