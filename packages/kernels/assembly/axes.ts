// Walking through memory along nested axes.

/**
 * Writes where `count` consecutive elements lie, from number `start` on: byte offsets of four nested axes, innermost last. `counts` and `strides`
 * (in bytes) are four words each.
 */
export function fillOffsets(to: usize, counts: usize, strides: usize, start: i32, count: i32): void {
  const n1 = load<i32>(counts, 4), n2 = load<i32>(counts, 8), n3 = load<i32>(counts, 12);
  const s0 = load<i32>(strides), s1 = load<i32>(strides, 4), s2 = load<i32>(strides, 8), s3 = load<i32>(strides, 12);
  let i3 = start % n3, rest = start / n3;
  let i2 = rest % n2;
  rest /= n2;
  let i1 = rest % n1, i0 = rest / n1;
  const ramp = i32x4.mul(i32x4.splat(s3), i32x4(0, 1, 2, 3));
  while (count > 0) {
    let run = min(count, n3 - i3);
    count -= run;
    let offset = i0 * s0 + i1 * s1 + i2 * s2 + i3 * s3;
    for (; run >= 4; run -= 4) {
      v128.store(to, i32x4.add(i32x4.splat(offset), ramp));
      offset += s3 * 4;
      to += 16;
    }
    for (; run > 0; run--) {
      store<i32>(to, offset);
      offset += s3;
      to += 4;
    }
    i3 = 0;
    if (++i2 == n2) {
      i2 = 0;
      if (++i1 == n1) {
        i1 = 0;
        i0++;
      }
    }
  }
}

/** Byte offset of element number `index` along four nested axes. */
export function offsetOf(counts: usize, strides: usize, index: i32): i32 {
  let offset = 0;
  for (let axis: usize = 16; axis > 0; ) {
    axis -= 4;
    const n = load<i32>(counts + axis);
    offset += (index % n) * load<i32>(strides + axis);
    index /= n;
  }
  return offset;
}

// A cursor walks several operands through the same loops of any depth. Its axes are words: `rank` counts, outermost first, then `rank` byte strides
// for each operand. Its state is the byte offset of each of up to four operands, then the position along each axis.
const POSITIONS: usize = 16;

/** Moves a cursor to row number `row`. */
export function seek(state: usize, axes: usize, rank: i32, operands: i32, row: i32): void {
  for (let o = 0; o < operands; o++) store<i32>(state + (<usize>o << 2), 0);
  for (let axis = rank - 1; axis >= 0; axis--) {
    const count = load<i32>(axes + (<usize>axis << 2));
    const position = row % count;
    row /= count;
    store<i32>(state + POSITIONS + (<usize>axis << 2), position);
    for (let o = 0; o < operands; o++) {
      const at = state + (<usize>o << 2);
      store<i32>(at, load<i32>(at) + position * load<i32>(axes + (<usize>(rank * (o + 1) + axis) << 2)));
    }
  }
}

/** Moves a cursor to the next row. */
export function advance(state: usize, axes: usize, rank: i32, operands: i32): void {
  for (let axis = rank - 1; axis >= 0; axis--) {
    const at = state + POSITIONS + (<usize>axis << 2);
    const position = load<i32>(at) + 1;
    const wrapped = position == load<i32>(axes + (<usize>axis << 2));
    const steps = wrapped ? 1 - position : 1;
    for (let o = 0; o < operands; o++) {
      const offset = state + (<usize>o << 2);
      store<i32>(offset, load<i32>(offset) + steps * load<i32>(axes + (<usize>(rank * (o + 1) + axis) << 2)));
    }
    store<i32>(at, wrapped ? 0 : position);
    if (!wrapped) return;
  }
}
