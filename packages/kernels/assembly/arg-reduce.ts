// Where the extremes are.

import { beats, select } from './vector';

// @ts-ignore: decorator
@inline
function wins<T>(largest: bool, value: T, best: T): bool {
  const further = largest ? value > best : value < best;
  if (isFloat<T>()) return further || (value != value && best == best);
  return further;
}

// Steps of four lanes.
const RAMP = memory.data<i32>([0, 1, 2, 3]);

/** Index of the first extreme of `n` neighbouring floats, at least four. */
// @ts-ignore: decorator
@inline
function ofRow(largest: bool, p: usize, n: i32): i32 {
  let best = v128.load(p), places = v128.load(RAMP), here = places, i = 4;
  const four = i32x4.splat(4);
  for (; i + 4 <= n; i += 4) {
    here = i32x4.add(here, four);
    const v = v128.load(p + (<usize>i << 2)), ahead = beats(largest, v, best);
    best = select(v, best, ahead);
    places = select(here, places, ahead);
  }
  // Lanes hold every fourth element: of equals the one with the lowest place is the first.
  let extreme = f32x4.extract_lane(best, 0), index = i32x4.extract_lane(places, 0);
  for (let lane = 1; lane < 4; lane++) {
    best = v128.shuffle<i32>(best, best, 1, 2, 3, 0);
    places = v128.shuffle<i32>(places, places, 1, 2, 3, 0);
    const value = f32x4.extract_lane(best, 0), at = i32x4.extract_lane(places, 0);
    const same = value == extreme || (value != value && extreme != extreme);
    if (wins<f32>(largest, value, extreme) || (same && at < index)) {
      extreme = value;
      index = at;
    }
  }
  for (; i < n; i++) {
    const value = load<f32>(p + (<usize>i << 2));
    if (wins<f32>(largest, value, extreme)) {
      extreme = value;
      index = i;
    }
  }
  return index;
}

/** Indices of the first extremes of four neighbouring columns of floats. */
// @ts-ignore: decorator
@inline
function ofColumns(largest: bool, p: usize, length: i32, step: usize): v128 {
  let best = v128.load(p), places = i32x4.splat(0), here = places;
  const one = i32x4.splat(1);
  for (let i = 1; i < length; i++) {
    p += step;
    here = i32x4.add(here, one);
    const v = v128.load(p), ahead = beats(largest, v, best);
    best = select(v, best, ahead);
    places = select(here, places, ahead);
  }
  return places;
}

/**
 * Index of the first extreme along an axis. Words: from, to, length of the axis, inner length, outputs, outputs a chunk.
 */
// @ts-ignore: decorator
@inline
function argReduce<T>(largest: bool, args: usize, chunk: i32): void {
  const from = load<usize>(args), to = load<usize>(args, 4), length = load<i32>(args, 8), inner = load<i32>(args, 12);
  const first = chunk * load<i32>(args, 20), last = min(load<i32>(args, 16), first + load<i32>(args, 20));
  const step = <usize>inner * sizeof<T>();
  let outer = first / inner, column = first % inner;
  for (let output = first; output < last; ) {
    let p = from + <usize>(outer * length * inner + column) * sizeof<T>(), count = 1;
    const target = to + (<usize>output << 2);
    if (isFloat<T>() && inner == 1 && length >= 4) store<i32>(target, ofRow(largest, p, length));
    else if (isFloat<T>() && column + 4 <= inner && output + 4 <= last) {
      v128.store(target, ofColumns(largest, p, length, step));
      count = 4;
    } else {
      let best = load<T>(p), index = 0;
      for (let i = 1; i < length; i++) {
        p += step;
        const value = load<T>(p);
        if (wins<T>(largest, value, best)) {
          best = value;
          index = i;
        }
      }
      store<i32>(target, index);
    }
    output += count;
    column += count;
    if (column == inner) {
      column = 0;
      outer++;
    }
  }
}

export function argmax_float32(args: usize, chunk: i32, scratch: usize): void {
  argReduce<f32>(true, args, chunk);
}
export function argmin_float32(args: usize, chunk: i32, scratch: usize): void {
  argReduce<f32>(false, args, chunk);
}
export function argmax_int32(args: usize, chunk: i32, scratch: usize): void {
  argReduce<i32>(true, args, chunk);
}
export function argmin_int32(args: usize, chunk: i32, scratch: usize): void {
  argReduce<i32>(false, args, chunk);
}
export function argmax_uint8(args: usize, chunk: i32, scratch: usize): void {
  argReduce<u8>(true, args, chunk);
}
export function argmin_uint8(args: usize, chunk: i32, scratch: usize): void {
  argReduce<u8>(false, args, chunk);
}
