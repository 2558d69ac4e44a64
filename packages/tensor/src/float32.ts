/** The least float32 number not below `x`. */
export function float32AtLeast(x: number): number {
  const rounded = Math.fround(x);
  return rounded >= x ? rounded : neighbour(rounded, 1);
}

/** The greatest float32 number not above `x`. */
export function float32AtMost(x: number): number {
  return -float32AtLeast(-x);
}

/** The greatest float32 number below `x`. */
export function float32Below(x: number): number {
  const rounded = Math.fround(x);
  return rounded < x ? rounded : neighbour(rounded, -1);
}

/** The next float32 number upwards or downwards. */
function neighbour(x: number, direction: 1 | -1): number {
  if (x === 0) return direction * 2 ** -149;
  const number = Float32Array.of(x);
  // Floats of one sign are ordered as their bits are.
  new Int32Array(number.buffer)[0]! += x > 0 ? direction : -direction;
  return number[0]!;
}
