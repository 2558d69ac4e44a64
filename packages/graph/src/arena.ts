import type { DType } from '@receptive/backend';
import type { Memory, Step } from './lower.ts';

/** Memory that several intermediate results share, one after another. */
export interface Slot {
  readonly dtype: DType;
  /** Elements. */
  readonly size: number;
  readonly tenants: readonly Memory[];
}

interface Lifetime {
  readonly memory: Memory;
  readonly first: number;
  last: number;
}

/**
 * Gives what the steps write, but for `output`, to slots, such that results that are needed at the same time do not meet. The largest choose first, which wastes
 * little: Pisarchyk and Lee, Efficient memory management for deep neural net inference, arXiv:2001.03288.
 */
export function share(steps: readonly Step[], output: Memory): readonly Slot[] {
  const lifetimes = new Map<Memory, Lifetime>();
  for (const [at, { inputs, outputs }] of steps.entries()) {
    for (const { memory } of outputs) lifetimes.set(memory, { memory, first: at, last: at });
    for (const { memory } of inputs) {
      const lifetime = lifetimes.get(memory);
      if (lifetime) lifetime.last = at;
    }
  }
  lifetimes.delete(output);

  const slots: { dtype: DType; size: number; tenants: Memory[]; lifetimes: Lifetime[] }[] = [];
  for (const lifetime of [...lifetimes.values()].sort((a, b) => b.memory.size - a.memory.size)) {
    const { memory, first, last } = lifetime;
    const free = slots.find(
      (slot) =>
        slot.dtype === memory.dtype && slot.lifetimes.every((other) => last < other.first || first > other.last),
    );
    if (free) {
      free.tenants.push(memory);
      free.lifetimes.push(lifetime);
    } else {
      slots.push({ dtype: memory.dtype, size: memory.size, tenants: [memory], lifetimes: [lifetime] });
    }
  }
  return slots;
}
