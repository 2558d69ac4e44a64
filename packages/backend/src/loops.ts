/** Nested loops over several memories at once, innermost last: how often each runs, and how far each memory moves with it. */
export interface Loops {
  readonly counts: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** The same walk in as few loops as possible: loops that run once are left out, and neighbours that in every memory amount to one are merged. */
export function collapse(counts: readonly number[], ...strides: readonly (readonly number[])[]): Loops {
  const merged: number[] = [];
  const mergedStrides: number[][] = strides.map(() => []);
  for (let axis = 0; axis < counts.length; axis++) {
    const count = counts[axis]!;
    if (count === 1) continue;
    const last = merged.length - 1;
    if (last >= 0 && strides.every((own, i) => own[axis]! * count === mergedStrides[i]![last])) {
      merged[last]! *= count;
      strides.forEach((own, i) => (mergedStrides[i]![last] = own[axis]!));
    } else {
      merged.push(count);
      strides.forEach((own, i) => mergedStrides[i]!.push(own[axis]!));
    }
  }
  return { counts: merged, strides: mergedStrides };
}
