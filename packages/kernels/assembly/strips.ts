// Strips: rows of an image surrounded by zeros, copied to where they stay in the first-level cache. Their columns are sorted by the remainder that the stride
// leaves, so that the places which a tap meets are neighbours whatever the stride.

import { loadSteps } from './narrow';

/** Elements of a row of an image that one part of a strip's row holds: where they begin there, how many they are, where they begin in the image. */
export const PART: usize = 12;

/**
 * Copies `rows` rows of an image from row `first` on, which may lie outside. `parts` parts of `length` elements, a multiple of 4, make a row of the strip; each has
 * three words at `list`. In the image the elements of a part lie `step` bytes apart. A strip that is used `again` for rows of the same number has its zeros.
 */
export function fillStrip(
  image: usize, height: i32, width: i32, first: i32, to: usize, rows: i32, parts: i32, length: i32, list: usize, step: usize, again: bool,
): void {
  const bytes = <usize>length << 2, pitch = bytes * <usize>parts, end = list + <usize>parts * PART;
  for (let y = first; y < first + rows; y++) {
    const row = image + (<usize>(y * width) << 2);
    if (<u32>y < <u32>height) {
      for (let part = list, p = to; part < end; part += PART) {
        const begin = load<usize>(part) << 2, n = load<i32>(part, 4);
        if (!again) {
          // Whole vectors of zeros reach over what is copied then.
          clear(p, p + begin);
          clear(p + (begin + (<usize>n << 2) & -16), p + bytes);
        }
        copyLine(row + load<usize>(part, 8), step, n, p + begin);
        p += bytes;
      }
    } else if (!again) clear(to, to + pitch);
    to += pitch;
  }
}

// @ts-ignore: decorator
@inline
function clear(from: usize, to: usize): void {
  for (; from < to; from += 16) v128.store(from, i64x2.splat(0));
}

// @ts-ignore: decorator
@inline
function copyLine(from: usize, step: usize, n: i32, to: usize): void {
  if (n < 4) {
    for (; n > 0; n--) {
      store<f32>(to, load<f32>(from));
      from += step;
      to += 4;
    }
    return;
  }
  const last = from + <usize>(n - 4) * step, end = to + (<usize>(n - 4) << 2);
  if (step == 4) {
    for (; to + 48 < end; to += 64) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      v128.store(to, v128.load(from, 32), 32);
      v128.store(to, v128.load(from, 48), 48);
      from += 64;
    }
    for (; to < end; to += 16) {
      v128.store(to, v128.load(from));
      from += 16;
    }
    v128.store(end, v128.load(last));
  } else {
    for (; to < end; to += 16) {
      v128.store(to, loadSteps(false, from, step));
      from += step * 4;
    }
    v128.store(end, loadSteps(false, last, step));
  }
}

/** Writes a row of an image of which each `parts`-th element, from the k-th on, lies in the k-th of lines that are `pitch` bytes apart. */
export function mergeColumns(from: usize, pitch: usize, parts: i32, to: usize, width: i32): void {
  if (parts == 2) {
    let n = width;
    for (; n >= 8; n -= 8) {
      const a = v128.load(from), b = v128.load(from + pitch);
      v128.store(to, v128.shuffle<f32>(a, b, 0, 4, 1, 5));
      v128.store(to, v128.shuffle<f32>(a, b, 2, 6, 3, 7), 16);
      from += 16;
      to += 32;
    }
    for (let i = 0; i < n; i++) store<f32>(to + (<usize>i << 2), load<f32>(from + (i & 1 ? pitch : 0) + (<usize>(i >> 1) << 2)));
    return;
  }
  if (parts == 1) {
    for (; width >= 4; width -= 4) {
      v128.store(to, v128.load(from));
      from += 16;
      to += 16;
    }
  }
  for (let part = 0; part < parts; part++) {
    for (let i = part, p = from; i < width; i += parts) {
      store<f32>(to + (<usize>i << 2), load<f32>(p));
      p += 4;
    }
    from += pitch;
  }
}
