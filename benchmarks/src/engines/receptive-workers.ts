import { workers } from '@receptive/backend-workers';
import type { Engine } from '../engine.ts';
import { receptive } from './receptive.ts';

/** Receptive on so many threads, networks compiled. */
export async function start(threads: number): Promise<Engine> {
  const backend = await workers({ threads });
  return { ...receptive(backend), dispose: () => backend.dispose() };
}
