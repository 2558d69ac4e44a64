/** One number for each pixel, row by row. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** `plane` at another size: each pixel is the mean of the area it covers. */
export function resize(plane: Plane, width: number, height: number): Plane {
  return averageColumns(averageColumns(plane, width), height);
}

/** Averages the columns into `count` columns, and transposes. */
function averageColumns({ width, height, data }: Plane, count: number): Plane {
  const scale = width / count;
  const result = new Float32Array(count * height);
  for (let column = 0; column < count; column++) {
    const [begin, end] = [column * scale, (column + 1) * scale];
    for (let x = Math.floor(begin); x < Math.min(end, width); x++) {
      const share = (Math.min(end, x + 1) - Math.max(begin, x)) / scale;
      for (let y = 0; y < height; y++) result[column * height + y]! += share * data[y * width + x]!;
    }
  }
  return { width: height, height: count, data: result };
}
