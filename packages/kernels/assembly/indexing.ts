// Picking and sending elements by index. The tensors are seen as [outer, axis, inner].

/** `to[o][j][i] = from[o][index[o][j][i]][i]`; an index outside gives NaN, or 0 from integers. Words: from, index, to, length of from's axis, of the index's, inner length, lines (outer x index axis), lines a chunk. */
// @ts-ignore: decorator
@inline
function gather<T>(args: usize, chunk: i32): void {
  const from = load<usize>(args), length = load<i32>(args, 12), places = load<i32>(args, 16), inner = load<i32>(args, 20);
  const first = chunk * load<i32>(args, 28), last = min(load<i32>(args, 24), first + load<i32>(args, 28));
  let index = load<usize>(args, 4) + (<usize>(first * inner) << 2), to = load<usize>(args, 8) + <usize>(first * inner) * sizeof<T>();
  const row = <usize>(length * inner) * sizeof<T>();
  let place = first % places, base = from + <usize>(first / places) * row;
  for (let line = first; line < last; line++) {
    if (place == places) {
      place = 0;
      base += row;
    }
    place++;
    for (let i = 0; i < inner; i++) {
      const j = load<i32>(index);
      let value: T;
      if (<u32>j < <u32>length) value = load<T>(base + <usize>(j * inner + i) * sizeof<T>());
      else value = isFloat<T>() ? <T>NaN : <T>0;
      store<T>(to, value);
      index += 4;
      to += sizeof<T>();
    }
  }
}

/** The transpose of gather; an index outside is left out. Words: from, index, to, length of to's axis, of the index's, inner length, outer length, inner elements a chunk, inner chunks, outer elements a chunk. A chunk does all additions to its elements, in the order of the index. */
// @ts-ignore: decorator
@inline
function scatterAdd<T>(args: usize, chunk: i32): void {
  const length = load<i32>(args, 12), places = load<i32>(args, 16), inner = load<i32>(args, 20), grain = load<i32>(args, 28), chunks = load<i32>(args, 32);
  const first = (chunk % chunks) * grain, last = min(inner, first + grain), outers = load<i32>(args, 36), start = (chunk / chunks) * outers;
  const end = min(load<i32>(args, 24), start + outers), whole = last - first == inner, plane = <usize>(length * inner) * sizeof<T>();
  if (whole) memory.fill(load<usize>(args, 8) + <usize>start * plane, 0, <usize>(end - start) * plane);
  for (let outer = start; outer < end; outer++) {
    let from = load<usize>(args) + <usize>(outer * places * inner) * sizeof<T>(), index = load<usize>(args, 4) + (<usize>(outer * places * inner) << 2);
    const to = load<usize>(args, 8) + <usize>outer * plane;
    if (!whole) for (let j = 0; j < length; j++) memory.fill(to + <usize>(j * inner + first) * sizeof<T>(), 0, <usize>(last - first) * sizeof<T>());
    for (let j = 0; j < places; j++) {
      for (let i = first; i < last; i++) {
        const target = load<i32>(index + (<usize>i << 2));
        if (<u32>target >= <u32>length) continue;
        const p = to + <usize>(target * inner + i) * sizeof<T>();
        store<T>(p, <T>(load<T>(p) + load<T>(from + <usize>i * sizeof<T>())));
      }
      from += <usize>inner * sizeof<T>();
      index += <usize>inner << 2;
    }
  }
}

export function gather_float32(args: usize, chunk: i32, scratch: usize): void {
  gather<f32>(args, chunk);
}
export function gather_int32(args: usize, chunk: i32, scratch: usize): void {
  gather<i32>(args, chunk);
}
export function gather_uint8(args: usize, chunk: i32, scratch: usize): void {
  gather<u8>(args, chunk);
}
export function scatterAdd_float32(args: usize, chunk: i32, scratch: usize): void {
  scatterAdd<f32>(args, chunk);
}
export function scatterAdd_int32(args: usize, chunk: i32, scratch: usize): void {
  scatterAdd<i32>(args, chunk);
}
export function scatterAdd_uint8(args: usize, chunk: i32, scratch: usize): void {
  scatterAdd<u8>(args, chunk);
}
