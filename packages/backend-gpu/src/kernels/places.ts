// Index arithmetic in scripts, as text. Locals of a script are floats, loop counters from 0 are whole numbers: coordinates, which stay below 2^24, may be
// locals; numbers of elements are written where they are used.

/** One name an axis: `${name}0`, `${name}1`... */
export function perAxis(name: string, rank: number): string[] {
  return Array.from({ length: rank }, (_, axis) => `${name}${axis}`);
}

/** Coordinates of element number `number`, the outermost first. `lengths` are those of all axes but the outermost. */
export function coordinates(number: string, lengths: readonly string[]): string[] {
  return lengths.reduceRight<string[]>(
    ([outer, ...inner], length) => [`div(${outer}, ${length})`, `rem(${outer}, ${length})`, ...inner],
    [number],
  );
}

/** Declares the coordinates of the thread's element as locals. `lengths` are those of all axes but the outermost. */
export function locate(names: readonly string[], lengths: readonly string[]): string {
  const places = coordinates('this.thread.x', lengths);
  return names.map((name, axis) => `const ${name} = ${places[axis]!};`).join(' ');
}

/** The number of the element at `indices`, which are whole numbers. `lengths` are those of all axes but the outermost. */
export function numberOf(indices: readonly string[], lengths: readonly string[]): string {
  return indices.reduce((outer, index, axis) => `(${outer}) * ${lengths[axis - 1]!} + ${index}`);
}

/** Where `indices` lead in a memory of these strides. */
export function strided(indices: readonly string[], strides: readonly string[]): string {
  return ['0', ...indices.map((index, axis) => `${index} * ${strides[axis]!}`)].join(' + ');
}

/** Locals that hold whole numbers, as whole numbers. */
export function wholes(...locals: readonly string[]): string[] {
  return locals.map((local) => `whole(${local})`);
}

/** Blocks within blocks, each with what opens it (a loop, a condition), around `body`. */
export function nested(opened: readonly string[], body: string): string {
  return `${opened.map((open) => `${open} {`).join(' ')} ${body} ${'}'.repeat(opened.length)}`;
}

/** A loop that counts from 0. */
export function loop(counter: string, times: string): string {
  return `for (let ${counter} = 0; ${counter} < ${times}; ${counter}++)`;
}
