import { sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Plan } from './plan.ts';
import { pieces } from './plan.ts';

export function gather(x: Located, index: Located, out: Located, axis: number): Plan {
  const inner = sizeOf(x.shape.slice(axis + 1));
  const places = index.shape[axis]!;
  const lines = sizeOf(index.shape.slice(0, axis + 1));
  const grain = Math.max(1, Math.floor(GRAIN / inner));
  const words = [x.address, index.address, out.address, x.shape[axis]!, places, inner, lines, grain];
  return [{ kernel: `gather_${x.dtype}`, words, chunks: pieces(lines, grain), scratch: 0 }];
}

export function scatterAdd(source: Located, index: Located, out: Located, axis: number): Plan {
  const inner = sizeOf(source.shape.slice(axis + 1));
  const outer = sizeOf(source.shape.slice(0, axis));
  const [places, length] = [source.shape[axis]!, out.shape[axis]!];
  // A chunk has cache lines of its own.
  const grain = Math.min(inner, Math.max(64, Math.floor(GRAIN / (places + length))));
  const chunks = pieces(inner, grain);
  const together = chunks === 1 ? Math.max(1, Math.floor(GRAIN / (inner * (places + length)))) : 1;
  const words = [source.address, index.address, out.address, length, places, inner, outer, grain, chunks, together];
  return [{ kernel: `scatterAdd_${source.dtype}`, words, chunks: pieces(outer, together) * chunks, scratch: 0 }];
}
