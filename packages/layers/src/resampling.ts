import type { InterpolateOptions } from '@receptive/tensor';
import { interpolate, pixelShuffle, pixelUnshuffle } from '@receptive/tensor';
import { tried, whole } from './check.ts';
import { Stateless } from './stateless.ts';

/**
 * Makes the spatial axes of `[N, C, ...spatial]` larger, or smaller, to a size or by a factor, by nearest elements or linearly: see interpolate.
 * @throws ShapeError unless the options are either a size or a factor that makes sense. RangeError for a mode that does not exist.
 */
export class Upsample extends Stateless {
  constructor(options: InterpolateOptions) {
    super((x) => interpolate(x, options));
    const { size, scaleFactor } = options;
    const axes = [size ?? scaleFactor ?? 1].flat().length;
    // Long enough for the smallest factor to leave an element.
    const length = Math.ceil(1 / Math.min(1, ...[scaleFactor ?? 1].flat()));
    tried(this, [1, 1, ...new Array<number>(axes).fill(length > 0 && length < Infinity ? length : 1)]);
  }
}

/** `[N, C * r^2, H, W]` to `[N, C, H * r, W * r]`: channels become places. */
export class PixelShuffle extends Stateless {
  constructor(upscaleFactor: number) {
    whole('PixelShuffle', { upscaleFactor });
    super((x) => pixelShuffle(x, upscaleFactor));
  }
}

/** `[N, C, H * r, W * r]` to `[N, C * r^2, H, W]`: places become channels. */
export class PixelUnshuffle extends Stateless {
  constructor(downscaleFactor: number) {
    whole('PixelUnshuffle', { downscaleFactor });
    super((x) => pixelUnshuffle(x, downscaleFactor));
  }
}
