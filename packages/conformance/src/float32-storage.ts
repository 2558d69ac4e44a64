import type { Skip } from './registry.ts';

const reason = 'it has the whole number 16777217, but elements are float32 on the device: exact up to 2^24';

/** The cases that no backend can pass which keeps elements of every type as float32, as GPUs do. */
export const float32Storage: readonly Skip[] = [
  { case: 'cast: int32 to float32', reason },
  { case: 'cast: int32 to uint8', reason },
];
